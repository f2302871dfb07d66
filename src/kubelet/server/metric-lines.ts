// The text format of Prometheus for samples that are gathered when asked: grouped by metric, with the time each was taken at.
export type Labels = Readonly<Record<string, string>>;

export interface MetricHead {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
}

export class MetricLines {
  readonly #metrics = new Map<string, { readonly head: string; readonly samples: string[] }>();

  /** Nothing is said where there is no value. `at` is in milliseconds since 1970; 0 is now. */
  add({ name, type, help }: MetricHead, labels: Labels, value: number | undefined, at = 0): void {
    if (value === undefined || !Number.isFinite(value)) return;
    let metric = this.#metrics.get(name);
    if (!metric) {
      metric = { head: `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`, samples: [] };
      this.#metrics.set(name, metric);
    }
    const said = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`);
    const time = at > 0 ? ` ${Math.round(at)}` : "";
    metric.samples.push(`${name}${said.length > 0 ? `{${said.join(",")}}` : ""} ${value}${time}\n`);
  }

  text(): string {
    return [...this.#metrics.values()].map(({ head, samples }) => head + samples.join("")).join("");
  }
}

function escaped(text: string): string {
  return text.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n");
}
