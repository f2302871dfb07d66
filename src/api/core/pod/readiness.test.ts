import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "./pod.ts";
import { isActive, isAvailable, isReady, isTerminal } from "./readiness.ts";

function podWith(status: object, metadata: object = {}): Pod {
  return { metadata, status } as Pod;
}
const ready = podWith({ conditions: [{ type: "Ready", status: "True", lastTransitionTime: "2026-01-01T00:00:00Z" }] });
const start = Date.parse("2026-01-01T00:00:00Z");

test("a Pod is available once it was ready long enough", () => {
  assert.equal(isReady(ready), true);
  assert.equal(isAvailable(ready, 0, start - 1), true);
  assert.equal(isAvailable(ready, 10, start + 9_999), false);
  assert.equal(isAvailable(ready, 10, start + 10_000), true);
  assert.equal(isAvailable(podWith({}), 0, start), false);
});

test("a Pod that ended or is being deleted is not active", () => {
  assert.equal(isActive(podWith({ phase: "Running" })), true);
  assert.equal(isActive(podWith({ phase: "Failed" })), false);
  assert.equal(isTerminal(podWith({ phase: "Succeeded" })), true);
  assert.equal(isActive(podWith({ phase: "Running" }, { deletionTimestamp: "2026-01-01T00:00:00Z" })), false);
});
