import assert from "node:assert/strict";
import { test } from "node:test";
import { deepEqual } from "./equal.ts";
import { freezeDeep, freezeObjects } from "./freeze.ts";

test("absent and undefined are equal, the order of keys does not matter, that of lists does", () => {
  assert.ok(deepEqual({ a: 1, b: undefined, c: [{ d: "x" }] }, { c: [{ d: "x", e: undefined }], a: 1 }));
  assert.ok(deepEqual({ a: undefined }, {}));
  assert.ok(deepEqual({}, { a: undefined }));
  for (const [left, right] of [
    [{ a: 1 }, { a: 2 }],
    [{ a: 1 }, {}],
    [{}, { a: 1 }],
    [{ a: null }, {}],
    [
      [1, 2],
      [2, 1],
    ],
    [[1], [1, 2]],
    [[], {}],
    [1, "1"],
    [null, {}],
    [{ toString: 1 }, {}],
    [1n, 2n],
  ] as const) {
    assert.ok(!deepEqual(left, right));
    assert.ok(!deepEqual(right, left));
  }
});

test("objects are frozen at every depth, once freezing is on", () => {
  const free = { a: [{ b: 1 }] };
  // Other tests in this process may have turned it on.
  const wasOn = Object.isFrozen(freezeDeep({}));
  try {
    freezeObjects(false);
    freezeDeep(free);
    assert.ok(!Object.isFrozen(free));
    freezeObjects(true);
    assert.equal(freezeDeep(free), free);
    assert.throws(() => {
      (free.a[0] as { b: number }).b = 2;
    }, TypeError);
  } finally {
    freezeObjects(wasOn);
  }
});
