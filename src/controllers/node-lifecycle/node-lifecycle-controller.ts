// Notices Nodes that fell silent or say that they are not well, says so in their conditions, taints and Pods, and takes it back when they
// are heard of again. Pods are evicted by what reads the taints (taint-eviction); how many Nodes at a time is decided here (zones.ts).
import type { Scope } from "#base/scope.ts";
import { Lease } from "#api/coordination.k8s.io/lease/lease.ts";
import { Node } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { isReady } from "#api/core/pod/readiness.ts";
import { conditionOf, withCondition } from "#api/meta/conditions.ts";
import { startWorkQueue } from "#client/work-queue.ts";
import type { Timer } from "#platform/clock.ts";
import type { World } from "#platform/world.ts";
import { formatTime } from "#schema/time.ts";
import { type ControllerNeeds, freeController, may, patch, type Step, status, tell, together, updateStatus } from "../controller.ts";
import { indexByNode, podsOn } from "../pods-on-node.ts";
import { performer } from "../runner.ts";
import { isNodeReady, missingLabels, silentConditions, wantedTaints } from "./node-state.ts";
import { countZones, defaultRates, EvictionQueue, evictionRate, isAllLost, zoneOf } from "./zones.ts";

export const nodeLifecycleController = freeController({
  name: "node-lifecycle-controller",
  because: "when a Node was last heard of is told by our own clock, not by what other machines wrote down; and Nodes wait for each other",
  reads: [Node, Lease, Pod],
  writes: [may(Node, "patch"), may(status(Node), "update"), may(status(Pod), "patch")],
  run,
});

const leaseNamespace = "kube-node-lease";
/** Looking again a little late is better than a little early. */
const lateMilliseconds = 100;

/** What is remembered of a Node. */
interface Known {
  /** What it last said, and when we first saw that it did. */
  what: string;
  heardAt: number;
  /** Whether its Pods have been told that it is not ready. */
  podsTold: boolean;
  /** Its turn to lose its Pods has come. */
  isGivenUp: boolean;
}

function run(scope: Scope, world: World, needs: ControllerNeeds): void {
  const { informers, facts, events } = needs;
  const { clock } = world;
  const { nodeMonitorGraceMilliseconds: grace = 50_000, nodeStartupGraceMilliseconds: startupGrace = 60_000 } = facts;
  const rates = facts.evictionRates ?? defaultRates;
  const nodes = informers.for(Node);
  const leases = informers.for(Lease);
  const pods = informers.for(Pod);
  indexByNode(pods);
  const perform = performer(needs);
  const known = new Map<string, Known>();
  const evictions = new EvictionQueue();
  let evictionTimer: Timer | undefined;
  /** No Node at all is ready. */
  let allLost = false;

  const queue = startWorkQueue(scope, world, { workers: 5 }, async (name) => {
    const node = nodes.get(name);
    if (!node) return;
    const own = remember(node);
    const ready = conditionOf(node.status.conditions, "Ready");
    const silentAt = own.heardAt + (ready ? grace : startupGrace);
    const now = clock.monotonic();
    if (now < silentAt) queue.addAfter(name, silentAt - now + lateMilliseconds);
    for (const step of stepsFor(node, own, now >= silentAt)) await perform(step);
    // Only what was done counts: a step that failed is done again.
    if (nodes.get(name) === node && ready && !isNodeReady(node)) own.podsTold = true;
  });

  function remember(node: Node): Known {
    const { name } = node.metadata;
    const heartbeat = conditionOf(node.status.conditions, "Ready")?.lastHeartbeatTime ?? "";
    const what = `${leases.get(`${leaseNamespace}/${name}`)?.spec.renewTime ?? ""} ${heartbeat}`;
    let own = known.get(name);
    if (!own) {
      own = { what, heardAt: clock.monotonic(), podsTold: false, isGivenUp: false };
      known.set(name, own);
      events.record(node, "Normal", "RegisteredNode", `Node ${name} event: Registered Node ${name} in Controller`);
    } else if (own.what !== what) Object.assign(own, { what, heardAt: clock.monotonic() });
    return own;
  }

  function stepsFor(node: Node, own: Known, isSilent: boolean): readonly Step[] {
    const now = clock.now();
    const { name, resourceVersion } = node.metadata;
    const before = node.status.conditions ?? [];
    const conditions = isSilent ? silentConditions(node, now) : before;
    const isWell = isNodeReady(node);
    if (conditions !== before) {
      const next = { ...node, status: { ...node.status, conditions } };
      return [
        updateStatus(Node, next),
        ...(isWell ? [tell(node, "Normal", "NodeNotReady", `Node ${name} status is now: NodeNotReady`)] : []),
      ];
    }
    if (isWell) Object.assign(own, { podsTold: false, isGivenUp: false });
    if (isWell || allLost || !conditionOf(before, "Ready")) evictions.remove(name);
    const evicts = allLost ? "nobody" : own.isGivenUp ? "everybody" : "as before";
    const { taints, waits } = wantedTaints(node, evicts, now);
    if (waits) {
      evictions.add(zoneOf(node), name);
      evictSome();
    }
    const labels = missingLabels(node);
    return [
      ...(taints ? [patch(Node, node, { metadata: { resourceVersion }, spec: { taints } })] : []),
      ...(labels ? [patch(Node, node, { metadata: { labels } })] : []),
      ...(conditionOf(before, "Ready") && !isWell && !own.podsTold ? [together(podsOn(name, pods).flatMap(unreadySteps))] : []),
    ];
  }

  /** Nobody may send a Pod traffic whose Node cannot say that it is well. Said once: a kubelet that is heard of after all knows better. */
  function unreadySteps(pod: Pod): readonly Step[] {
    if (!isReady(pod)) return [];
    const before = conditionOf(pod.status.conditions, "Ready");
    const conditions = withCondition(pod.status.conditions, { ...before, type: "Ready", status: "False" }, formatTime(clock.now()));
    const { uid, resourceVersion } = pod.metadata;
    return [
      patch(Pod, pod, { metadata: { uid, resourceVersion }, status: { conditions } }, "status"),
      tell(pod, "Warning", "NodeNotReady", "Node is not ready"),
    ];
  }

  /** Zones are counted anew. When the first Node is ready again after none was, all get their time anew: it was we who could not hear. */
  function countNodes(): void {
    const zones = countZones(nodes.list(), isNodeReady);
    evictions.setRates(new Map([...zones].map(([zone, count]) => [zone, evictionRate(count, rates)])));
    const before = allLost;
    allLost = isAllLost(zones, rates);
    if (allLost !== before) {
      for (const own of known.values()) {
        own.isGivenUp = false;
        if (!allLost) own.heardAt = clock.monotonic();
      }
      if (allLost) evictions.clear();
      for (const { metadata } of nodes.list()) queue.add(metadata.name);
    }
    evictSome();
  }

  function evictSome(): void {
    evictionTimer?.cancel();
    if (allLost || scope.stopped) return;
    const now = clock.monotonic();
    const { names, nextAt } = evictions.due(now);
    for (const name of names) {
      const own = known.get(name);
      if (own) own.isGivenUp = true;
      queue.add(name);
    }
    if (nextAt !== undefined) evictionTimer = clock.timer(nextAt - now, evictSome);
  }

  scope.defer("evictions", () => evictionTimer?.cancel());
  scope.start("node-lifecycle-controller", async (task) => {
    await Promise.all([nodes.synced, leases.synced, pods.synced]);
    task.throwIfStopped();
    countNodes();
    scope.defer(
      "nodes",
      nodes.onChange(({ type, object, old }) => {
        const { name } = object.metadata;
        if (type === "deleted" && known.delete(name)) {
          evictions.remove(name);
          events.record(object, "Normal", "RemovingNode", `Node ${name} event: Removing Node ${name} from Controller`);
        }
        if (type !== "changed" || isNodeReady(object) !== isNodeReady(old) || zoneOf(object) !== zoneOf(old)) countNodes();
        queue.add(name);
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
      pods.onChange(({ type, object, old }) => {
        const { nodeName } = object.spec;
        if (type === "deleted" || !nodeName || old?.spec.nodeName === nodeName || !isReady(object)) return;
        const own = known.get(nodeName);
        if (!own?.podsTold) return;
        own.podsTold = false;
        queue.add(nodeName);
      }),
    );
  });
}
