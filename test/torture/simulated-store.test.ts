// A hundred seeds of the embedded store over a disk that misbehaves; and that a disk or a store that breaks a promise is found out.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Databases } from "#platform/database.ts";
import { simulateStore } from "./simulated-store.ts";

const seeds = 100;

test("100 seeds of faults break no promise of the embedded store", async () => {
  for (let seed = 1; seed <= seeds; seed++) {
    const { violations } = await simulateStore(seed);
    assert.deepEqual(violations, [], `seed ${seed}`);
  }
});

test("one seed is one run", async () => {
  assert.deepEqual(await simulateStore(3), await simulateStore(3));
});

/** The rules that some seed finds broken. */
async function broken(databases: (real: Databases) => Databases): Promise<ReadonlySet<string>> {
  const rules = new Set<string>();
  for (let seed = 1; seed <= 12; seed++) {
    const { violations } = await simulateStore(seed, { databases }).catch((error: unknown) => ({
      violations: [{ rule: "open", message: String(error) }],
    }));
    for (const { rule } of violations) rules.add(rule);
  }
  return rules;
}

test("a disk that says that it has synced before it has is found out", async () => {
  const rules = await broken((real) => ({
    async open(path) {
      const database = await real.open(path);
      const commit = async (changes: Parameters<typeof database.commit>[0]) => void database.commit(changes).catch(() => {});
      return { ...bound(database), commit };
    },
  }));
  assert.ok(rules.has("D1") && rules.has("R4"), [...rules].join());
});

test("a disk that forgets a commit is found out", async () => {
  let commits = 0;
  const rules = await broken((real) => ({
    async open(path) {
      const database = await real.open(path);
      const commit: typeof database.commit = (changes) => (++commits % 20 === 0 ? Promise.resolve() : database.commit(changes));
      return { ...bound(database), commit };
    },
  }));
  assert.ok(rules.has("open"), [...rules].join());
});

function bound(database: Awaited<ReturnType<Databases["open"]>>) {
  return {
    commit: database.commit.bind(database),
    scan: database.scan.bind(database),
    size: database.size.bind(database),
    copy: database.copy.bind(database),
    close: database.close.bind(database),
  };
}
