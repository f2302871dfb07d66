// What a rule allows, and what of one set of rules another lacks.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { PolicyRule } from "#api/rbac.authorization.k8s.io/policy-rule.ts";
import type { RequestInfo } from "../../request.ts";
import { joinedByVerbs, ruleAllows, ruleText, uncovered } from "./rules.ts";

const asked = (more: Partial<RequestInfo>): RequestInfo => ({
  verb: "get",
  isResourceRequest: true,
  path: "",
  group: "",
  version: "v1",
  resource: "pods",
  subresource: "",
  namespace: "default",
  name: "",
  ...more,
});

test("resources, subresources, names and paths", () => {
  const allows = (rule: Partial<PolicyRule>, info: Partial<RequestInfo>) =>
    ruleAllows({ verbs: ["get"], apiGroups: [""], ...rule }, asked(info));
  assert.ok(allows({ resources: ["pods"] }, {}));
  assert.ok(!allows({ resources: ["pods"] }, { subresource: "log" }));
  assert.ok(allows({ resources: ["pods/log"] }, { subresource: "log" }));
  assert.ok(allows({ resources: ["*/scale"] }, { resource: "things", subresource: "scale" }));
  assert.ok(!allows({ resources: ["*/scale"] }, { resource: "scale" }));
  assert.ok(allows({ resources: ["*"] }, { subresource: "log" }));
  assert.ok(!allows({ resources: ["pods"] }, { verb: "list" }));
  assert.ok(!allows({ resources: ["pods"] }, { group: "apps" }));
  assert.ok(allows({ resources: ["pods"], resourceNames: ["a"] }, { name: "a" }));
  assert.ok(!allows({ resources: ["pods"], resourceNames: ["a"] }, {}));
  const path = (pattern: string, to: string) =>
    ruleAllows({ verbs: ["get"], nonResourceURLs: [pattern] }, asked({ isResourceRequest: false, resource: "", path: to }));
  assert.ok(path("/api/*", "/api/v1"));
  assert.ok(!path("/api/*", "/apis"));
  assert.ok(path("*", "/x"));
  assert.ok(!path("/metrics", "/metrics/slis"));
  assert.ok(!path("/m*s", "/metrics"));
});

const some = (...values: string[]) => fc.subarray(values, { minLength: 1 });
const rules = fc.array(
  fc.record({
    verbs: some("get", "list", "*"),
    apiGroups: some("", "apps", "*"),
    resources: some("pods", "pods/log", "*/log", "*"),
    resourceNames: fc.subarray(["a", "b"]),
  }),
  { maxLength: 3 },
);

test("who holds what covers a rule can do all that the rule allows", () => {
  const infos = ["get", "list", "watch"].flatMap((verb) =>
    ["", "apps", "batch"].flatMap((group) =>
      ["pods", "nodes"].flatMap((resource) =>
        ["", "log"].flatMap((subresource) => ["", "a", "c"].map((name) => asked({ verb, group, resource, subresource, name }))),
      ),
    ),
  );
  fc.assert(
    fc.property(rules, rules, (owned, wanted) => {
      if (uncovered(owned, wanted).length > 0) return;
      for (const info of infos) {
        if (wanted.some((rule) => ruleAllows(rule, info)))
          assert.ok(
            owned.some((rule) => ruleAllows(rule, info)),
            JSON.stringify(info),
          );
      }
    }),
    { numRuns: 500, seed: 3 },
  );
});

test("rules cover themselves, and what is missing is told by its verbs", () => {
  fc.assert(
    fc.property(rules, (owned) => uncovered(owned, owned).length === 0),
    { seed: 3 },
  );
  const missing = uncovered([], [{ verbs: ["get", "list"], apiGroups: [""], resources: ["pods"], resourceNames: ["x"] }]);
  assert.deepEqual(joinedByVerbs(missing).map(ruleText), [
    '{APIGroups:[""], Resources:["pods"], ResourceNames:["x"], Verbs:["get" "list"]}',
  ]);
});
