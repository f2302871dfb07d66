import assert from "node:assert/strict";
import { test } from "node:test";
import { isWorthwhile, nextRest } from "./idle-memory.ts";

const mebibyte = 2 ** 20;
const minute = 60_000;
const idle = {
  busyShare: 0.01,
  residentBytes: 90 * mebibyte,
  heapBytes: 20 * mebibyte,
  keptBytes: 0,
  restedMilliseconds: 10 * minute,
  restMilliseconds: 3 * minute,
};

test("memory is given back by who idles, has some to give, and can spare the pause", () => {
  assert.equal(isWorthwhile(idle), true);
  assert.equal(isWorthwhile({ ...idle, busyShare: 0.2 }), false, "busy");
  assert.equal(isWorthwhile({ ...idle, restedMilliseconds: minute / 2 }), false, "done a moment ago");
  assert.equal(isWorthwhile({ ...idle, keptBytes: 88 * mebibyte }), false, "hardly grown since the last time");
  assert.equal(
    isWorthwhile({ ...idle, residentBytes: 900 * mebibyte, heapBytes: 800 * mebibyte }),
    false,
    "a heap that takes long to walk",
  );
});

test("who only idles is made to give memory back ever more rarely, until there was work again", () => {
  const rests = [3 * minute];
  while (rests.length < 8) rests.push(nextRest(rests.at(-1) as number, idle.busyShare, true));
  assert.deepEqual(
    rests.map((rest) => rest / minute),
    [3, 6, 12, 24, 48, 96, 96, 96],
  );
  assert.equal(nextRest(24 * minute, idle.busyShare, false), 24 * minute, "a look at which nothing was given back");
  assert.equal(nextRest(24 * minute, 0.2, false), 3 * minute, "work");
});
