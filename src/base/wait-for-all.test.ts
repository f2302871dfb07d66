import assert from "node:assert/strict";
import { test } from "node:test";
import { waitForAll } from "./wait-for-all.ts";

test("the first error is told once nothing is under way any more", async () => {
  assert.deepEqual(await waitForAll([Promise.resolve(1), Promise.resolve(2)]), [1, 2]);
  let release = (): void => {};
  const slow = new Promise<void>((resolve) => (release = resolve));
  let isTold = false;
  const all = waitForAll([slow, Promise.reject(new Error("one")), Promise.reject(new Error("two"))]).finally(() => (isTold = true));
  all.catch(() => {});
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(isTold, false);
  release();
  await assert.rejects(all, /one/);
});
