// Deletes Pods from Nodes with NoExecute taints, once the time is over for which they put up with them.
import { Node, type Taint } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { isTerminating } from "#api/core/pod/readiness.ts";
import { toleratedSeconds } from "#api/core/pod/tolerations.ts";
import { withCondition } from "#api/meta/conditions.ts";
import { deepEqual } from "#schema/derive/equal.ts";
import { formatTime, parseTime } from "#schema/time.ts";
import { again, controller, may, patch, remove, status, type Step, together } from "../controller.ts";
import { podsOnNode } from "../pods-on-node.ts";

export const taintEvictionController = controller({
  name: "taint-eviction-controller",
  for: Node,
  reads: { pods: podsOnNode((pod, old) => !deepEqual(pod.spec.tolerations, old.spec.tolerations)) },
  writes: [may(Pod, "delete"), may(status(Pod), "patch")],
  decide,
});

interface Observed {
  readonly object: Node;
  readonly pods: readonly Pod[];
  readonly now: number;
}

export function decide({ object: node, pods, now }: Observed): readonly Step[] {
  const taints = (node.spec.taints ?? []).filter(({ effect }) => effect === "NoExecute");
  if (taints.length === 0) return [];
  const waiting = pods
    .filter((pod) => !isTerminating(pod))
    .flatMap((pod) => {
      const seconds = toleratedSeconds(pod.spec.tolerations, taints);
      return seconds === undefined ? [] : [{ pod, at: since(taints, node) + seconds * 1000 }];
    });
  const due = waiting.filter(({ at }) => at <= now);
  const soonest = Math.min(...waiting.filter(({ at }) => at > now).map(({ at }) => at));
  return [
    ...(due.length > 0 ? [together(due.flatMap(({ pod }) => evict(pod, now)))] : []),
    ...(Number.isFinite(soonest) ? [again(soonest - now)] : []),
  ];
}

/** Since when the newest of the taints is there. */
function since(taints: readonly Taint[], node: Node): number {
  return Math.max(...taints.map(({ timeAdded }) => parseTime(timeAdded ?? node.metadata.creationTimestamp)));
}

function evict(pod: Pod, now: number): readonly Step[] {
  const { uid, namespace, name } = pod.metadata;
  const conditions = withCondition(
    pod.status.conditions,
    {
      type: "DisruptionTarget",
      status: "True",
      reason: "DeletionByTaintManager",
      message: "Taint manager: deleting due to NoExecute taint",
    },
    formatTime(now),
  );
  return [
    ...(conditions === pod.status.conditions ? [] : [patch(Pod, pod, { metadata: { uid }, status: { conditions } }, "status")]),
    remove(Pod, pod, {
      announce: { about: pod, done: { reason: "TaintManagerEviction", message: `Marking for deletion Pod ${namespace}/${name}` } },
    }),
  ];
}
