import assert from "node:assert/strict";
import { test } from "node:test";
import type { ClusterRole } from "#api/rbac.authorization.k8s.io/cluster-role/cluster-role.ts";
import { decide } from "./cluster-role-aggregation-controller.ts";

const role = (name: string, resources: readonly string[], more: object = {}) =>
  ({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: "ClusterRole",
    metadata: { name },
    rules: resources.map((resource) => ({ verbs: ["get"], apiGroups: [""], resources: [resource] })),
    ...more,
  }) as unknown as ClusterRole;

test("a role made of others has each of their rules once, in the order of their names", () => {
  const whole = role("view", [], { aggregationRule: { clusterRoleSelectors: [{ matchLabels: { to: "view" } }] } });
  const parts = [role("b", ["pods", "nodes"]), role("a", ["pods"])];
  const [step] = decide({ object: whole, parts });
  assert.ok(step?.do === "update");
  const rules = (step.object as ClusterRole).rules;
  assert.deepEqual(
    rules.map(({ resources }) => resources?.[0]),
    ["pods", "nodes"],
  );
  assert.deepEqual(decide({ object: { ...whole, rules }, parts }), []);
  assert.deepEqual(decide({ object: role("plain", ["pods"]), parts: [] }), [], "a role of its own stays as it is");
});
