// Counters, gauges and histograms, and the text Prometheus reads. A metric's children are bounded: past the limit, new label values are
// counted together under "other", so that nobody can fill the memory by asking strange things.

const childrenMax = 5_000;

export type LabelValues = readonly string[];

interface Family {
  readonly name: string;
  text(): string;
}

export class Metrics {
  readonly #families = new Map<string, Family>();

  counter(name: string, help: string, labels: readonly string[] = []): Counter {
    return this.#add(new Counter(name, help, labels, "counter"));
  }

  /** A value that goes up and down, or, with `read`, one that is looked up when asked: alone, or by label values. */
  gauge(name: string, help: string, labels: readonly string[] = [], read?: GaugeReader): Gauge {
    return this.#add(new Gauge(name, help, labels, read));
  }

  histogram(name: string, help: string, labels: readonly string[], buckets: readonly number[]): Histogram {
    return this.#add(new Histogram(name, help, labels, buckets));
  }

  /** Everything in the text format, version 0.0.4. */
  text(): string {
    return [...this.#families.values()].map((family) => family.text()).join("");
  }

  #add<F extends Family>(family: F): F {
    this.#families.set(family.name, family);
    return family;
  }
}

export class Counter implements Family {
  readonly name: string;
  readonly #help: string;
  readonly #labels: readonly string[];
  readonly #type: string;
  readonly #children = new Map<string, { readonly values: LabelValues; value: number }>();

  constructor(name: string, help: string, labels: readonly string[], type: string) {
    this.name = name;
    this.#help = help;
    this.#labels = labels;
    this.#type = type;
  }

  add(values: LabelValues = [], amount = 1): void {
    childOf(this.#children, values, (own) => ({ values: own, value: 0 })).value += amount;
  }

  set(values: LabelValues, value: number): void {
    childOf(this.#children, values, (own) => ({ values: own, value: 0 })).value = value;
  }

  text(): string {
    const lines = [...this.#children.values()].map(({ values, value }) => `${this.name}${labelText(this.#labels, values)} ${value}\n`);
    return head(this.name, this.#help, this.#type) + lines.join("");
  }
}

export type GaugeReader = () => number | readonly (readonly [values: LabelValues, value: number])[];

export class Gauge extends Counter {
  readonly #read: GaugeReader | undefined;

  constructor(name: string, help: string, labels: readonly string[], read: GaugeReader | undefined) {
    super(name, help, labels, "gauge");
    this.#read = read;
  }

  override text(): string {
    const found = this.#read?.() ?? [];
    if (typeof found === "number") this.set([], found);
    else for (const [values, value] of found) this.set(values, value);
    return super.text();
  }
}

export class Histogram implements Family {
  readonly name: string;
  readonly #help: string;
  readonly #labels: readonly string[];
  readonly #buckets: readonly number[];
  readonly #children = new Map<string, { readonly values: LabelValues; readonly counts: number[]; sum: number; count: number }>();

  constructor(name: string, help: string, labels: readonly string[], buckets: readonly number[]) {
    this.name = name;
    this.#help = help;
    this.#labels = labels;
    this.#buckets = buckets;
  }

  observe(values: LabelValues, amount: number): void {
    const child = childOf(this.#children, values, (own) => ({ values: own, counts: this.#buckets.map(() => 0), sum: 0, count: 0 }));
    child.sum += amount;
    child.count++;
    const bucket = this.#buckets.findIndex((limit) => amount <= limit);
    if (bucket >= 0) child.counts[bucket] = (child.counts[bucket] as number) + 1;
  }

  text(): string {
    let text = head(this.name, this.#help, "histogram");
    const labels = [...this.#labels, "le"];
    for (const { values, counts, sum, count } of this.#children.values()) {
      let below = 0;
      for (const [index, limit] of this.#buckets.entries()) {
        below += counts[index] as number;
        text += `${this.name}_bucket${labelText(labels, [...values, String(limit)])} ${below}\n`;
      }
      text += `${this.name}_bucket${labelText(labels, [...values, "+Inf"])} ${count}\n`;
      text += `${this.name}_sum${labelText(this.#labels, values)} ${sum}\n${this.name}_count${labelText(this.#labels, values)} ${count}\n`;
    }
    return text;
  }
}

function childOf<C>(children: Map<string, C>, values: LabelValues, make: (values: LabelValues) => C): C {
  const id = values.length === 1 ? (values[0] as string) : values.join("\u0000");
  const known = children.get(id);
  if (known) return known;
  if (children.size >= childrenMax) {
    const others = values.map(() => "other");
    const otherId = others.join("\u0000");
    const other = children.get(otherId) ?? make(others);
    children.set(otherId, other);
    return other;
  }
  const child = make(values);
  children.set(id, child);
  return child;
}

function head(name: string, help: string, type: string): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

function labelText(labels: readonly string[], values: LabelValues): string {
  if (labels.length === 0) return "";
  return `{${labels.map((label, index) => `${label}="${escaped(values[index] ?? "")}"`).join(",")}}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
