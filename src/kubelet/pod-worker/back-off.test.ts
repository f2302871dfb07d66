import assert from "node:assert/strict";
import { test } from "node:test";
import { BackOffs, isWaiting, ordinaryLimits } from "./back-off.ts";

test("FAULT1 a clock that is set back lengthens no wait", () => {
  const hour = 3_600_000;
  const backOffs = new BackOffs(ordinaryLimits);
  backOffs.next("web", 2 * hour, 2 * hour);
  assert.equal(backOffs.blockedUntil("web", 2 * hour, 2 * hour + 4_000), 2 * hour + 10_000);
  assert.equal(backOffs.blockedUntil("web", 2 * hour, hour), undefined, "it ended in what is now the future");
  assert.equal(isWaiting(2 * hour + 10_000, 2 * hour), true);
  assert.equal(isWaiting(2 * hour + 10_000, hour), false);
  assert.equal(isWaiting(hour, 2 * hour), false);
});
