// What a Pod's status says about it: whether it lives, serves, and has done so long enough.
import { conditionOf, isTrue } from "#api/meta/conditions.ts";
import type { Pod } from "./pod.ts";

/** Milliseconds since 1970. */
type Instant = number;

/** Whether the Pod has ended and will never run again. */
export function isTerminal(pod: Pod): boolean {
  return pod.status.phase === "Succeeded" || pod.status.phase === "Failed";
}

/** Whether somebody asked for the Pod's deletion. */
export function isTerminating(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined;
}

/** Whether the Pod counts as a replica: neither ended nor about to. */
export function isActive(pod: Pod): boolean {
  return !isTerminal(pod) && !isTerminating(pod);
}

/** Whether the Pod may be sent traffic. */
export function isReady(pod: Pod): boolean {
  return isTrue(pod.status.conditions, "Ready");
}

/** Since when the Pod has been ready; undefined when it is not, or nobody said since when. */
export function readySince(pod: Pod): Instant | undefined {
  const condition = conditionOf(pod.status.conditions, "Ready");
  if (condition?.status !== "True" || condition.lastTransitionTime === undefined) return undefined;
  return Date.parse(condition.lastTransitionTime);
}

/** Whether the Pod has been ready for `minReadySeconds`. */
export function isAvailable(pod: Pod, minReadySeconds: number, now: Instant): boolean {
  if (!isReady(pod)) return false;
  if (minReadySeconds === 0) return true;
  const since = readySince(pod);
  return since !== undefined && since + minReadySeconds * 1000 <= now;
}
