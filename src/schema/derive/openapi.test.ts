import assert from "node:assert/strict";
import { test } from "node:test";
import type { JsonObject } from "../field.ts";
import { kindOf } from "../kind.ts";
import { message } from "../message.ts";
import { openapiV2, openapiV3, openapiV3Index } from "./openapi.ts";
import { openapiV2Protobuf } from "./openapi-protobuf.ts";
import { ConfigMap, Deployment, Pod } from "../../../test/support/sample-kinds.ts";

const crontab = kindOf(
  {
    group: "stable.example.com",
    version: "v1",
    name: "CronTab",
    plural: "crontabs",
    scope: "namespaced",
    openapiSchema: { type: "object", properties: { spec: { type: "object", nullable: true, properties: { cron: { type: "string" } } } } },
  },
  message("CronTab", {}),
);
const kinds = [Pod, Deployment, ConfigMap, crontab];
const options = { version: "v1.36.0" };
const at = (document: JsonObject, ...path: string[]) =>
  path.reduce<unknown>((value, key) => (value as JsonObject)[key], document) as JsonObject;

function references(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(references);
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => (key === "$ref" ? [inner as string] : references(inner)));
}

test("every reference of every document leads somewhere", () => {
  const v2 = openapiV2(kinds, options);
  for (const reference of references(v2)) assert.ok(reference.slice("#/definitions/".length) in at(v2, "definitions"), reference);
  for (const groupVersion of ["v1", "apps/v1", "stable.example.com/v1"]) {
    const v3 = openapiV3(groupVersion, kinds, options);
    assert.ok(references(v3).length > 0);
    for (const reference of references(v3))
      assert.ok(reference.slice("#/components/schemas/".length) in at(v3, "components", "schemas"), reference);
  }
});

test("definitions say how fields merge, and of which kind they are", () => {
  const definitions = at(openapiV2(kinds, options), "definitions");
  assert.deepEqual(at(definitions, "io.k8s.api.core.v1.PodSpec", "properties", "containers"), {
    items: { $ref: "#/definitions/io.k8s.api.core.v1.Container" },
    type: "array",
    "x-kubernetes-list-map-keys": ["name"],
    "x-kubernetes-list-type": "map",
    "x-kubernetes-patch-merge-key": "name",
    "x-kubernetes-patch-strategy": "merge",
  });
  assert.deepEqual(at(definitions, "io.k8s.api.core.v1.PodSpec")["required"], ["containers"]);
  const pod = at(definitions, "io.k8s.api.core.v1.Pod");
  assert.equal(pod["description"], kinds.find(({ name }) => name === "Pod")?.doc);
  assert.deepEqual(pod["x-kubernetes-group-version-kind"], [{ group: "", kind: "Pod", version: "v1" }]);
  assert.deepEqual(Object.keys(at(pod, "properties")), ["apiVersion", "kind", "metadata", "spec", "status"]);
  assert.deepEqual(at(definitions, "io.k8s.api.apps.v1.DeploymentSpec", "properties", "replicas"), {
    type: "integer",
    format: "int32",
    description: "How many Pods should run.",
    default: 1,
  });
});

test("paths name their action and kind, and patch knows dryRun and fieldValidation", () => {
  const paths = at(openapiV2(kinds, options), "paths");
  const patch = at(paths, "/apis/apps/v1/namespaces/{namespace}/deployments/{name}", "patch");
  assert.deepEqual(patch["x-kubernetes-group-version-kind"], { group: "apps", version: "v1", kind: "Deployment" });
  assert.equal(patch["x-kubernetes-action"], "patch");
  assert.equal(patch["operationId"], "patchAppsV1NamespacedDeployment");
  const names = (patch["parameters"] as unknown as { name: string }[]).map(({ name }) => name);
  assert.deepEqual(names, ["body", "dryRun", "fieldManager", "fieldValidation", "force"]);
  const scale = at(paths, "/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale", "put");
  assert.deepEqual(scale["x-kubernetes-group-version-kind"], { group: "autoscaling", version: "v1", kind: "Scale" });
  assert.equal(at(paths, "/api/v1/pods", "get")["operationId"], "listCoreV1PodForAllNamespaces");
});

test("v3 wraps references, and lists its documents", () => {
  const v3 = openapiV3("v1", kinds, options);
  assert.deepEqual(at(v3, "components", "schemas", "io.k8s.api.core.v1.Pod", "properties", "spec"), {
    allOf: [{ $ref: "#/components/schemas/io.k8s.api.core.v1.PodSpec" }],
    default: {},
    description: "What should be.",
  });
  assert.ok(!("/apis/apps/v1/deployments" in at(v3, "paths")));
  assert.deepEqual(
    openapiV3Index(
      new Map([
        ["v1", "A"],
        ["apps/v1", "B"],
      ]),
    ),
    {
      paths: {
        "api/v1": { serverRelativeURL: "/openapi/v3/api/v1?hash=A" },
        "apis/apps/v1": { serverRelativeURL: "/openapi/v3/apis/apps/v1?hash=B" },
      },
    },
  );
});

test("a custom resource publishes the schema it came with", () => {
  const name = "com.example.stable.v1.CronTab";
  const v3 = at(openapiV3("stable.example.com/v1", kinds, options), "components", "schemas", name);
  assert.equal(at(v3, "properties", "spec")["nullable"], true);
  const v2 = at(openapiV2(kinds, options), "definitions", name);
  assert.deepEqual(at(v2, "properties", "spec"), {});
  assert.deepEqual(v2["x-kubernetes-group-version-kind"], [{ group: "stable.example.com", kind: "CronTab", version: "v1" }]);
});

test("the protobuf form begins as gnostic's Document does and carries the names", () => {
  const bytes = openapiV2Protobuf(openapiV2(kinds, options));
  assert.deepEqual([...bytes.subarray(0, 5)], [0x0a, 3, 0x32, 0x2e, 0x30]);
  const text = new TextDecoder("latin1").decode(bytes);
  for (const word of [
    "io.k8s.api.core.v1.PodSpec",
    "x-kubernetes-patch-merge-key",
    "#/definitions/io.k8s.api.core.v1.Container",
    "fieldValidation",
  ]) {
    assert.ok(text.includes(word), word);
  }
});

test("custom resources take no strategic merge patch, and say so", () => {
  const strategic = "application/strategic-merge-patch+json";
  const consumed = (path: string) => at(openapiV2(kinds, options), "paths", path, "patch")["consumes"] as unknown as string[];
  assert.ok(consumed("/apis/apps/v1/namespaces/{namespace}/deployments/{name}").includes(strategic));
  assert.ok(!consumed("/apis/stable.example.com/v1/namespaces/{namespace}/crontabs/{name}").includes(strategic));
  const v3 = at(
    openapiV3("stable.example.com/v1", kinds, options),
    "paths",
    "/apis/stable.example.com/v1/namespaces/{namespace}/crontabs/{name}",
  );
  assert.deepEqual(Object.keys(at(v3, "patch", "requestBody", "content")), [
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/apply-patch+yaml",
  ]);
});
