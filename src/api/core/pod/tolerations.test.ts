import assert from "node:assert/strict";
import { test } from "node:test";
import type { Taint } from "#api/core/node/node.ts";
import type { Toleration } from "./scheduling.ts";
import { toleratedSeconds, tolerates, untolerated } from "./tolerations.ts";

const gpu: Taint = { key: "gpu", value: "a100", effect: "NoSchedule" };
const notReady: Taint = { key: "node.kubernetes.io/not-ready", effect: "NoExecute" };

test("Equal is the default and compares key, value and effect", () => {
  assert.equal(tolerates({ key: "gpu", value: "a100" }, gpu), true);
  assert.equal(tolerates({ key: "gpu", value: "h100" }, gpu), false);
  assert.equal(tolerates({ key: "gpu", value: "a100", effect: "NoExecute" }, gpu), false);
  assert.equal(tolerates({ key: "other", value: "a100" }, gpu), false);
});

test("Exists ignores the value, and without a key tolerates everything", () => {
  assert.equal(tolerates({ key: "gpu", operator: "Exists" }, gpu), true);
  assert.equal(tolerates({ operator: "Exists" }, notReady), true);
  assert.equal(tolerates({ operator: "Exists", effect: "NoExecute" }, gpu), false);
});

test("Gt and Lt compare the taint's number with the toleration's", () => {
  const sla: Taint = { key: "sla", value: "950", effect: "NoSchedule" };
  assert.equal(tolerates({ key: "sla", operator: "Gt", value: "900" }, sla), true);
  assert.equal(tolerates({ key: "sla", operator: "Lt", value: "900" }, sla), false);
  assert.equal(tolerates({ key: "sla", operator: "Gt", value: "many" }, sla), false);
});

test("untolerated taints keep their order", () => {
  assert.deepEqual(untolerated([{ key: "gpu", operator: "Exists" }], [gpu, notReady]), [notReady]);
  assert.deepEqual(untolerated(undefined, undefined), []);
});

test("the shortest toleration of NoExecute taints counts", () => {
  const forever: Toleration = { key: notReady.key, operator: "Exists" };
  assert.equal(toleratedSeconds([forever], [notReady, gpu]), undefined);
  assert.equal(toleratedSeconds([{ ...forever, tolerationSeconds: 300 }], [notReady]), 300);
  assert.equal(toleratedSeconds([], [notReady]), 0);
  assert.equal(toleratedSeconds([{ ...forever, tolerationSeconds: -5 }], [notReady]), 0);
});
