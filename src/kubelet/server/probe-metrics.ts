// /metrics/probes: how often each container was probed, with what outcome, and how long it took.
import type { Pod } from "#api/core/pod/pod.ts";
import type { Probe } from "#api/core/pod/probe.ts";
import type { ProbeTarget } from "../probes.ts";
import { namespaceOf } from "../layout.ts";
import { type MetricHead, MetricLines } from "./metric-lines.ts";

type Result = "successful" | "failed" | "unknown";

interface Counts {
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly results: Record<Result, number>;
  readonly buckets: number[];
  seconds: number;
}

const results = { success: "successful", warning: "successful", failure: "failed", unknown: "unknown" } as const;
const limits = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const total: MetricHead = {
  name: "prober_probe_total",
  type: "counter",
  help: "[BETA] Cumulative number of a liveness, readiness or startup probe for a container by result.",
};
const durationName = "prober_probe_duration_seconds";
const durationHead = `# HELP ${durationName} [ALPHA] Duration in seconds for a probe response.\n# TYPE ${durationName} histogram\n`;

export class ProbeMetrics {
  readonly #counts = new Map<string, Counts>();

  count({ pod, container }: ProbeTarget, probe: Probe, result: keyof typeof results, seconds: number): void {
    const type = probe === container.livenessProbe ? "Liveness" : probe === container.readinessProbe ? "Readiness" : "Startup";
    const { uid, name } = pod.metadata;
    const key = `${uid}/${container.name}/${type}`;
    let counts = this.#counts.get(key);
    if (!counts) {
      const labels = { container: container.name, namespace: namespaceOf(pod), pod: name, pod_uid: uid, probe_type: type };
      counts = { uid, labels, results: { successful: 0, failed: 0, unknown: 0 }, buckets: limits.map(() => 0), seconds: 0 };
      this.#counts.set(key, counts);
    }
    counts.results[results[result]] += 1;
    counts.seconds += seconds;
    const bucket = limits.findIndex((limit) => seconds <= limit);
    if (bucket >= 0) counts.buckets[bucket] = (counts.buckets[bucket] ?? 0) + 1;
  }

  /** Pods that are gone are forgotten. */
  text(pods: readonly Pod[]): string {
    const there = new Set(pods.map(({ metadata }) => metadata.uid));
    for (const [key, { uid }] of this.#counts) if (!there.has(uid)) this.#counts.delete(key);
    const lines = new MetricLines();
    for (const { labels, results: counted } of this.#counts.values())
      for (const [result, count] of Object.entries(counted)) if (count > 0) lines.add(total, { ...labels, result }, count);
    return lines.text() + (this.#counts.size > 0 ? durationHead : "") + [...this.#counts.values()].map(durationsOf).join("");
  }
}

function durationsOf({ labels, buckets, results: counted, seconds }: Counts): string {
  const { pod_uid: _, ...own } = labels;
  const said = Object.entries(own)
    .map(([name, value]) => `${name}="${value}"`)
    .join(",");
  const count = counted.successful + counted.failed + counted.unknown;
  let below = 0;
  const lines = limits.map((limit, index) => {
    below += buckets[index] ?? 0;
    return `${durationName}_bucket{${said},le="${limit}"} ${below}\n`;
  });
  const infinite = `${durationName}_bucket{${said},le="+Inf"} ${count}\n`;
  return `${lines.join("")}${infinite}${durationName}_sum{${said}} ${seconds}\n${durationName}_count{${said}} ${count}\n`;
}
