import assert from "node:assert/strict";
import { test } from "node:test";
import { rootScope } from "#base/scope.ts";
import { simulatedWorld } from "#platform/simulated/world.ts";
import type { World } from "#platform/world.ts";
import { openJournal } from "./journal.ts";

test("a pipe that could not be made is made at the next start", async () => {
  const simulated = simulatedWorld({ seed: 1 });
  let tries = 0;
  const run = async () =>
    (tries += 1) === 1 ? { code: 1, stdout: "", stderr: "No space left on device" } : { code: 0, stdout: "", stderr: "" };
  const spawn = async () => ({ stdout: (async function* () {})(), kill: () => {} });
  const world = { ...simulated, processes: { ...simulated.processes, run, spawn } } as unknown as World;
  const scope = rootScope("test", (error) => {
    throw error;
  });
  const journal = openJournal(scope, world, { name: "a.service", identifier: "a", pipe: "/run/a.pipe", path: "/log/a.log" });
  await simulated.run(async () => {
    await assert.rejects(journal.open(), /cannot make the journal's pipe \/run\/a\.pipe: No space left on device/);
    await journal.open();
    await journal.open();
    await scope.stop();
  });
  assert.equal(tries, 2);
});

test("a reader that cannot be started is started a second later", async () => {
  const simulated = simulatedWorld({ seed: 1 });
  let tries = 0;
  const spawn = async () => {
    if ((tries += 1) === 1) throw new Error("spawn EAGAIN");
    return { stdout: (async function* () {})(), kill: () => {} };
  };
  const run = async () => ({ code: 0, stdout: "", stderr: "" });
  const world = { ...simulated, processes: { ...simulated.processes, run, spawn } } as unknown as World;
  const scope = rootScope("test", (error) => {
    throw error;
  });
  const journal = openJournal(scope, world, { name: "a.service", identifier: "a", pipe: "/run/a.pipe", path: "/log/a.log" });
  await simulated.run(async () => {
    await journal.open();
    await simulated.clock.sleep(scope, 500);
    assert.equal(tries, 1);
    await simulated.clock.sleep(scope, 1_000);
    assert.equal(tries, 2);
    await scope.stop();
  });
});
