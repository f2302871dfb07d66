import assert from "node:assert/strict";
import { test } from "node:test";
import { readPlainJson, writePlainJson } from "./json.ts";

test("numbers keep what JSON says where 64 bits hold it", () => {
  assert.deepEqual(readPlainJson("[0, -0, 1.50, 1e2, -9223372036854775808, 9223372036854775807]"), [
    0,
    -0,
    1.5,
    100,
    -(2n ** 63n),
    2n ** 63n - 1n,
  ]);
  assert.equal(readPlainJson("18446744073709551616"), 18446744073709551616);
  assert.throws(() => readPlainJson("1e999"), {
    name: "DecodeError",
    message: "json: cannot unmarshal number 1e999 into Go value of type float64",
  });
});

test("bigints are written as numbers, undefined members left out", () => {
  assert.equal(
    writePlainJson({ a: [2n ** 60n, undefined, null], b: undefined, 'c"': "é\n" }),
    '{"a":[1152921504606846976,null,null],"c\\"":"é\\n"}',
  );
  assert.equal(writePlainJson(undefined), "null");
  assert.throws(() => {
    const loop: Record<string, unknown> = { big: 1n };
    loop["self"] = loop;
    writePlainJson(loop);
  }, /exceeded max depth/);
});

test("long texts are not kept alive by the strings read from them, which read the same", () => {
  const text = `{"filler":"${"x".repeat(20_000)}","a":"a string of some length","b":"short"}`;
  const { a, b } = readPlainJson(text) as { a: string; b: string };
  assert.deepEqual([a, b], ["a string of some length", "short"]);
});
