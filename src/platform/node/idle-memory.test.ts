import assert from "node:assert/strict";
import { test } from "node:test";
import { isWorthwhile } from "./idle-memory.ts";

const mebibyte = 2 ** 20;
const idle = { busyShare: 0.01, residentBytes: 90 * mebibyte, heapBytes: 20 * mebibyte, keptBytes: 0, restedMilliseconds: 600_000 };

test("memory is given back by who idles, has some to give, and can spare the pause", () => {
  assert.equal(isWorthwhile(idle), true);
  assert.equal(isWorthwhile({ ...idle, busyShare: 0.2 }), false, "busy");
  assert.equal(isWorthwhile({ ...idle, restedMilliseconds: 30_000 }), false, "done a moment ago");
  assert.equal(isWorthwhile({ ...idle, keptBytes: 88 * mebibyte }), false, "hardly grown since the last time");
  assert.equal(
    isWorthwhile({ ...idle, residentBytes: 900 * mebibyte, heapBytes: 800 * mebibyte }),
    false,
    "a heap that takes long to walk",
  );
});
