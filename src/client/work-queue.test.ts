import assert from "node:assert/strict";
import { test } from "node:test";
import { rootScope, type Scope } from "#base/scope.ts";
import { type SimulatedWorld, simulatedWorld } from "#platform/simulated/world.ts";
import { startWorkQueue } from "./work-queue.ts";

async function inWorld(body: (world: SimulatedWorld, scope: Scope) => Promise<void>, seed = 1): Promise<SimulatedWorld> {
  const world = simulatedWorld({ seed });
  const scope = rootScope("test", (error) => {
    throw error;
  });
  await world.run(async () => {
    await body(world, scope);
    await scope.stop();
  });
  return world;
}

test("every key is worked on after its last change, by one worker at a time", async () => {
  for (let seed = 1; seed <= 20; seed += 1)
    await inWorld(async (world, scope) => {
      const random = world.random.stream("keys");
      const wanted = new Map<string, number>();
      const done = new Map<string, number>();
      const working = new Set<string>();
      const twice: string[] = [];
      const queue = startWorkQueue(scope, world, { workers: 3 }, async (key) => {
        if (working.has(key)) twice.push(key);
        working.add(key);
        const value = wanted.get(key) as number;
        await world.clock.sleep(scope, random.integer(30));
        working.delete(key);
        if (random.integer(4) === 0) throw new Error("try again");
        done.set(key, value);
      });
      for (let step = 1; step <= 200; step += 1) {
        const key = `key-${random.integer(5)}`;
        wanted.set(key, step);
        if (random.integer(3) === 0) queue.addAfter(key, random.integer(50));
        else queue.add(key);
        if (random.integer(2) === 0) await world.clock.sleep(scope, random.integer(20));
      }
      await world.clock.sleep(scope, 60_000);
      assert.deepEqual(twice, []);
      assert.deepEqual(new Map([...done].sort()), new Map([...wanted].sort()), `seed ${seed}`);
    }, seed);
});

test("a key that fails comes back later and later", async () => {
  await inWorld(async (world, scope) => {
    const times: number[] = [];
    startWorkQueue(scope, world, { workers: 1 }, async (_, failures) => {
      assert.equal(failures, times.length);
      times.push(world.clock.monotonic());
      if (times.length < 5) throw new Error("not yet");
    }).add("key");
    await world.clock.sleep(scope, 10_000);
    assert.deepEqual(times, [0, 5, 15, 35, 75]);
  });
});

test("work that ends with a scope of its own does not end its worker", async () => {
  await inWorld(async (world, scope) => {
    const own = scope.child("own");
    await own.stop();
    const worked: string[] = [];
    const queue = startWorkQueue(scope, world, { workers: 1 }, async (key, failures) => {
      worked.push(`${key} ${failures}`);
      if (failures === 0) await world.clock.sleep(own, 1);
    });
    queue.add("key");
    await world.clock.sleep(scope, 1_000);
    assert.deepEqual(worked, ["key 0", "key 1"]);
  });
});

test("of two times to come back the earlier counts, and a stopped queue keeps no timers", async () => {
  const world = await inWorld(async (world, scope) => {
    const worked: number[] = [];
    const queue = startWorkQueue(scope, world, { workers: 1 }, async () => void worked.push(world.clock.monotonic()));
    queue.addAfter("key", 500);
    queue.addAfter("key", 100);
    queue.addAfter("key", 300);
    await world.clock.sleep(scope, 1_000);
    assert.deepEqual(worked, [100]);
    queue.addAfter("key", 60_000);
    await scope.stop();
    queue.addAfter("key", 60_000);
    queue.add("key");
  });
  assert.equal(world.clock.pending, 0);
});
