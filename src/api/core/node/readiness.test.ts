import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node } from "./node.ts";
import { addressOf, isReady, isSameTaint, readiness, rolesOf } from "./readiness.ts";

const nodeWith = (status: object, labels = {}) => ({ metadata: { name: "n", labels }, spec: {}, status }) as unknown as Node;

test("a Node is ready only when it says so", () => {
  assert.equal(isReady(nodeWith({ conditions: [{ type: "Ready", status: "True" }] })), true);
  assert.equal(isReady(nodeWith({ conditions: [{ type: "Ready", status: "Unknown" }] })), false);
  assert.equal(readiness(nodeWith({})), "Unknown");
});

test("roles come from both labels, sorted and once", () => {
  const labels = { "node-role.kubernetes.io/worker": "", "node-role.kubernetes.io/control-plane": "", "kubernetes.io/role": "worker" };
  assert.deepEqual(rolesOf(nodeWith({}, labels)), ["control-plane", "worker"]);
});

test("taints with one key and two effects differ", () => {
  assert.equal(isSameTaint({ key: "a", effect: "NoSchedule" }, { key: "a", effect: "NoExecute" }), false);
  assert.equal(addressOf(nodeWith({ addresses: [{ type: "Hostname", address: "n" }] }), "Hostname"), "n");
});
