import assert from "node:assert/strict";
import { test } from "node:test";
import { allControllers } from "./all.ts";
import { chosenControllers } from "./manager.ts";

const names = (wanted: readonly string[]) => chosenControllers(wanted).controllers.map(({ name }) => name);

test("--controllers takes all, all but some, or some, under long and older short names", () => {
  const byDefault = allControllers.length - 2;
  assert.equal(names(["*"]).length, byDefault);
  assert.equal(names(["*", "bootstrapsigner", "token-cleaner-controller"]).length, allControllers.length);
  assert.ok(!names(["*", "-garbagecollector"]).includes("garbage-collector-controller"));
  assert.equal(names(["*", "-garbage-collector-controller"]).length, byDefault - 1);
  assert.deepEqual(names(["deployment", "csrsigning"]), ["certificatesigningrequest-signing-controller", "deployment-controller"]);
  assert.deepEqual(chosenControllers(["*", "-nonsense", "ttl"]).unknown, ["nonsense", "ttl"]);
});

test("no two controllers have one name", () => {
  assert.equal(new Set(allControllers.map(({ name }) => name)).size, allControllers.length);
});
