// Which Pods to let go first when there are too many: those that serve least.
import type { Pod } from "#api/core/pod/pod.ts";
import { isReady, readySince } from "#api/core/pod/readiness.ts";
import { parseTime } from "#schema/time.ts";

const phases = ["Pending", "Unknown", "Running"];
const costAnnotation = "controller.kubernetes.io/pod-deletion-cost";

/** Sorts the ones to go to the front. `together` counts how many of the same owner share a Pod's Node. */
export function firstToGo(pods: readonly Pod[], together: (pod: Pod) => number): readonly Pod[] {
  return [...pods].sort(
    (left, right) =>
      number(Boolean(left.spec.nodeName)) - number(Boolean(right.spec.nodeName)) ||
      phases.indexOf(left.status.phase ?? "Pending") - phases.indexOf(right.status.phase ?? "Pending") ||
      number(isReady(left)) - number(isReady(right)) ||
      cost(left) - cost(right) ||
      together(right) - together(left) ||
      (readySince(right) ?? 0) - (readySince(left) ?? 0) ||
      restarts(right) - restarts(left) ||
      parseTime(right.metadata.creationTimestamp) - parseTime(left.metadata.creationTimestamp),
  );
}

const number = (value: boolean) => (value ? 1 : 0);
const restarts = (pod: Pod) => Math.max(0, ...(pod.status.containerStatuses ?? []).map(({ restartCount }) => restartCount));

function cost(pod: Pod): number {
  const text = pod.metadata.annotations?.[costAnnotation];
  return text !== undefined && /^(0|-?[1-9]\d{0,9})$/.test(text) ? Number(text) : 0;
}
