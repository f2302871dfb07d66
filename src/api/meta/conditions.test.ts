import assert from "node:assert/strict";
import { test } from "node:test";
import { isTrue, withCondition, withoutCondition } from "./conditions.ts";

const early = "2026-01-01T00:00:00Z";
const late = "2026-01-01T00:01:00Z";
interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly lastTransitionTime?: string;
}
const ready: Condition = { type: "Ready", status: "True", lastTransitionTime: early };

test("a new condition is appended with the time", () => {
  assert.deepEqual(withCondition<Condition>(undefined, { type: "Ready", status: "True" }, early), [ready]);
});

test("the transition time moves with the status only", () => {
  assert.deepEqual(withCondition<Condition>([ready], { type: "Ready", status: "True", reason: "Still" }, late), [
    { ...ready, reason: "Still" },
  ]);
  assert.equal(withCondition<Condition>([ready], { type: "Ready", status: "False" }, late)[0]?.lastTransitionTime, late);
});

test("nothing changed gives the same list", () => {
  const before = [ready];
  assert.equal(withCondition<Condition>(before, { type: "Ready", status: "True" }, late), before);
  assert.equal(withoutCondition(before, "Other"), before);
  assert.deepEqual(withoutCondition(before, "Ready"), []);
});

test("only True is true", () => {
  assert.equal(isTrue([ready], "Ready"), true);
  assert.equal(isTrue([{ type: "Ready", status: "Unknown" }], "Ready"), false);
  assert.equal(isTrue(undefined, "Ready"), false);
});
