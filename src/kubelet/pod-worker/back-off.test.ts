import assert from "node:assert/strict";
import { test } from "node:test";
import { BackOffs, isWaiting, ordinaryLimits } from "./back-off.ts";

test("FAULT1 a clock that is set back or forward changes no wait", () => {
  const hour = 3_600_000;
  let [now, monotonic] = [2 * hour, 0];
  const pass = (milliseconds: number) => ((now += milliseconds), (monotonic += milliseconds));
  const backOffs = new BackOffs(ordinaryLimits, { now: () => now, monotonic: () => monotonic });
  const ended = now;
  backOffs.next("web", ended);
  assert.equal(backOffs.blockedUntil("web", ended), now + 10_000);
  pass(4_000);
  assert.equal(backOffs.blockedUntil("web", ended), now + 6_000);
  for (const jump of [-5_000, -hour, 8_000, 3 * hour]) {
    now += jump;
    assert.equal(backOffs.blockedUntil("web", ended), now + 6_000, `${jump}`);
  }
  pass(6_000);
  assert.equal(backOffs.blockedUntil("web", ended), undefined);
  backOffs.next("web", now);
  assert.equal(backOffs.blockedUntil("web", now + hour), undefined, "it ended in what is the future");
  assert.equal(isWaiting(2 * hour + 10_000, 2 * hour), true);
  assert.equal(isWaiting(2 * hour + 10_000, hour), false);
  assert.equal(isWaiting(hour, 2 * hour), false);
});
