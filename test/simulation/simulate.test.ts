import assert from "node:assert/strict";
import { test } from "node:test";
import { runSeeds, simulate, simulationOf } from "./simulate.ts";
import type { Simulation } from "./simulate.ts";

const environment = {};

simulate("a body moves through virtual time by waiting", { seeds: 3 }, async ({ world, until, wait }) => {
  let done = false;
  world.clock.timer(45_000, () => {
    done = true;
  });
  await until("the timer has fired", () => done);
  assert.equal(world.clock.monotonic(), 45_000);
  await wait(10);
  assert.equal(world.clock.monotonic(), 55_000);
});

simulationOf(async ({ world }: Simulation) => ({ coin: () => world.random.fraction() < 0.5 }))(
  "a setup's things reach the body",
  { seeds: 2 },
  async ({ coin }) => {
    assert.equal(typeof coin(), "boolean");
  },
);

test("every seed runs, the first twice, and SEED and SEEDS choose others", async () => {
  const ran = async (seeds: number | readonly number[], variables: Record<string, string>) => {
    const seen: number[] = [];
    await runSeeds({ seeds }, async ({ seed }) => void seen.push(seed), variables);
    return seen;
  };
  assert.deepEqual(await ran(3, {}), [1, 1, 2, 3]);
  assert.deepEqual(await ran([17, 4], {}), [17, 17, 4]);
  assert.deepEqual(await ran(3, { SEED: "9" }), [9, 9]);
  assert.deepEqual(await ran(3, { SEEDS: "2" }), [1, 1, 2]);
});

test("what must always hold is looked at after every timer, and the failing seed is named", async () => {
  await assert.rejects(
    runSeeds(
      { seeds: 5 },
      async ({ world, seed, always, wait }) => {
        let value = 0;
        always("the value is small", () => value < 3);
        for (const at of [100, 200, 300]) world.clock.timer(at, () => (value += seed === 4 ? 1 : 0));
        world.clock.timer(301, () => (value = 0));
        world.log.info("began");
        await wait(1);
      },
      environment,
    ),
    (error: Error) =>
      error.message.startsWith(
        "SEED=4 fails after 0.300 s of virtual time: not always: the value is small (at 0.300 s)\nits last lines:\n0.000 info began",
      ),
  );
});

test("waiting for what never comes ends, whether time can go on or not", async () => {
  await assert.rejects(
    runSeeds({ seeds: 1 }, ({ until }) => until("pigs fly", () => false, { seconds: 30 }), environment),
    /SEED=1 fails after 30\.000 s of virtual time: not within 30 s: pigs fly/,
  );
  await assert.rejects(
    runSeeds({ seeds: 1 }, () => new Promise(() => {}), environment),
    /nothing more is due/,
  );
});

test("a task that fails, fails the simulation", async () => {
  await assert.rejects(
    runSeeds(
      { seeds: 1 },
      async ({ world, scope, wait }) => {
        scope.start("bad", async (own) => {
          await world.clock.sleep(own, 500);
          throw new Error("boom");
        });
        await wait(3600);
      },
      environment,
    ),
    /SEED=1 fails after 0\.500 s of virtual time: boom/,
  );
});

test("a body that does not depend on its seed alone is found", async () => {
  let runs = 0;
  await assert.rejects(
    runSeeds({ seeds: 2 }, async ({ world }) => world.log.info("run", { number: ++runs }), environment),
    /SEED=1: two runs of one seed differ at line 1 of their logs:\n {2}0\.000 info run number=1\n {2}0\.000 info run number=2/,
  );
});
