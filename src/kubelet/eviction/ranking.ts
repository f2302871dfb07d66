// Which Pod is evicted first when the node is short of something: one that uses more than it asked for, of the lowest priority, that uses
// most beyond its request. Pure.
import type { Pod } from "#api/core/pod/pod.ts";
import { podRequests } from "#api/core/pod/resources.ts";
import { quantityToWhole } from "#schema/quantity.ts";
import type { Signal } from "./thresholds.ts";
import { resourceOf } from "./thresholds.ts";

/** What a Pod uses now. Absent: not known. */
export interface PodUsage {
  readonly memoryBytes?: number | undefined;
  readonly processes?: number | undefined;
  readonly diskBytes?: number | undefined;
  readonly inodes?: number | undefined;
  /** By container, for messages. */
  readonly containers?: ReadonlyMap<string, { readonly memoryBytes?: number | undefined; readonly diskBytes?: number | undefined }>;
}

export type UsageOf = (pod: Pod) => PodUsage;

/** First who is to go first. */
export function rank(pods: readonly Pod[], signal: Signal, usageOf: UsageOf): readonly Pod[] {
  const measured = pods.map((pod) => {
    const { used, requested } = measure(pod, signal, usageOf(pod));
    return { pod, isUnknown: used === undefined, exceeds: used === undefined || used > requested, beyond: (used ?? 0) - requested };
  });
  const priority = ({ spec }: Pod) => spec.priority ?? 0;
  return measured
    .sort(
      (a, b) =>
        Number(b.isUnknown) - Number(a.isUnknown) ||
        Number(b.exceeds) - Number(a.exceeds) ||
        priority(a.pod) - priority(b.pod) ||
        b.beyond - a.beyond,
    )
    .map(({ pod }) => pod);
}

function measure(pod: Pod, signal: Signal, usage: PodUsage): { readonly used: number | undefined; readonly requested: number } {
  switch (resourceOf(signal)) {
    case "memory":
      return { used: usage.memoryBytes, requested: requestOf(pod, "memory") };
    case "ephemeral-storage":
      return { used: usage.diskBytes, requested: requestOf(pod, "ephemeral-storage") };
    // Nobody asks for these: only priority and use count.
    case "inodes":
      return { used: usage.inodes ?? 0, requested: 0 };
    case "pids":
      return { used: usage.processes ?? 0, requested: 0 };
  }
}

function requestOf(pod: Pod, name: string): number {
  const amount = podRequests(pod)[name];
  return amount === undefined ? 0 : quantityToWhole(amount);
}
