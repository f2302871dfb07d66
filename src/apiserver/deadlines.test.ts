import assert from "node:assert/strict";
import { test } from "node:test";
import { simulatedWorld } from "#platform/simulated/world.ts";
import { Deadlines } from "./deadlines.ts";

test("each request has its own time, whatever others have, and one in time is not disturbed", () => {
  const world = simulatedWorld({ seed: 1 });
  return world.run(async () => {
    const deadlines = new Deadlines(world);
    const { clock } = world;
    const after = (milliseconds: number) =>
      new Promise<string>((resolve) => void clock.timer(milliseconds, () => resolve(`done at ${clock.monotonic() - begun}`)));
    const begun = clock.monotonic();
    const told = (work: Promise<string>) => work.catch(({ reason }: { reason: string }) => `${reason} at ${clock.monotonic() - begun}`);
    const seen = await Promise.all([
      told(deadlines.within(60_000, after(100))),
      told(deadlines.within(60_000, after(90_000))),
      told(deadlines.within(10_000, after(90_000))),
      told(deadlines.within(34_000, after(33_000))),
    ]);
    assert.deepEqual(seen, ["done at 100", "Timeout at 60000", "Timeout at 10000", "done at 33000"]);
    deadlines.stop();
    world.close();
  });
});
