import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeBase64, encodeBase64, wrongBase64 } from "./base64.ts";

test("bytes of every length go round as the platform's base64", () => {
  for (let length = 0; length < 70; length++) {
    const bytes = Uint8Array.from({ length }, (_, index) => (index * 89 + length * 7) & 255);
    const text = Buffer.from(bytes).toString("base64");
    assert.equal(encodeBase64(bytes), text);
    assert.deepEqual(decodeBase64(text), bytes);
  }
});

test("what is no base64 is told by its position", () => {
  assert.equal(decodeBase64("YQ"), 2);
  assert.equal(decodeBase64("YQ=a"), 2);
  assert.equal(decodeBase64("Y?=="), 1);
  assert.equal(decodeBase64("YWJ\u{e9}"), 3);
  assert.equal(wrongBase64("YWJj"), -1);
  assert.deepEqual(decodeBase64("YW\r\nJj\n"), Uint8Array.of(97, 98, 99));
});
