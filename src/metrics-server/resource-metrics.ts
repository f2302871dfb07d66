// Reads a kubelet's /metrics/resource: how much processor time and memory the node and each container have used, and when that was.

export interface Reading {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
  /** When what is measured began; a later one of the same name is another. */
  readonly startedAt: number | undefined;
}

export interface ContainerReading extends Reading {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
}

export interface NodeReadings {
  readonly node: Reading | undefined;
  /** By "namespace/pod/container". */
  readonly containers: ReadonlyMap<string, ContainerReading>;
}

interface Partial {
  readonly labels: Readonly<Record<string, string>>;
  at?: number | undefined;
  cpuSeconds?: number;
  memoryBytes?: number;
  startedAt?: number;
}

const linesMax = 50_000;
const sampleShape = /^([a-z_]+)(?:\{(.*)\})? ([^ ]+)(?: (\d+))?$/;
const labelShape = /([a-z_]+)="((?:[^"\\]|\\.)*)"/g;

/** Lines that say nothing we know are passed over. `now` stands for times that are not told. */
export function readResourceMetrics(text: string, now: number): NodeReadings {
  const node: Partial = { labels: {} };
  const containers = new Map<string, Partial>();
  for (const line of text.split("\n", linesMax)) {
    const match = line.startsWith("#") ? null : sampleShape.exec(line);
    if (!match) continue;
    const [, name = "", labelText = "", valueText, time] = match;
    const value = Number(valueText);
    if (!Number.isFinite(value)) continue;
    const target = name.startsWith("node_") ? node : name.startsWith("container_") ? containerOf(containers, labelText) : undefined;
    if (!target) continue;
    switch (name.slice(name.indexOf("_") + 1)) {
      case "cpu_usage_seconds_total":
        target.cpuSeconds = value;
        target.at = time === undefined ? now : Number(time);
        break;
      case "memory_working_set_bytes":
        target.memoryBytes = value;
        break;
      case "start_time_seconds":
        target.startedAt = value * 1_000;
        break;
    }
  }
  const whole = [...containers].flatMap(([key, { labels, ...partial }]) => {
    const reading = complete(partial);
    const { namespace = "", pod = "", container = "" } = labels;
    return reading ? [[key, { ...reading, namespace, pod, container }] as const] : [];
  });
  return { node: complete(node), containers: new Map(whole) };
}

function containerOf(containers: Map<string, Partial>, labelText: string): Partial | undefined {
  const labels: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [, name, value] of labelText.matchAll(labelShape)) labels[name as string] = (value as string).replace(/\\(["\\])/g, "$1");
  const { namespace, pod, container } = labels;
  if (!namespace || !pod || !container) return undefined;
  const key = `${namespace}/${pod}/${container}`;
  let found = containers.get(key);
  if (!found) {
    found = { labels };
    containers.set(key, found);
  }
  return found;
}

function complete({ at, cpuSeconds, memoryBytes, startedAt }: Omit<Partial, "labels">): Reading | undefined {
  if (at === undefined || cpuSeconds === undefined || memoryBytes === undefined) return undefined;
  return { at, cpuSeconds, memoryBytes, startedAt };
}
