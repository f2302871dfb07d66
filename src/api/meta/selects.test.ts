import assert from "node:assert/strict";
import { test } from "node:test";
import { selects } from "./selects.ts";

test("no selector selects nothing and an empty one everything", () => {
  assert.equal(selects(undefined, { a: "1" }), false);
  assert.equal(selects({}, undefined), true);
});

test("labels and expressions all have to hold", () => {
  const selector = { matchLabels: { app: "web" }, matchExpressions: [{ key: "tier", operator: "NotIn", values: ["db"] }] };
  assert.equal(selects(selector, { app: "web" }), true);
  assert.equal(selects(selector, { app: "web", tier: "db" }), false);
  assert.equal(selects(selector, { app: "api" }), false);
});

test("Exists, DoesNotExist and In look at own labels only", () => {
  const labels = { a: "" };
  assert.equal(selects({ matchExpressions: [{ key: "a", operator: "Exists" }] }, labels), true);
  assert.equal(selects({ matchExpressions: [{ key: "toString", operator: "Exists" }] }, labels), false);
  assert.equal(selects({ matchExpressions: [{ key: "constructor", operator: "DoesNotExist" }] }, labels), true);
  assert.equal(selects({ matchExpressions: [{ key: "a", operator: "In", values: ["x"] }] }, labels), false);
  assert.equal(selects({ matchExpressions: [{ key: "a", operator: "Near" }] }, labels), false);
});
