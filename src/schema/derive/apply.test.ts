import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Json, JsonObject } from "../field.ts";
import type { Kind } from "../kind.ts";
import { type ApplyContext, apply, conflictCauses, conflictMessage } from "./apply.ts";
import { updateManagedFields } from "./managed-fields.ts";
import { ConfigMap, Deployment, Pod } from "../../../test/support/sample-kinds.ts";

const now = Date.UTC(2026, 0, 1);

function applied(kind: Kind, live: unknown, configuration: Json, context: Partial<ApplyContext> = {}): JsonObject {
  const outcome = apply(kind, live, configuration, { manager: "one", now, ...context });
  if (outcome.conflicts) assert.fail(conflictMessage(outcome.conflicts));
  return outcome.object;
}
const entries = (object: JsonObject) =>
  (object["metadata"] as { managedFields: { manager: string; operation: string; time: string; fieldsV1: unknown }[] }).managedFields;
const owner = (object: JsonObject, manager: string) => entries(object).find((entry) => entry.manager === manager)?.fieldsV1;
const spec = (object: JsonObject) =>
  object["spec"] as { replicas?: number; template: { spec: { containers: { name: string }[] } } } & JsonObject;

const web = (replicas: number | undefined, ...containers: JsonObject[]): JsonObject => ({
  apiVersion: "apps/v1",
  kind: "Deployment",
  metadata: { name: "web", namespace: "default", labels: { app: "web" } },
  spec: {
    ...(replicas !== undefined && { replicas }),
    selector: { matchLabels: { app: "web" } },
    template: { spec: { containers } },
  },
});
const container = (name: string, rest: JsonObject = {}): JsonObject => ({ name, image: `${name}:1`, ...rest });

test("the first apply makes the object, owned field by field", () => {
  const object = applied(Deployment, undefined, web(3, container("web", { ports: [{ containerPort: 80 }] })));
  assert.deepEqual(entries(object), [
    {
      manager: "one",
      operation: "Apply",
      apiVersion: "apps/v1",
      time: "2026-01-01T00:00:00Z",
      fieldsType: "FieldsV1",
      fieldsV1: {
        "f:metadata": { "f:labels": { "f:app": {} } },
        "f:spec": {
          "f:replicas": {},
          "f:selector": {},
          "f:template": {
            "f:spec": {
              "f:containers": {
                'k:{"name":"web"}': {
                  ".": {},
                  "f:name": {},
                  "f:image": {},
                  "f:ports": { 'k:{"containerPort":80,"protocol":"TCP"}': { ".": {}, "f:containerPort": {} } },
                },
              },
            },
          },
        },
      },
    },
  ]);
});

test("applying the same again changes nothing, not even a time", () => {
  const live = applied(Deployment, undefined, web(3, container("web")));
  assert.equal(applied(Deployment, live, web(3, container("web")), { now: now + 60_000 }), live);
});

test("a conflict is told in upstream's words; force takes over; equal values are shared", () => {
  const first = web(3, container("web"));
  const { metadata, ...rest } = applied(Deployment, undefined, first);
  const plain = { ...rest, metadata: { ...(metadata as JsonObject), managedFields: [] } } as JsonObject;
  const managedFields = updateManagedFields(Deployment, undefined, plain, { manager: "kubectl-client-side-apply", now });
  const live = { ...plain, metadata: { ...(metadata as JsonObject), managedFields } } as unknown as JsonObject;

  const refused = apply(Deployment, live, web(5, container("web")), { manager: "two", now });
  assert.ok(refused.conflicts);
  assert.equal(
    conflictMessage(refused.conflicts),
    'Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas',
  );
  assert.deepEqual(conflictCauses(refused.conflicts), [
    { reason: "FieldManagerConflict", message: 'conflict with "kubectl-client-side-apply" using apps/v1', field: ".spec.replicas" },
  ]);
  const more = apply(Deployment, live, web(5, container("web", { image: "web:2" })), { manager: "two", now });
  assert.equal(
    conflictMessage(more.conflicts ?? []),
    'Apply failed with 2 conflicts: conflicts with "kubectl-client-side-apply" using apps/v1:\n- .spec.replicas\n- .spec.template.spec.containers[name="web"].image',
  );
  const forced = applied(Deployment, live, web(5, container("web")), { manager: "two", force: true });
  assert.equal(spec(forced).replicas, 5);
  assert.ok(!("f:replicas" in ((owner(forced, "kubectl-client-side-apply") as JsonObject)["f:spec"] as object)));
  const shared = applied(Deployment, live, first, { manager: "two" });
  assert.equal(entries(shared).length, 2);
  assert.deepEqual(spec(shared), spec(live));
});

test("what is no longer applied goes, unless somebody else owns it", () => {
  const live = applied(Deployment, undefined, web(3, container("web"), container("log")));
  const both = applied(Deployment, live, web(3, container("web")), { manager: "two" });
  const without = applied(Deployment, both, web(undefined), { manager: "one" });
  assert.equal(spec(without).replicas, 3);
  assert.deepEqual(
    spec(without).template.spec.containers.map(({ name }) => name),
    ["web"],
  );
  const none = applied(
    Deployment,
    without,
    { metadata: { name: "web" }, spec: { selector: { matchLabels: { app: "web" } } } },
    { manager: "two" },
  );
  assert.equal(spec(none).replicas, undefined);
  assert.equal((none["metadata"] as JsonObject)["name"], "web");
});

test("items keep the applied order, with others' items between them", () => {
  const names = (object: JsonObject) => spec(object).template.spec.containers.map(({ name }) => name);
  const live = applied(Deployment, undefined, web(1, container("x"), container("a"), container("y"), container("b")), { manager: "two" });
  assert.deepEqual(names(applied(Deployment, live, web(1, container("c"), container("a"), container("b")))), ["x", "c", "a", "y", "b"]);
  assert.deepEqual(names(applied(Deployment, live, web(1, container("b"), container("a")))), ["x", "y", "b", "a"]);
});

test("an object that nobody tracked belongs to before-first-apply", () => {
  const live = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c", uid: "1" }, data: { a: "1", b: "2" } };
  const refused = apply(ConfigMap, live, { metadata: { name: "c" }, data: { a: "9" } }, { manager: "one", now });
  assert.equal(
    conflictMessage(refused.conflicts ?? []),
    'Apply failed with 1 conflict: conflict with "before-first-apply" using v1: .data.a',
  );
  const object = applied(ConfigMap, live, { metadata: { name: "c" }, data: { a: "9" } }, { force: true });
  assert.deepEqual(object["data"], { a: "9", b: "2" });
  assert.deepEqual(owner(object, "before-first-apply"), { "f:data": { ".": {}, "f:b": {} } });
});

test("kubectl takes over what it had applied from the client's side", () => {
  const configuration: JsonObject = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data: { a: "1", b: "2" } };
  const annotations = { "kubectl.kubernetes.io/last-applied-configuration": JSON.stringify(configuration) };
  const plain = { ...configuration, metadata: { name: "c", uid: "1", annotations } };
  const managedFields = updateManagedFields(ConfigMap, undefined, plain, { manager: "kubectl-client-side-apply", now });
  const live = { ...plain, metadata: { ...plain.metadata, managedFields } };
  const next: JsonObject = { ...configuration, data: { a: "9", b: "2" } };
  const taken = applied(ConfigMap, live, next, { manager: "kubectl" });
  assert.deepEqual(taken["data"], { a: "9", b: "2" });
  assert.deepEqual((taken["metadata"] as JsonObject)["annotations"], {
    "kubectl.kubernetes.io/last-applied-configuration":
      '{"apiVersion":"v1","data":{"a":"9","b":"2"},"kind":"ConfigMap","metadata":{"name":"c"}}\n',
  });
  assert.equal(applied(ConfigMap, taken, next, { manager: "kubectl" }), taken);
  assert.ok(apply(ConfigMap, live, next, { manager: "other", now }).conflicts);
});

test("status is applied through its own door only", () => {
  const live = applied(Pod, undefined, { metadata: { name: "p" }, spec: { containers: [{ name: "c" }] }, status: { phase: "Running" } });
  assert.deepEqual(live["status"], {});
  const status = { metadata: { name: "p" }, spec: { nodeName: "n" }, status: { phase: "Running" } };
  const object = applied(Pod, live, status, { manager: "kubelet", subresource: "status" });
  assert.deepEqual([object["status"], spec(object)["nodeName"]], [{ phase: "Running" }, undefined]);
  assert.deepEqual(owner(object, "kubelet"), { "f:status": { "f:phase": {} } });
});

test("a configuration that does not fit is refused in upstream's words", () => {
  const refuse = (configuration: Json, message: string) =>
    assert.throws(() => applied(Deployment, undefined, configuration), { name: "ApplyError", message });
  const typed = "failed to create typed patch object (default/web; apps/v1, Kind=Deployment): ";
  const { metadata, spec: good } = web(1) as { metadata: JsonObject; spec: JsonObject };
  refuse({ metadata, spec: { ...good, replica: 1 } }, `${typed}.spec.replica: field not declared in schema`);
  refuse(web(1, container("a"), container("a")), `${typed}.spec.template.spec.containers: duplicate entries for key [name="a"]`);
  refuse(
    { metadata, spec: { template: { spec: { containers: { a: 1 } } } } },
    `${typed}.spec.template.spec.containers: expected list, got {"a":1}`,
  );
  refuse(
    web(1, { image: "x" }),
    `${typed}.spec.template.spec.containers: element 0: associative list with keys has an element that omits key field "name" (and doesn't have default value)`,
  );
  refuse(
    { apiVersion: "v1", kind: "Deployment" },
    "Incorrect version specified in apply patch. Specified patch version: v1, expected: apps/v1",
  );
  refuse({ metadata: { managedFields: [] } }, "metadata.managedFields must be nil");
});

const data = fc.dictionary(fc.constantFrom("a", "b", "c", "__proto__"), fc.constantFrom("1", "2"), { noNullPrototype: true });
const configMap = (values: object): JsonObject => ({ metadata: { name: "c" }, data: values as JsonObject });

test("apply is idempotent, and a manager's removal leaves what the others own", () => {
  fc.assert(
    fc.property(data, data, data, (one, two, later) => {
      const first = applied(ConfigMap, undefined, configMap(one));
      assert.equal(applied(ConfigMap, first, configMap(one)), first);
      const both = applied(ConfigMap, first, configMap(two), { manager: "two", force: true });
      assert.equal(applied(ConfigMap, both, configMap(two), { manager: "two" }), both);
      const last = applied(ConfigMap, both, configMap(later), { manager: "one", force: true });
      assert.deepEqual(last["data"] ?? {}, JSON.parse(JSON.stringify({ ...two, ...Object.fromEntries(Object.entries(later)) })));
    }),
    { numRuns: 150 },
  );
});
