import assert from "node:assert/strict";
import { test } from "node:test";
import { rootScope, ScopeStopped } from "#base/scope.ts";
import { nodeClock } from "./clock.ts";

test("now has a fraction and follows the machine's clock when it is set", (t) => {
  const clock = nodeClock();
  assert.ok(Math.abs(clock.now() - Date.now()) < 50);
  const real = Date.now();
  t.mock.method(Date, "now", () => real + 3_600_000);
  assert.ok(clock.now() >= real + 3_600_000);
  const monotonic = clock.monotonic();
  t.mock.restoreAll();
  assert.ok(Math.abs(clock.now() - Date.now()) < 50);
  assert.ok(clock.monotonic() >= monotonic);
});

test("timers fire once, and not when cancelled, not even very long ones", async (t) => {
  const clock = nodeClock();
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let fired = 0;
  const days = 86_400_000;
  clock.timer(40 * days, () => fired++);
  const cancelled = clock.timer(30 * days, () => (fired += 10));
  const pass = (count: number): void => {
    for (let day = 0; day < count; day++) t.mock.timers.tick(days);
  };
  pass(29);
  cancelled.cancel();
  pass(10);
  assert.equal(fired, 0);
  pass(2);
  assert.equal(fired, 1);
});

test("a sleep ends with its scope", async () => {
  const clock = nodeClock();
  const scope = rootScope("test", () => {});
  await clock.sleep(scope, 1);
  const sleeping = clock.sleep(scope, 60_000);
  await scope.stop();
  await assert.rejects(sleeping, ScopeStopped);
  await assert.rejects(clock.sleep(scope, 1), ScopeStopped);
});
