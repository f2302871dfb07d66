import assert from "node:assert/strict";
import { test } from "node:test";
import { rootScope, type Scope } from "#base/scope.ts";
import { DatabaseError } from "#platform/database.ts";
import { SimulatedClock } from "#platform/simulated/clock.ts";
import { SimulatedDatabases } from "#platform/simulated/database.ts";
import { SimulatedLog } from "#platform/simulated/log.ts";
import { SeededRandom } from "#platform/simulated/random.ts";
import { hostSettle } from "#platform/simulated/settle.ts";
import type { World } from "#platform/world.ts";
import { RecordedWatch } from "../conformance/recorded-watch.ts";
import { type Operation, type Store, StoreUnavailable } from "../store.ts";
import type { HistoryPolicy } from "../memory/retention.ts";
import { type DiskStore, openDiskStore } from "./disk-store.ts";

const path = "/store";
const encoder = new TextEncoder();
const put = (key: string, text: string): Operation => ({ type: "put", key, value: encoder.encode(text) });
const write = (store: Store, ...operations: Operation[]) => store.transact({ conditions: [], operations });

class Machine {
  readonly clock = new SimulatedClock(1_700_000_000_000, hostSettle());
  readonly random: SeededRandom;
  readonly databases: SimulatedDatabases;
  scope: Scope = rootScope("test", (error) => {
    throw error;
  });

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
    this.databases = new SimulatedDatabases(this.clock, this.random.stream("disk"));
  }

  get file() {
    return this.databases.file(path);
  }

  open(history: HistoryPolicy = { mode: "manual" }): Promise<DiskStore> {
    const world = { clock: this.clock, log: new SimulatedLog(this.clock), databases: this.databases };
    return openDiskStore(this.scope, world as unknown as World, { path, history });
  }

  async close(): Promise<void> {
    await this.scope.stop();
    this.scope = rootScope("test", (error) => {
      throw error;
    });
  }

  /** Power is lost: nothing of the old store does anything any more that counts. */
  async crash(): Promise<void> {
    this.file.crash();
    await this.close();
  }
}

for (let seed = 1; seed <= 20; seed++) {
  test(`D1 D2 D4 R4 seed ${seed}: acknowledged writes survive crashes, and watches resume without a gap`, async () => {
    const machine = new Machine(seed);
    const acknowledged = new Map<number, string>();
    let seen: string[] = [];
    let resume = 2;
    let made = 0;
    for (let life = 0; life < 6; life++) {
      const store = await machine.open();
      assert.ok((await store.revision()) >= Math.max(1, ...acknowledged.keys()), "the revision went back");
      const watch = new RecordedWatch(store, { prefix: "", from: resume });
      const writers = Array.from({ length: 8 }, async () => {
        for (let count = machine.random.integer(12); count > 0; count--) {
          const key = `key-${made++}`;
          try {
            acknowledged.set((await write(store, put(key, "x"), put("same", key))).revision, key);
          } catch (error) {
            assert.ok(error instanceof StoreUnavailable);
            return;
          }
        }
      });
      for (let turns = machine.random.integer(20); turns > 0; turns--) await machine.clock.endOfTurn();
      await machine.crash();
      await Promise.all(writers);
      assert.equal(watch.broken, undefined);
      seen = [...seen, ...watch.events];
      resume = watch.revision + 1;
    }
    const store = await machine.open();
    const revision = await store.revision();
    for (const [at, key] of acknowledged) {
      assert.equal((await store.get(key)).item?.modRevision, at);
    }
    const rest = new RecordedWatch(store, { prefix: "", from: resume });
    const fresh = new RecordedWatch(store, { prefix: "", from: 2 });
    await Promise.all([rest.until(revision), fresh.until(revision)]);
    assert.deepEqual([...seen, ...rest.events], fresh.events, "D2: what watchers saw is history");
    assert.equal(fresh.events.length, 2 * (revision - 1));
    await machine.close();
  });
}

test("D2 nothing is visible before it is durable", async () => {
  const machine = new Machine(1);
  const store = await machine.open();
  machine.file.slow(100);
  const watch = new RecordedWatch(store, { prefix: "", from: 2 });
  const writing = write(store, put("a", "1"));
  const refused = store.transact({ conditions: [{ key: "a", modRevision: 0 }], operations: [put("a", "2")] });
  await machine.clock.advance(99);
  assert.equal((await store.get("a")).item, undefined);
  assert.equal((await store.range("", "")).count, 0);
  assert.deepEqual(watch.events, []);
  let answered = false;
  void refused.then(() => {
    answered = true;
  });
  await machine.clock.settle();
  assert.equal(answered, false);
  await machine.clock.advance(1);
  assert.equal((await writing).revision, 2);
  assert.equal((await refused).succeeded, false);
  assert.equal(watch.events.length, 1);
  await machine.close();
});

for (const damage of ["full", "io", "read-only"] as const) {
  test(`D3 a disk that is ${damage}: writes are refused, reads go on, and it recovers by itself`, async () => {
    for (let seed = 1; seed <= 10; seed++) {
      const machine = new Machine(seed);
      const store = await machine.open();
      await write(store, put("a", "1"));
      const watch = new RecordedWatch(store, { prefix: "", from: 3 });
      machine.file.fail(damage);
      const first = write(store, put("a", "2"), put("b", "2"));
      await machine.clock.endOfTurn();
      const behind = write(store, put("c", "2"));
      const dependent = store.transact({ conditions: [{ key: "c", modRevision: 0 }], operations: [] });
      for (const refused of [first, behind, dependent]) await assert.rejects(refused, StoreUnavailable);
      await assert.rejects(store.healthy(), /cannot be made durable/);
      assert.deepEqual(
        (await store.range("", "")).items.map((item) => [item.key, item.modRevision]),
        [["a", 2]],
      );
      assert.equal(await store.revision(), 2);
      machine.file.fail(undefined);
      await store.healthy();
      assert.equal((await write(store, put("d", "3"))).revision, 3);
      await watch.until(3);
      assert.equal(watch.events.length, 1);
      await machine.close();
      const again = await machine.open();
      assert.deepEqual(
        (await again.range("", "")).items.map((item) => [item.key, item.modRevision]),
        [
          ["a", 2],
          ["d", 3],
        ],
      );
      await machine.close();
    }
  });
}

test("D3 many writers share a commit", async () => {
  const machine = new Machine(1);
  const store = await machine.open();
  await Promise.all(Array.from({ length: 100 }, (_, at) => write(store, put(`key-${at}`, "x"))));
  assert.equal(machine.file.commits, 1);
  await machine.close();
});

async function damagedStore(harm: (machine: Machine, key: Uint8Array) => void, place: number): Promise<unknown> {
  const machine = new Machine(place + 1);
  const store = await machine.open();
  for (let at = 0; at < 6; at++) await write(store, put("a", String(at)), put(`b${at}`, "x"));
  await store.compact(4);
  await machine.clock.settle();
  await machine.close();
  const { keys } = machine.file;
  const key = keys[place];
  if (!key) return undefined;
  harm(machine, key);
  try {
    await machine.open();
  } catch (error) {
    return error;
  }
  return new Error(`row ${place} of ${keys.length} was harmed, and nobody noticed`);
}

for (const [name, harm] of [
  ["a flipped bit", (machine: Machine, key: Uint8Array) => machine.file.flipBit(key)],
  ["a lost row", (machine: Machine, key: Uint8Array) => machine.file.lose(key)],
] as const) {
  test(`D5 ${name} is found in every row`, async () => {
    let place = 0;
    for (let error = await damagedStore(harm, 0); error; error = await damagedStore(harm, ++place)) {
      assert.ok(error instanceof DatabaseError && error.damage === "corrupt", String(error));
      assert.match(error.message, /damaged: /);
    }
    // The mark, the three keys and one value alive at revision 4, and two rows for each of the three revisions after it.
    assert.equal(place, 1 + 4 + 6);
  });
}

test("D6 what waits for the disk is bounded", async () => {
  const machine = new Machine(1);
  const store = await machine.open();
  machine.file.slow(1000);
  const big = new Uint8Array(2 ** 20);
  const results = Array.from({ length: 130 }, (_, at) =>
    store.transact({ conditions: [], operations: [{ type: "put", key: `k${at}`, value: big }] }),
  );
  const settled = Promise.allSettled(results);
  await machine.clock.advance(5000);
  const refused = (await settled).filter((result) => result.status === "rejected");
  assert.equal(refused.length, 2);
  assert.match(String(refused[0]?.reason), /128 changes are waiting for the disk/);
  await machine.close();
});

test("C4 a removal that a crash cut short is finished after opening", async () => {
  const machine = new Machine(3);
  let store = await machine.open();
  for (let at = 0; at < 1200; at++) await write(store, put("a", String(at)));
  await write(store, { type: "delete", key: "a" }, put("b", "1"));
  const before = machine.file.keys.length;
  await store.compact(await store.revision());
  await machine.crash();
  assert.ok(machine.file.keys.length > 100 && machine.file.keys.length < before);
  store = await machine.open();
  assert.deepEqual(
    (await store.range("", "")).items.map((item) => item.key),
    ["b"],
  );
  await machine.clock.settle();
  assert.equal(machine.file.keys.length, 2, "the mark and one key");
  await machine.close();
});

test("C3 five minutes of history are kept, and no more than the bytes allowed", async () => {
  const machine = new Machine(1);
  const store = await machine.open({ bytes: 1_000_000 });
  for (let at = 0; at < 40; at++) {
    await write(store, put("a", String(at)));
    await machine.clock.advance(15_000);
  }
  const now = await store.revision();
  const kept = (of: number) =>
    store.range("", "", { revision: of }).then(
      () => true,
      () => false,
    );
  assert.equal(await kept(now - 20), true);
  assert.equal(await kept(now - 23), false);
  for (let at = 0; at < 40; at++) {
    await write(store, put("a", "x".repeat(100_000)));
    await machine.clock.advance(15_000);
  }
  const later = await store.revision();
  assert.equal(await kept(later - 5), true);
  assert.equal(await kept(later - 15), false);
  await machine.close();
});

for (const years of [-20, 20]) {
  test(`E1 C3 the machine's clock is set ${years} years on: times to live and history end as they would have`, async () => {
    const machine = new Machine(1);
    const store = await machine.open({});
    const mortal: Operation = { type: "put", key: "mortal", value: encoder.encode("x"), timeToLiveSeconds: 3600 };
    const { revision } = await write(store, mortal, put("kept", "x"));
    machine.clock.setWallClock(machine.clock.now() + years * 365 * 24 * 3_600_000);
    await machine.clock.advance(200_000);
    assert.equal((await store.range("", "", { revision })).count, 2, "history is as long as ever");
    await machine.clock.advance(3_390_000);
    assert.equal((await store.get("mortal")).item?.modRevision, revision, "it has not ended yet");
    await write(store, put("kept", "y"));
    await machine.clock.advance(15_000);
    assert.equal((await store.get("mortal")).item, undefined, "it has ended");
    await write(store, put("kept", "z"));
    await machine.clock.advance(400_000);
    await assert.rejects(store.range("", "", { revision }), { name: "Compacted" });
    await machine.close();
    const again = await machine.open();
    assert.equal((await again.get("kept")).item?.version, 3);
    assert.equal((await write(again, put("kept", "!"))).revision, await again.revision());
    await machine.close();
  });
}

for (const harm of ["flipBit", "lose"] as const) {
  test(`D8 ${harm}: reading the file again finds the damage, while the store goes on`, async () => {
    const machine = new Machine(1);
    const store = await machine.open();
    for (let at = 0; at < 200; at++) await write(store, put(`key-${at}`, "x"));
    await machine.clock.advance(11 * 60_000);
    assert.deepEqual({ ...store.integrity }, { passes: 1, rows: 200, problem: undefined });
    machine.file[harm](machine.file.keys[100] as Uint8Array);
    await machine.clock.advance(62 * 60_000);
    assert.equal(store.integrity.problem?.damage, "corrupt");
    assert.match(store.integrity.problem?.message ?? "", /damaged: the row of revision \d+/);
    assert.equal(store.image().versions.length, 200, "a snapshot of it is whole");
    await write(store, put("more", "x"));
    await machine.close();
  });
}

test("D8 what is written, deleted and compacted while the file is read again is no damage", async () => {
  const machine = new Machine(2);
  const store = await machine.open({ milliseconds: 20_000 });
  for (let at = 0; at < 500; at++) await write(store, put(`key-${at}`, "x"));
  for (let round = 0; round < 1_500; round++) {
    const key = `key-${machine.random.integer(500)}`;
    await write(store, round % 3 === 0 ? { type: "delete", key } : put(key, "y"));
    await machine.clock.advance(round < 250 ? 2_300 : 50);
  }
  await machine.clock.advance(10_000);
  assert.equal(store.integrity.passes, 1);
  assert.equal(store.integrity.problem, undefined);
  await machine.close();
});

test("D1 D3 a disk that takes 500 ms for every sync: writes wait and share them, reads do not, and nothing is lost", async () => {
  const machine = new Machine(3);
  const store = await machine.open();
  await write(store, put("before", "x"));
  machine.file.slow(500);
  const commits = machine.file.commits;
  const writing = Array.from({ length: 300 }, (_, at) => write(store, put(`key-${at}`, "x")));
  assert.equal((await store.get("before")).item?.version, 1, "reads do not wait");
  await machine.clock.advance(1_100);
  const revisions = (await Promise.all(writing)).map(({ revision }) => revision);
  assert.equal(new Set(revisions).size, 300);
  assert.ok(machine.file.commits - commits <= 3, `${machine.file.commits - commits} commits`);
  await store.healthy();
  await machine.crash();
  machine.file.slow(0);
  const again = await machine.open();
  assert.equal((await again.range("key-", "key.")).count, 300);
  await machine.close();
});
