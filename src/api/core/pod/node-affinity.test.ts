import assert from "node:assert/strict";
import { test } from "node:test";
import { allowsNode, namedNodes, preferenceFor } from "./node-affinity.ts";
import type { NodeSelectorTerm } from "./scheduling.ts";

const node = { metadata: { name: "n1", labels: { zone: "a", cores: "8" } } };
const requiring = (...nodeSelectorTerms: NodeSelectorTerm[]) => ({
  spec: { affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } } },
});

test("nodeSelector wants every label", () => {
  assert.equal(allowsNode({ spec: { nodeSelector: { zone: "a" } } }, node), true);
  assert.equal(allowsNode({ spec: { nodeSelector: { zone: "b" } } }, node), false);
  assert.equal(allowsNode({ spec: { nodeSelector: { toString: "x" } } }, node), false);
  assert.equal(allowsNode({ spec: {} }, node), true);
});

test("terms are alternatives, their requirements are not", () => {
  const inB = { key: "zone", operator: "In", values: ["b"] };
  const big = { key: "cores", operator: "Gt", values: ["4"] };
  assert.equal(allowsNode(requiring({ matchExpressions: [inB] }, { matchExpressions: [big] }), node), true);
  assert.equal(allowsNode(requiring({ matchExpressions: [inB, big] }), node), false);
  assert.equal(allowsNode(requiring({}), node), false);
});

test("numbers are compared as numbers", () => {
  assert.equal(allowsNode(requiring({ matchExpressions: [{ key: "cores", operator: "Lt", values: ["10"] }] }), node), true);
  assert.equal(allowsNode(requiring({ matchExpressions: [{ key: "zone", operator: "Gt", values: ["1"] }] }), node), false);
});

test("matchFields name Nodes", () => {
  const named = { matchFields: [{ key: "metadata.name", operator: "In", values: ["n1"] }] };
  assert.equal(allowsNode(requiring(named), node), true);
  assert.deepEqual(namedNodes(requiring(named)), ["n1"]);
  assert.equal(namedNodes(requiring(named, { matchExpressions: [] })), undefined);
});

test("weights of the preferred terms that hold are added", () => {
  const preference = { matchExpressions: [{ key: "zone", operator: "Exists" }] };
  const preferredDuringSchedulingIgnoredDuringExecution = [
    { weight: 5, preference },
    { weight: 7, preference: { matchExpressions: [{ key: "zone", operator: "DoesNotExist" }] } },
    { weight: 9, preference: {} },
  ];
  const pod = { spec: { affinity: { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution } } } };
  assert.equal(preferenceFor(pod, node), 5);
});
