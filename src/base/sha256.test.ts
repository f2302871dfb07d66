import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { test } from "node:test";
import { hex, hmacSha256, sha256 } from "./sha256.ts";

const bytesOf = (length: number) => Uint8Array.from({ length }, (_, index) => (index * 131 + length) & 255);

test("sha256 of every length around the block borders is the platform's", () => {
  for (const length of [0, 1, 31, 54, 55, 56, 57, 63, 64, 65, 119, 120, 127, 128, 129, 1000, 70_001]) {
    const bytes = bytesOf(length);
    assert.equal(hex(sha256(bytes)), createHash("sha256").update(bytes).digest("hex"), `length ${length}`);
  }
});

test("sha256 reads a view into a larger buffer", () => {
  const bytes = bytesOf(300);
  assert.equal(hex(sha256(bytes.subarray(17, 200))), createHash("sha256").update(bytes.subarray(17, 200)).digest("hex"));
});

test("hmacSha256 is the platform's for short and long keys", () => {
  for (const length of [0, 5, 64, 65, 200]) {
    const key = bytesOf(length);
    assert.equal(hex(hmacSha256(key, bytesOf(99))), createHmac("sha256", key).update(bytesOf(99)).digest("hex"));
  }
});
