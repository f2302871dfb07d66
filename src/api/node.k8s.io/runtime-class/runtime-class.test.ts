import assert from "node:assert/strict";
import { test } from "node:test";
import { complete } from "#schema/derive/defaults.ts";
import { fieldErrorText } from "#schema/derive/field-error.ts";
import { validate } from "#schema/derive/validation.ts";
import type { Draft } from "#schema/message.ts";
import { RuntimeClass } from "./runtime-class.ts";

function errorsOf(draft: Draft<RuntimeClass>, old?: Draft<RuntimeClass>): readonly string[] {
  const made = (one: Draft<RuntimeClass>) => complete(RuntimeClass, { metadata: { name: "a", resourceVersion: "1" }, ...one });
  return validate(RuntimeClass, made(draft), old && made(old)).map(fieldErrorText);
}

test("a RuntimeClass has a handler that stays, amounts, and labels that can be", () => {
  assert.deepEqual(errorsOf({ handler: "runc", overhead: { podFixed: { cpu: "10m" } } }), []);
  assert.deepEqual(errorsOf({ handler: "b" }, { handler: "a" }), ['handler: Invalid value: "b": field is immutable']);
  assert.match(errorsOf({ handler: "A_B" }).join(), /^handler: Invalid value: "A_B": a lowercase RFC 1123 label/);
  assert.match(errorsOf({ handler: "a", overhead: { podFixed: { cpu: "-1" } } }).join(), /^overhead\.limits\[cpu\]: Invalid value/);
  assert.match(errorsOf({ handler: "a", scheduling: { nodeSelector: { "a b": "c" } } }).join(), /^scheduling\.nodeSelector/);
});
