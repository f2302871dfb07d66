import assert from "node:assert/strict";
import { test } from "node:test";
import { rootScope } from "#base/scope.ts";
import { simulatedWorld } from "#platform/simulated/world.ts";
import { Deadline } from "./deadline.ts";

test("END2 a deadline holds what is waited for, and may come nearer", async () => {
  const world = simulatedWorld({ seed: 1 });
  const scope = rootScope("test", (error) => {
    throw error;
  });
  const deadline = new Deadline(scope, world.clock, 10_000);
  let over = 0;
  const waited = deadline.unless(new Promise(() => {})).then(() => {
    over = world.clock.monotonic();
  });
  await world.advance(2_000);
  assert.equal(deadline.remaining, 8_000);
  deadline.shorten(60_000);
  assert.equal(deadline.remaining, 8_000, "it never moves away");
  deadline.shorten(1_000);
  await world.advance(1_000);
  await waited;
  assert.equal(over, 3_000);
  assert.equal(deadline.remaining, 0);
  deadline.cancel();
  const other = new Deadline(scope, world.clock, 10_000).unless(new Promise(() => {}));
  await scope.stop();
  await other;
});
