import assert from "node:assert/strict";
import { test } from "node:test";
import { rootScope, ScopeStopped } from "./scope.ts";

test("stopping a scope stops children and runs clean-ups, newest first", async () => {
  const order: string[] = [];
  const scope = rootScope("root", (error) => {
    throw error;
  });
  scope.defer("first", () => {
    order.push("first");
  });
  const child = scope.child("child");
  child.defer("in child", () => {
    order.push("in child");
  });
  scope.defer("last", () => {
    order.push("last");
  });
  await scope.stop();
  assert.deepEqual(order, ["last", "in child", "first"]);
  assert.throws(() => scope.start("late", () => {}), ScopeStopped);
});

test("a failing task is reported with its path, and the rest goes on", async () => {
  const failures: string[] = [];
  const scope = rootScope("root", (error, path) => failures.push(`${path}: ${(error as Error).message}`));
  const task = scope.start("bad", () => {
    throw new Error("boom");
  });
  await task.done;
  assert.deepEqual(failures, ["root/bad: boom"]);
  assert.equal(scope.stopped, false);
  await scope.stop();
});
