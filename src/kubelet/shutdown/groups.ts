// In which order the Pods of a node that is being shut down are ended, and how long each may take: the least important first. Pure.
import type { Pod } from "#api/core/pod/pod.ts";
import { isCritical } from "../layout.ts";

export interface ShutdownGroup {
  /** Pods of this priority and above, below the next group's. */
  readonly priority: number;
  readonly graceSeconds: number;
}

export interface ShutdownPeriods {
  /** Of the whole node. */
  readonly totalSeconds: number;
  /** The part of it at the end that is the critical Pods' own. */
  readonly criticalSeconds: number;
  /** Instead of both. */
  readonly byPriority: readonly ShutdownGroup[];
}

const criticalPriority = 2_000_000_000;

/** By priority, the lowest first; none where nothing is waited for. */
export function shutdownGroups({ totalSeconds, criticalSeconds, byPriority }: ShutdownPeriods): readonly ShutdownGroup[] {
  if (byPriority.length > 0) return byPriority.toSorted((a, b) => a.priority - b.priority);
  if (totalSeconds <= 0) return [];
  return [
    { priority: 0, graceSeconds: totalSeconds - criticalSeconds },
    { priority: criticalPriority, graceSeconds: criticalSeconds },
  ];
}

/** How long the machine has to wait for us. */
export function longest(groups: readonly ShutdownGroup[]): number {
  return groups.reduce((sum, { graceSeconds }) => sum + graceSeconds, 0);
}

/** The Pods of each group, in the groups' order. Those below the first group belong to it. */
export function grouped<P extends { readonly pod: Pod }>(groups: readonly ShutdownGroup[], pods: readonly P[]): readonly (readonly P[])[] {
  const indexOf = ({ pod }: P) => Math.max(0, groups.map(({ priority }) => priorityOf(pod) >= priority).lastIndexOf(true));
  return groups.map((_, index) => pods.filter((one) => indexOf(one) === index));
}

/** Static Pods have no number from the API server, and are critical. */
function priorityOf(pod: Pod): number {
  const { priority = 0 } = pod.spec;
  return isCritical(pod) ? Math.max(priority, criticalPriority) : priority;
}

/** What is wrong with the configuration, in upstream's words. */
export function shutdownProblems({ totalSeconds, criticalSeconds, byPriority }: ShutdownPeriods): readonly string[] {
  const problems: string[] = [];
  if (byPriority.length > 0 && (totalSeconds > 0 || criticalSeconds > 0))
    problems.push("Cannot specify both shutdownGracePeriodByPodPriority and shutdownGracePeriod at the same time");
  if (criticalSeconds > totalSeconds)
    problems.push(`shutdownGracePeriodCriticalPods ${criticalSeconds}s must be <= shutdownGracePeriod ${totalSeconds}s`);
  for (const [name, seconds] of [
    ["shutdownGracePeriod", totalSeconds],
    ["shutdownGracePeriodCriticalPods", criticalSeconds],
  ] as const)
    if (seconds > 0 && seconds < 1) problems.push(`${name} ${seconds}s must be either zero or otherwise >= 1 sec`);
  return problems;
}
