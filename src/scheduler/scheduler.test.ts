import assert from "node:assert/strict";
import { test } from "node:test";
import { Event } from "#api/core/event/event.ts";
import { Node } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { rootScope, type Scope } from "#base/scope.ts";
import { sharedInformers } from "#client/informers.ts";
import { type SimulatedWorld, simulatedWorld } from "#platform/simulated/world.ts";
import { FakeCluster } from "../../test/support/fake-cluster.ts";
import { aNode, aPod } from "../../test/support/scheduling.ts";
import { needsOf } from "./pod-needs.ts";
import { startScheduler } from "./scheduler.ts";

interface Given {
  readonly world: SimulatedWorld;
  readonly scope: Scope;
  readonly cluster: FakeCluster;
  start(): Promise<Scope>;
}

async function withScheduler(seed: number, body: (given: Given) => Promise<void>, millisecondsMax = 0): Promise<void> {
  const world = simulatedWorld({ seed });
  const scope = rootScope("test", (error) => {
    throw error;
  });
  const cluster = new FakeCluster();
  await world.run(async () => {
    await body({
      world,
      scope,
      cluster,
      async start() {
        const own = scope.child("scheduler");
        const client = cluster.client(world, { millisecondsMax });
        await startScheduler(own, world, { client, informers: sharedInformers(own, world, client) });
        return own;
      },
    });
    await scope.stop();
  });
}

const waiting = (cluster: FakeCluster) => cluster.all(Pod).filter(({ spec }) => !spec.nodeName);
/** Fresh copies, as they come from the wire. */
const put = (cluster: FakeCluster, pod: Pod) => cluster.put<Pod>(Pod, structuredClone(pod));

test("2,000 Pods are bound to 100 Nodes, evenly, with an event each", () =>
  withScheduler(1, async ({ world, scope, cluster, start }) => {
    for (let at = 0; at < 100; at += 1) cluster.put(Node, aNode(`node-${at}`));
    for (let at = 0; at < 2_000; at += 1) put(cluster, aPod(`pod-${at}`, { cpu: "10m" }));
    await start();
    await world.clock.sleep(scope, 5_000);
    assert.equal(waiting(cluster).length, 0);
    assert.equal(cluster.all(Event).filter(({ reason }) => reason === "Scheduled").length, 2_000);
    const counts = new Map<string, number>();
    for (const { spec } of cluster.all(Pod)) counts.set(spec.nodeName as string, (counts.get(spec.nodeName as string) ?? 0) + 1);
    assert.equal(Math.max(...counts.values()), 20);
  }));

test("a Pod that fits nowhere says why, once, until a Node lets it in", () =>
  withScheduler(1, async ({ world, scope, cluster, start }) => {
    cluster.put(Node, aNode("small", { cpu: "1" }));
    await start();
    put(cluster, aPod("big", { cpu: "2" }));
    await world.clock.sleep(scope, 60_000);
    const { status } = cluster.get(Pod, "default/big") as Pod;
    const message =
      "0/1 nodes are available: 1 Insufficient cpu. preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";
    assert.deepEqual(
      status.conditions?.map(({ type, status, reason, message }) => ({ type, status, reason, message })),
      [{ type: "PodScheduled", status: "False", reason: "Unschedulable", message }],
    );
    assert.deepEqual(
      cluster.all(Event).map(({ reason, message, count }) => ({ reason, message, count })),
      [{ reason: "FailedScheduling", message, count: 1 }],
    );
    for (let beat = 0; beat < 10; beat += 1) {
      cluster.put(Node, structuredClone(aNode("small", { cpu: "1" })));
      await world.clock.sleep(scope, 5_000);
    }
    assert.equal(cluster.all(Event)[0]?.count, 1, "a Node that says only that it lives wakes nobody");
    cluster.put(Node, aNode("large"));
    await world.clock.sleep(scope, 1_000);
    assert.equal(cluster.get<Pod>(Pod, "default/big")?.spec.nodeName, "large");
  }));

test("what a failed binding gives back is offered to those who were refused", () =>
  withScheduler(1, async ({ world, scope, cluster, start }) => {
    cluster.put(Node, aNode("node", { cpu: "1" }));
    put(cluster, aPod("first", { cpu: "1" }));
    put(cluster, aPod("second", { cpu: "1" }));
    cluster.before = (call) => {
      if (call === "binding Pod first") cluster.remove(Pod, "default/first");
    };
    await start();
    await world.clock.sleep(scope, 15_000);
    assert.equal(cluster.get<Pod>(Pod, "default/second")?.spec.nodeName, "node");
  }));

test("a Pod that could not be bound is tried again, unless it went away", () =>
  withScheduler(1, async ({ world, scope, cluster, start }) => {
    cluster.put(Node, aNode("node"));
    let failures = 3;
    cluster.before = (call) => {
      if (call.startsWith("binding Pod stays") && (failures -= 1) >= 0) throw new Error("connection refused");
      if (call.startsWith("binding Pod goes")) {
        cluster.remove(Pod, "default/goes");
        throw new Error("connection refused");
      }
    };
    put(cluster, aPod("stays"));
    put(cluster, aPod("goes"));
    await start();
    await world.clock.sleep(scope, 20_000);
    assert.equal(cluster.get<Pod>(Pod, "default/stays")?.spec.nodeName, "node");
    assert.ok(cluster.calls.filter((call) => call === "binding Pod goes").length <= 2);
  }));

test("Pods of others, gated, leaving or finished ones are left alone", () =>
  withScheduler(1, async ({ world, scope, cluster, start }) => {
    cluster.put(Node, aNode("node"));
    await start();
    put(cluster, aPod("theirs", { spec: { schedulerName: "other" } }));
    put(cluster, aPod("gated", { spec: { schedulingGates: [{ name: "g" }] } }));
    put(cluster, aPod("finished", { phase: "Failed" }));
    const leaving = aPod("leaving");
    put(cluster, { ...leaving, metadata: { ...leaving.metadata, deletionTimestamp: "2026-01-01T00:00:01Z" } } as Pod);
    await world.clock.sleep(scope, 5_000);
    assert.equal(waiting(cluster).length, 4);
    put(cluster, aPod("gated"));
    await world.clock.sleep(scope, 1_000);
    assert.equal(cluster.get<Pod>(Pod, "default/gated")?.spec.nodeName, "node");
  }));

for (let seed = 1; seed <= 10; seed += 1) {
  test(`seed ${seed}: through restarts, late watches and lost calls no Node holds more than it can, and nobody who fits waits`, () =>
    withScheduler(
      seed,
      async ({ world, scope, cluster, start }) => {
        const random = world.random.stream("workload");
        for (let at = 0; at < 3; at += 1) cluster.put(Node, aNode(`node-${at}`, { cpu: "2", pods: "8" }));
        cluster.before = () => {
          if (random.integer(20) === 0) throw new Error("connection reset");
        };
        let scheduler = await start();
        for (let step = 0; step < 150; step += 1) {
          const choice = random.integer(20);
          if (choice < 11) put(cluster, aPod(`pod-${step}`, { cpu: `${100 + random.integer(900)}m` }));
          else if (choice < 15) {
            const pods = cluster.all(Pod);
            const pod = pods[random.integer(Math.max(1, pods.length))];
            if (pod) cluster.remove(Pod, `default/${pod.metadata.name}`);
          } else if (choice === 15) cluster.cutWatches();
          else if (choice === 16) {
            await scheduler.stop();
            scheduler = await start();
          } else await world.clock.sleep(scope, random.integer(1_500));
          for (const node of cluster.all(Node)) assert.ok(usedOf(cluster, node) <= 2_000, `${node.metadata.name} at step ${step}`);
        }
        await world.clock.sleep(scope, 400_000);
        for (const pod of waiting(cluster)) {
          const wanted = needsOf(pod).requests.get("cpu") ?? 0;
          for (const node of cluster.all(Node)) {
            const count = cluster.all(Pod).filter(({ spec }) => spec.nodeName === node.metadata.name).length;
            assert.ok(usedOf(cluster, node) + wanted > 2_000 || count >= 8, `${pod.metadata.name} fits ${node.metadata.name}`);
          }
        }
      },
      200,
    ));
}

function usedOf(cluster: FakeCluster, node: Node): number {
  return cluster
    .all(Pod)
    .filter(({ spec }) => spec.nodeName === node.metadata.name)
    .reduce((sum, pod) => sum + (needsOf(pod).requests.get("cpu") ?? 0), 0);
}
