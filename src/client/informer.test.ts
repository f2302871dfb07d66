import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigMap } from "#api/core/config-map/config-map.ts";
import { StatusError } from "#api/meta/status-error.ts";
import { rootScope, type Scope } from "#base/scope.ts";
import { type SimulatedWorld, simulatedWorld } from "#platform/simulated/world.ts";
import { FakeCluster } from "../../test/support/fake-cluster.ts";
import { type Change, type Informer, objectKey, startInformer } from "./informer.ts";

const map = (name: string, value = "") => ({ metadata: { namespace: "a", name }, data: { value } });

async function withInformer(
  seed: number,
  body: (given: {
    world: SimulatedWorld;
    scope: Scope;
    cluster: FakeCluster;
    informer: Informer<ConfigMap>;
    told: string[];
    failures: unknown[];
  }) => Promise<void>,
  delays?: { millisecondsMax: number },
): Promise<void> {
  const world = simulatedWorld({ seed });
  const failures: unknown[] = [];
  const scope = rootScope("test", (error) => failures.push(error));
  const cluster = new FakeCluster();
  cluster.put(ConfigMap, map("first"));
  await world.run(async () => {
    const informer = startInformer(scope, world, cluster.client(world, delays), ConfigMap);
    const told: string[] = [];
    informer.onChange(({ type, object }) => told.push(`${type} ${object.metadata.name}`));
    await body({ world, scope, cluster, informer, told, failures });
    await scope.stop();
  });
}

test("a write seen by the watch to its end does not come back by its answer", () =>
  withInformer(1, async ({ world, scope, cluster, informer }) => {
    await informer.synced;
    const created = cluster.put<ConfigMap>(ConfigMap, map("short"));
    cluster.remove(ConfigMap, "a/short");
    await world.clock.sleep(scope, 1_000);
    informer.observe(created);
    assert.equal(informer.get("a/short"), undefined);
  }));

test("a write is in the copy before the watch tells of it, and what the watch tells late changes nothing", () =>
  withInformer(1, async ({ world, scope, cluster, informer, told }) => {
    await informer.synced;
    const created = cluster.put<ConfigMap>(ConfigMap, map("new"));
    informer.observe(created);
    assert.equal(informer.get("a/new"), created);
    await world.clock.sleep(scope, 1_000);
    assert.deepEqual(told, ["added first", "added new"]);
  }));

test("what was deleted stays gone through a list from before the deletion", () =>
  withInformer(1, async ({ world, scope, cluster, informer, told }) => {
    await informer.synced;
    const object = informer.get("a/first") as ConfigMap;
    cluster.put(ConfigMap, map("first", "changed, not yet seen"));
    informer.observeDeleted(object);
    await world.clock.sleep(scope, 1_000);
    assert.deepEqual(told, ["added first", "deleted first"]);
    cluster.compact();
    cluster.cutWatches(new StatusError("Expired", "too old"));
    await world.clock.sleep(scope, 5_000);
    assert.equal(informer.get("a/first"), undefined, "a list that still holds it does not bring it back");
    cluster.put(ConfigMap, map("first", "changed before the deletion"));
    await world.clock.sleep(scope, 5_000);
    assert.equal(informer.get("a/first"), undefined, "nor does a change from before");
    cluster.remove(ConfigMap, "a/first");
    cluster.put(ConfigMap, map("first"));
    await world.clock.sleep(scope, 5_000);
    assert.deepEqual(told, ["added first", "deleted first", "added first"]);
  }));

test("a server that refuses every watch is not asked in a tight loop", () =>
  withInformer(1, async ({ world, scope, cluster }) => {
    cluster.before = (call) => {
      if (call.startsWith("watch")) throw new StatusError("Expired", "too old resource version");
    };
    await world.clock.sleep(scope, 60_000);
    assert.ok(cluster.calls.length > 20 && cluster.calls.length < 200, `${cluster.calls.length} calls in a minute`);
  }));

test("a server that starts over with a new history is believed", () =>
  withInformer(1, async ({ world, scope, cluster, informer }) => {
    for (let count = 0; count < 20; count += 1) cluster.put(ConfigMap, map("first", String(count)));
    cluster.put(ConfigMap, map("old"));
    await world.clock.sleep(scope, 1_000);
    cluster.startOver();
    cluster.put(ConfigMap, map("first", "of the new history"));
    await world.clock.sleep(scope, 30_000);
    assert.deepEqual(informer.list(), cluster.all(ConfigMap));
  }));

test("a restarted server is resumed soon, without a list", () =>
  withInformer(1, async ({ world, scope, cluster, informer }) => {
    await informer.synced;
    await world.clock.sleep(scope, 1_000);
    cluster.before = () => {
      throw new Error("connection refused");
    };
    cluster.cutWatches();
    cluster.put(ConfigMap, map("meanwhile"));
    await world.clock.sleep(scope, 20_000);
    cluster.before = () => {};
    await world.clock.sleep(scope, 3_500);
    assert.ok(informer.get("a/meanwhile"));
    assert.equal(cluster.calls.filter((call) => call.startsWith("list")).length, 1);
  }));

test("a handler that fails is reported, and the others are told all the same", () =>
  withInformer(1, async ({ world, scope, cluster, informer, failures }) => {
    await informer.synced;
    const seen: string[] = [];
    informer.onChange(({ type, object }) => {
      if (type === "added" && object.metadata.name === "second") throw new Error("boom");
    });
    informer.onChange(({ object }) => seen.push(object.metadata.name));
    cluster.put(ConfigMap, map("second"));
    await world.clock.sleep(scope, 1_000);
    assert.deepEqual(seen, ["first", "second"]);
    assert.deepEqual(failures.map(String), ["Error: boom"]);
  }));

test("a call that fails because of the stop, or during it, is no failure", () =>
  withInformer(1, async ({ world, scope, cluster, informer, failures }) => {
    await informer.synced;
    cluster.before = async (call) => {
      if (!call.startsWith("watch")) return;
      void scope.stop();
      throw new Error("connection reset");
    };
    cluster.cutWatches();
    await new Promise<void>((resolve) => world.clock.timer(5_000, resolve));
    assert.deepEqual(failures, []);
  }));

for (let seed = 1; seed <= 20; seed += 1) {
  test(`seed ${seed}: writes, own writes, deletions, broken watches and lists end in a true copy, told step by step`, () =>
    withInformer(
      seed,
      async ({ world, scope, cluster, informer, failures }) => {
        const random = world.random.stream("writes");
        const followed = new Map<string, ConfigMap>();
        informer.addIndex("value", ({ data }) => [data?.["value"] ?? ""]);
        informer.onChange((change) => follow(followed, change));
        for (let step = 0; step < 300; step += 1) {
          const key = `a/m${random.integer(8)}`;
          const choice = random.integer(100);
          if (choice < 45) cluster.put(ConfigMap, map(key.slice(2), String(random.integer(4))));
          else if (choice < 60) {
            const written = cluster.put<ConfigMap>(ConfigMap, map(key.slice(2), String(random.integer(4))));
            world.clock.timer(random.integer(400), () => informer.observe(written));
          } else if (choice < 75) cluster.remove(ConfigMap, key);
          else if (choice < 85) {
            const known = informer.get(key);
            if (known && cluster.get(ConfigMap, key)?.metadata.uid === known.metadata.uid) {
              cluster.remove(ConfigMap, key);
              informer.observeDeleted(known);
            }
          } else if (choice < 92) cluster.cutWatches(random.integer(2) === 0 ? new Error("connection reset") : undefined);
          else if (choice < 94) {
            cluster.compact();
            cluster.cutWatches();
          } else await world.clock.sleep(scope, random.integer(2_000));
        }
        await world.clock.sleep(scope, 120_000);
        assert.deepEqual(failures, []);
        const byName = (objects: readonly ConfigMap[]) => [...objects].sort((left, right) => (objectKey(left) < objectKey(right) ? -1 : 1));
        assert.deepEqual(byName(informer.list()), byName(cluster.all(ConfigMap)));
        assert.deepEqual(byName([...followed.values()]), byName(cluster.all(ConfigMap)));
        for (const value of ["0", "1", "2", "3"])
          assert.deepEqual(
            byName(informer.byIndex("value", value)),
            byName(cluster.all(ConfigMap).filter(({ data }) => data?.["value"] === value)),
          );
      },
      { millisecondsMax: 300 },
    ));
}

/** Each change must fit what was told before, and go forward. */
function follow(followed: Map<string, ConfigMap>, { type, object, old }: Change<ConfigMap>): void {
  const key = objectKey(object);
  const before = followed.get(key);
  assert.equal(old, before, `${type} ${key} follows from what was told before`);
  if (before && type === "changed") {
    assert.equal(object.metadata.uid, before.metadata.uid);
    assert.ok(Number(object.metadata.resourceVersion) > Number(before.metadata.resourceVersion));
  }
  if (type === "deleted") followed.delete(key);
  else followed.set(key, object);
}
