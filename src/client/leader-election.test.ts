import assert from "node:assert/strict";
import { test } from "node:test";
import { Lease } from "#api/coordination.k8s.io/lease/lease.ts";
import { rootScope, type Scope } from "#base/scope.ts";
import { type SimulatedWorld, simulatedWorld } from "#platform/simulated/world.ts";
import { FakeCluster } from "../../test/support/fake-cluster.ts";
import { leadWhenElected } from "./leader-election.ts";

interface Given {
  readonly world: SimulatedWorld;
  readonly scope: Scope;
  readonly cluster: FakeCluster;
  /** Who leads now. */
  readonly leading: Set<string>;
  readonly ends: string[];
  run(copy: string, identity?: string, cut?: () => boolean): Scope;
}

function withCopies(seed: number, body: (given: Given) => Promise<void>): Promise<void> {
  const world = simulatedWorld({ seed });
  const scope = rootScope("test", (error) => {
    throw error;
  });
  const cluster = new FakeCluster();
  const leading = new Set<string>();
  const ends: string[] = [];
  return world.run(async () => {
    await body({
      world,
      scope,
      cluster,
      leading,
      ends,
      run(copy, identity = copy, cut = () => false) {
        const own = scope.child(copy);
        const reach = cluster.client(world, { millisecondsMax: 200 });
        const hung = new Promise<never>(() => {});
        const client = new Proxy(reach, {
          get: (target, name) => (cut() ? () => hung : Reflect.get(target, name)),
        });
        own.start("copy", async (task) => {
          try {
            await leadWhenElected(task, world, client, { namespace: "kube-system", name: "thing", identity }, (scope) => {
              leading.add(copy);
              scope.defer("lead", () => void leading.delete(copy));
            });
          } catch (error) {
            ends.push(`${copy}: ${(error as Error).message}`);
          }
        });
        return own;
      },
    });
    await scope.stop();
  });
}

test("one of several copies leads, and another one when it is gone, at no time two", async () => {
  for (let seed = 1; seed <= 10; seed += 1)
    await withCopies(seed, async ({ world, scope, leading, run }) => {
      const stop = world.clock.observe(() => assert.ok(leading.size <= 1, `${[...leading].join(" and ")} lead`));
      const copies = new Map(["one", "two", "three"].map((name) => [name, run(name)]));
      for (let turn = 0; turn < 3; turn += 1) {
        await world.clock.sleep(scope, 40_000);
        const [name] = leading;
        assert.ok(name, "somebody leads");
        await copies.get(name)?.stop();
      }
      stop();
    });
});

test("a holder whose calls hang steps down before another one takes over", () =>
  withCopies(1, async ({ world, scope, leading, run, ends }) => {
    let isCut = false;
    run("one", "one", () => isCut);
    await world.clock.sleep(scope, 5_000);
    run("two");
    const stop = world.clock.observe(() => assert.ok(leading.size <= 1));
    await world.clock.sleep(scope, 5_000);
    isCut = true;
    await world.clock.sleep(scope, 60_000);
    assert.deepEqual([...leading], ["two"]);
    assert.deepEqual(ends, ["one: lost the lease kube-system/thing: it was not renewed for 10 s"]);
    stop();
  }));

test("a jump of the wall clock makes nobody a leader", () =>
  withCopies(1, async ({ world, scope, leading, run, ends }) => {
    run("one");
    await world.clock.sleep(scope, 5_000);
    run("two");
    world.clock.setWallClock(world.clock.now() + 86_400_000);
    await world.clock.sleep(scope, 60_000);
    assert.deepEqual([...leading], ["one"]);
    assert.deepEqual(ends, []);
  }));

test("the successor at the same place leads at once, and a predecessor that lives after all steps down", () =>
  withCopies(1, async ({ world, scope, leading, run, ends }) => {
    run("old", "node-1_scheduler");
    await world.clock.sleep(scope, 5_000);
    run("new", "node-1_scheduler");
    await world.clock.sleep(scope, 4_000);
    assert.deepEqual([...leading], ["new"]);
    assert.deepEqual(ends, ["old: lost the lease kube-system/thing to another copy"]);
  }));

test("the lease is renewed while what leads is still starting, and its failure ends the leading", () =>
  withCopies(1, async ({ world, scope, cluster }) => {
    const client = cluster.client(world);
    const end = leadWhenElected(scope, world, client, { namespace: "kube-system", name: "slow", identity: "one" }, async (leading) => {
      await world.clock.sleep(leading, 60_000);
      throw new Error("cannot start");
    });
    await world.clock.sleep(scope, 50_000);
    const { spec } = cluster.get(Lease, "kube-system/slow") as Lease;
    assert.ok(world.clock.now() - Date.parse(spec.renewTime ?? "") <= 2_000);
    await assert.rejects(end, /cannot start/);
  }));
