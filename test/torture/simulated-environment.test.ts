// A few seeds of the API server under faults of its disk, network and clock.
import assert from "node:assert/strict";
import { test } from "node:test";
import { simulateServer } from "./simulated-environment.ts";

const seeds = 15;

test(`${seeds} seeds of faults break no promise of an API server`, async () => {
  for (let seed = 1; seed <= seeds; seed++) {
    const { violations, rounds } = await simulateServer(seed);
    assert.deepEqual(violations, [], `seed ${seed}`);
    assert.equal(rounds, 2);
  }
});

test("one seed is one run", async () => {
  assert.deepEqual(await simulateServer(4), await simulateServer(4));
});
