import assert from "node:assert/strict";
import { test } from "node:test";
import { indentJson } from "./indent.ts";

test("JSON is indented as JSON.stringify does it", () => {
  const value = { a: [1, { b: 'x,{}:[]\\"' }, [], {}], "c:": { d: null, e: true } };
  assert.equal(indentJson(JSON.stringify(value)), JSON.stringify(value, null, 2));
  for (const plain of ["{}", "[]", "1", '"a"']) assert.equal(indentJson(plain), plain);
});

test("digits beyond 2^53 and odd keys stay", () => {
  assert.equal(indentJson('{"__proto__":9007199254740993}'), '{\n  "__proto__": 9007199254740993\n}');
});
