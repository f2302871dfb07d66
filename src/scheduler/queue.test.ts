import assert from "node:assert/strict";
import { test } from "node:test";
import { rootScope, type Scope } from "#base/scope.ts";
import { type SimulatedWorld, simulatedWorld } from "#platform/simulated/world.ts";
import { aPod } from "../../test/support/scheduling.ts";
import { SchedulingQueue, type Taken } from "./queue.ts";

async function withQueue(body: (queue: SchedulingQueue, world: SimulatedWorld, scope: Scope) => Promise<void>): Promise<SimulatedWorld> {
  const world = simulatedWorld({ seed: 1 });
  const scope = rootScope("test", (error) => {
    throw error;
  });
  await world.run(async () => {
    await body(new SchedulingQueue(scope, world), world, scope);
    await scope.stop();
  });
  return world;
}
const taken = async (queue: SchedulingQueue, scope: Scope) => (await queue.next(scope)) as Taken;

test("the more important comes first, then the older, then who came first", async () => {
  await withQueue(async (queue, _, scope) => {
    const old = aPod("old");
    queue.add(aPod("one"));
    queue.add(aPod("two"));
    queue.add({ ...old, metadata: { ...old.metadata, creationTimestamp: "2025-01-01T00:00:00Z" } });
    queue.add(aPod("important", { spec: { priority: 5 } }));
    for (let count = 0; count < 20; count += 1) queue.add(aPod(`x${count}`));
    const names: string[] = [];
    while (queue.length > 0) names.push((await taken(queue, scope)).pod.metadata.name);
    assert.deepEqual(names, ["important", "old", "one", "two", ...Array.from({ length: 20 }, (_, at) => `x${at}`)]);
  });
});

test("a refused Pod waits for what may help, and then for the end of its rest", async () => {
  await withQueue(async (queue, world, scope) => {
    queue.add(aPod("p"));
    queue.refuse(await taken(queue, scope), ["NodeAffinity"], queue.moves);
    const times: number[] = [];
    const waiting = taken(queue, scope).then(() => times.push(world.clock.monotonic()));
    await world.clock.sleep(scope, 100);
    queue.wake((_, refusedBy) => refusedBy.includes("NodePorts"));
    await world.clock.sleep(scope, 5_000);
    assert.deepEqual(times, []);
    queue.wake((_, refusedBy) => refusedBy.includes("NodeAffinity"));
    await waiting;
    assert.deepEqual(times, [5_100]);
  });
});

test("what happens during a decision counts: the Pod is tried again after its rest, which grows to ten seconds", async () => {
  await withQueue(async (queue, world, scope) => {
    queue.add(aPod("p"));
    const times: number[] = [];
    for (let attempt = 0; attempt < 7; attempt += 1) {
      const { moves } = queue;
      const one = await taken(queue, scope);
      times.push(world.clock.monotonic());
      queue.wake(() => true);
      queue.refuse(one, ["NodeAffinity"], moves);
    }
    assert.deepEqual(times, [0, 1_000, 3_000, 7_000, 15_000, 25_000, 35_000]);
  });
});

test("a Pod that nothing helps is tried again in the end", async () => {
  await withQueue(async (queue, world, scope) => {
    queue.add(aPod("p"));
    queue.refuse(await taken(queue, scope), ["NodeAffinity"], queue.moves);
    await taken(queue, scope);
    assert.ok(world.clock.monotonic() > 300_000 && world.clock.monotonic() < 340_000);
  });
});

test("a change that cannot help leaves a refused Pod where it is; what is deleted comes no more", async () => {
  await withQueue(async (queue, world, scope) => {
    queue.add(aPod("p"));
    queue.refuse(await taken(queue, scope), ["NodeAffinity"], queue.moves);
    let came = 0;
    scope.start("next", async (task) => {
      while (await queue.next(task)) came += 1;
    });
    queue.update(aPod("p", { phase: "Pending" }), false);
    await world.clock.sleep(scope, 60_000);
    assert.equal(came, 0);
    queue.update(aPod("p"), true);
    queue.add(aPod("q"));
    queue.delete(aPod("q"));
    await world.clock.sleep(scope, 60_000);
    assert.equal(came, 1);
    assert.equal(queue.length, 0);
  });
});

test("who waits for the next Pod is let go when it stops, alone or with the queue, and no timers stay", async () => {
  const world = await withQueue(async (queue, _, scope) => {
    const own = scope.child("own");
    const waiting = queue.next(own);
    await own.stop();
    assert.equal(await waiting, undefined);
    for (let count = 0; count < 50; count += 1) {
      queue.add(aPod(`p${count}`));
      queue.refuse(await taken(queue, scope), [], queue.moves);
    }
  });
  assert.equal(world.clock.pending, 0);
});
