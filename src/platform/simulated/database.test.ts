import assert from "node:assert/strict";
import { test } from "node:test";
import type { Database } from "../database.ts";
import { SimulatedClock } from "./clock.ts";
import { SimulatedDatabases } from "./database.ts";
import { SeededRandom } from "./random.ts";
import { hostSettle } from "./settle.ts";

const key = (at: number) => Uint8Array.of(at);

async function keys(database: Database): Promise<number[]> {
  const all: number[] = [];
  for await (const page of database.scan(key(0), Uint8Array.of(255, 255))) all.push(...page.map((row) => row.key[0] as number));
  return all;
}

test("a crash keeps what was acknowledged and a first part of what was under way", async () => {
  const kept = new Set<number>();
  for (let seed = 0; seed < 40; seed++) {
    const clock = new SimulatedClock(0, hostSettle());
    const databases = new SimulatedDatabases(clock, new SeededRandom(seed));
    const database = await databases.open("/a");
    await assert.rejects(databases.open("/a"), { damage: "locked" });
    await database.commit([{ key: key(1), value: key(1) }]);
    databases.file("/a").slow(10);
    const underWay = [2, 3, 4].map((at) => database.commit([{ key: key(at), value: key(at) }]));
    databases.file("/a").crash();
    for (const result of await Promise.allSettled(underWay)) assert.equal(result.status, "rejected");
    await assert.rejects(database.commit([]), { damage: "io" });
    const after = await keys(await databases.open("/a"));
    assert.deepEqual(after, [1, 2, 3, 4].slice(0, after.length));
    kept.add(after.length);
  }
  assert.deepEqual([...kept].sort(), [1, 2, 3, 4]);
});

test("a full disk takes nothing, a broken one may", async () => {
  const landed = new Set<string>();
  for (let seed = 0; seed < 20; seed++) {
    for (const damage of ["full", "io"] as const) {
      const databases = new SimulatedDatabases(new SimulatedClock(0, hostSettle()), new SeededRandom(seed));
      const database = await databases.open("/a");
      databases.file("/a").fail(damage);
      await assert.rejects(database.commit([{ key: key(1), value: key(1) }]), { damage });
      landed.add(`${damage} ${(await keys(database)).length}`);
    }
  }
  assert.deepEqual([...landed].sort(), ["full 0", "io 0", "io 1"]);
});
