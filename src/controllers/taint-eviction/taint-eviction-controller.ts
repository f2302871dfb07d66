// Deletes Pods from Nodes with NoExecute taints, once the time is over for which they put up with them.
import type { Scope } from "#base/scope.ts";
import { Node, type Taint } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { isTerminating } from "#api/core/pod/readiness.ts";
import { toleratedSeconds } from "#api/core/pod/tolerations.ts";
import { conditionOf, withCondition } from "#api/meta/conditions.ts";
import { startWorkQueue } from "#client/work-queue.ts";
import type { World } from "#platform/world.ts";
import { deepEqual } from "#schema/derive/equal.ts";
import { formatTime, parseTime } from "#schema/time.ts";
import { attempt, type ControllerNeeds, freeController, may, patch, remove, type Step, status, together } from "../controller.ts";
import { indexByNode, podsOn } from "../pods-on-node.ts";
import { performer } from "../runner.ts";

export const taintEvictionController = freeController({
  name: "taint-eviction-controller",
  because:
    "since when a Pod puts up with its Node is remembered: taints come and go and change their names, and not all say when they came",
  reads: [Node, Pod],
  writes: [may(Pod, "delete"), may(status(Pod), "patch")],
  run,
});

function run(scope: Scope, world: World, needs: ControllerNeeds): void {
  const { informers, events } = needs;
  const { clock } = world;
  const nodes = informers.for(Node);
  const pods = informers.for(Pod);
  indexByNode(pods);
  const perform = performer(needs);
  /** Since when each Pod that will have to go puts up with taints, by its uid; on the monotonic clock. */
  const since = new Map<string, number>();

  const queue = startWorkQueue(scope, world, { workers: 5 }, async (name) => {
    const taints = evictingTaints(nodes.get(name));
    const due: Pod[] = [];
    for (const pod of podsOn(name, pods)) {
      const { uid } = pod.metadata;
      if (isTerminating(pod)) {
        since.delete(uid);
        continue;
      }
      const seconds = taints.length === 0 ? undefined : toleratedSeconds(pod.spec.tolerations, taints);
      if (seconds === undefined) {
        if (since.delete(uid)) events.record(pod, "Normal", "TaintManagerEviction", `Cancelling deletion of Pod ${nameOf(pod)}`);
        continue;
      }
      const now = clock.monotonic();
      const began = since.get(uid) ?? now - toleratedMilliseconds(pod, taints, clock.now());
      since.set(uid, began);
      const left = began + seconds * 1_000 - now;
      if (left <= 0) due.push(pod);
      else queue.addAfter(name, left);
    }
    if (due.length > 0) await perform(together(due.map((pod) => attempt(evict(pod, clock.now()), () => []))));
  });

  scope.start("taint-eviction-controller", async (task) => {
    await Promise.all([nodes.synced, pods.synced]);
    task.throwIfStopped();
    scope.defer(
      "nodes",
      nodes.onChange(({ type, object, old }) => {
        if (type === "changed" && deepEqual(evictingTaints(object), evictingTaints(old))) return;
        if (type === "added" && evictingTaints(object).length === 0) return;
        queue.add(object.metadata.name);
      }),
    );
    scope.defer(
      "pods",
      pods.onChange(({ type, object, old }) => {
        if (type === "deleted") since.delete(object.metadata.uid);
        const { nodeName } = object.spec;
        if (type === "deleted" || !nodeName || evictingTaints(nodes.get(nodeName)).length === 0) return;
        const isSame = old && old.spec.nodeName === nodeName && deepEqual(old.spec.tolerations, object.spec.tolerations);
        if (!isSame) queue.add(nodeName);
      }),
    );
  });
}

const evictingTaints = (node: Node | undefined): readonly Taint[] =>
  (node?.spec.taints ?? []).filter(({ effect }) => effect === "NoExecute");
const nameOf = ({ metadata: { namespace, name } }: Pod) => `${namespace}/${name}`;

/** For how long a Pod that was not known before has put up with the taints: since the first came, or since it is there itself. */
export function toleratedMilliseconds(pod: Pod, taints: readonly Taint[], now: number): number {
  const came = Math.min(...taints.map(({ timeAdded }) => (timeAdded === undefined ? now : parseTime(timeAdded))));
  const bound = conditionOf(pod.status.conditions, "PodScheduled")?.lastTransitionTime ?? pod.metadata.creationTimestamp;
  return Math.max(0, now - Math.max(came, bound === undefined ? 0 : parseTime(bound)));
}

function evict(pod: Pod, now: number): readonly Step[] {
  const { uid, resourceVersion, generation } = pod.metadata;
  const conditions = withCondition(
    pod.status.conditions,
    {
      type: "DisruptionTarget",
      status: "True",
      reason: "DeletionByTaintManager",
      message: "Taint manager: deleting due to NoExecute taint",
      ...(generation !== undefined && { observedGeneration: generation }),
    },
    formatTime(now),
  );
  return [
    ...(conditions === pod.status.conditions
      ? []
      : [patch(Pod, pod, { metadata: { uid, resourceVersion }, status: { conditions } }, "status")]),
    remove(Pod, pod, {
      announce: { about: pod, done: { reason: "TaintManagerEviction", message: `Marking for deletion Pod ${nameOf(pod)}` } },
    }),
  ];
}
