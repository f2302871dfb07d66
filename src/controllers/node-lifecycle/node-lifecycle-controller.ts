// Notices Nodes that fell silent, says so in their conditions, taints and Pods, and takes it back when they are heard of again.
import type { Scope } from "#base/scope.ts";
import { Lease } from "#api/coordination.k8s.io/lease/lease.ts";
import { Node } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { isReady, isTerminal } from "#api/core/pod/readiness.ts";
import { conditionOf, withCondition } from "#api/meta/conditions.ts";
import { startWorkQueue } from "#client/work-queue.ts";
import type { World } from "#platform/world.ts";
import { formatTime } from "#schema/time.ts";
import { type ControllerNeeds, freeController, may, patch, type Step, status, tell, together, updateStatus } from "../controller.ts";
import { indexByNode, podsOn } from "../pods-on-node.ts";
import { performer } from "../runner.ts";
import { isNodeReady, silentConditions, wantedTaints } from "./node-state.ts";

export const nodeLifecycleController = freeController({
  name: "node-lifecycle-controller",
  because: "when a Node was last heard of is told by our own clock, not by what other machines wrote down",
  reads: [Node, Lease, Pod],
  writes: [may(Node, "patch"), may(status(Node), "update"), may(status(Pod), "patch")],
  run,
});

const leaseNamespace = "kube-node-lease";
/** Looking again a little late is better than a little early. */
const lateMilliseconds = 100;

function run(scope: Scope, world: World, needs: ControllerNeeds): void {
  const { informers, facts } = needs;
  const { clock } = world;
  const { nodeMonitorGraceMilliseconds: grace = 40_000, nodeStartupGraceMilliseconds: startupGrace = 60_000 } = facts;
  const nodes = informers.for(Node);
  const leases = informers.for(Lease);
  const pods = informers.for(Pod);
  indexByNode(pods);
  const perform = performer(needs);
  /** What each Node last said, and when we first saw that it did. */
  const heard = new Map<string, { readonly what: string; readonly at: number }>();
  let someReady = false;

  const queue = startWorkQueue(scope, world, { workers: 5 }, async (name) => {
    const node = nodes.get(name);
    if (!node) {
      heard.delete(name);
      return;
    }
    const ready = conditionOf(node.status.conditions, "Ready");
    const what = `${leases.get(`${leaseNamespace}/${name}`)?.spec.renewTime ?? ""} ${ready?.lastHeartbeatTime ?? ""}`;
    const now = clock.monotonic();
    let last = heard.get(name);
    if (last?.what !== what) {
      last = { what, at: now };
      heard.set(name, last);
    }
    const silentAt = last.at + (ready ? grace : startupGrace);
    if (now < silentAt) queue.addAfter(name, silentAt - now + lateMilliseconds);
    for (const step of stepsFor(node, now >= silentAt)) await perform(step);
  });

  function stepsFor(node: Node, isSilent: boolean): readonly Step[] {
    const now = clock.now();
    const before = node.status.conditions ?? [];
    const conditions = isSilent ? silentConditions(node, now) : before;
    if (conditions !== before) {
      const next = { ...node, status: { ...node.status, conditions } };
      const wasReady = isNodeReady(node);
      const { name } = node.metadata;
      return [
        updateStatus(Node, next),
        ...(wasReady ? [tell(node, "Normal", "NodeNotReady", `Node ${name} status is now: NodeNotReady`)] : []),
      ];
    }
    const taints = wantedTaints(node, someReady, now);
    const { resourceVersion } = node.metadata;
    return [
      ...(taints ? [patch(Node, node, { metadata: { resourceVersion }, spec: { taints } })] : []),
      ...(conditionOf(before, "Ready") && !isNodeReady(node) ? [together(podsOn(node.metadata.name, pods).flatMap(unreadySteps))] : []),
    ];
  }

  /** Nobody may send a Pod traffic whose Node cannot say that it is well. */
  function unreadySteps(pod: Pod): readonly Step[] {
    if (!isReady(pod) || isTerminal(pod)) return [];
    const known = conditionOf(pod.status.conditions, "Ready");
    const conditions = withCondition(pod.status.conditions, { ...known, type: "Ready", status: "False" }, formatTime(clock.now()));
    const { uid, resourceVersion } = pod.metadata;
    return [
      patch(Pod, pod, { metadata: { uid, resourceVersion }, status: { conditions } }, "status"),
      tell(pod, "Warning", "NodeNotReady", "Node is not ready"),
    ];
  }

  /** When the first Node is ready again after none was, all get their time anew: it was we who could not hear. */
  function countReady(): void {
    const before = someReady;
    someReady = nodes.list().some(isNodeReady);
    if (someReady === before) return;
    if (someReady) for (const [name, { what }] of heard) heard.set(name, { what, at: clock.monotonic() });
    for (const { metadata } of nodes.list()) queue.add(metadata.name);
  }

  scope.start("node-lifecycle-controller", async (task) => {
    await Promise.all([nodes.synced, leases.synced, pods.synced]);
    task.throwIfStopped();
    countReady();
    scope.defer(
      "nodes",
      nodes.onChange(({ type, object, old }) => {
        if (type !== "changed" || isNodeReady(object) !== isNodeReady(old)) countReady();
        queue.add(object.metadata.name);
      }),
    );
    scope.defer(
      "leases",
      leases.onChange(({ object: { metadata } }) => {
        if (metadata.namespace === leaseNamespace) queue.add(metadata.name);
      }),
    );
    scope.defer(
      "pods",
      pods.onChange(({ type, object }) => {
        const { nodeName } = object.spec;
        const node = type !== "deleted" && nodeName && isReady(object) ? nodes.get(nodeName) : undefined;
        if (node && !isNodeReady(node)) queue.add(node.metadata.name);
      }),
    );
  });
}
