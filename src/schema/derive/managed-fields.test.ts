import assert from "node:assert/strict";
import { test } from "node:test";
import { one, string } from "../field.ts";
import { type Kind, kind } from "../kind.ts";
import { message } from "../message.ts";
import type { ManagedFieldsEntry } from "../object-meta.ts";
import { has } from "./field-set.ts";
import { keepTimes, managerFromUserAgent, updateManagedFields } from "./managed-fields.ts";
import { ConfigMap, Deployment, examplePod, Pod } from "../../../test/support/sample-kinds.ts";

const now = Date.UTC(2026, 0, 1);
type Draft = { metadata: Record<string, unknown>; spec: Record<string, unknown>; status: Record<string, unknown> };

function withEntries(object: object, managedFields: readonly ManagedFieldsEntry[]): Draft {
  const draft = structuredClone(object) as Draft;
  return { ...draft, metadata: { ...draft.metadata, managedFields } };
}

test("a created Pod's fields are owned as upstream writes them", () => {
  const [entry, ...more] = updateManagedFields(Pod, undefined, examplePod(), { manager: "kube-controller-manager", now });
  assert.equal(more.length, 0);
  assert.deepEqual(entry, {
    manager: "kube-controller-manager",
    operation: "Update",
    apiVersion: "v1",
    time: "2026-01-01T00:00:00Z",
    fieldsType: "FieldsV1",
    fieldsV1: {
      "f:metadata": {
        "f:generateName": {},
        "f:labels": { ".": {}, "f:app": {}, "f:pod-template-hash": {} },
        "f:annotations": { ".": {}, "f:example.com/team": {}, "f:example.com/checksum": {} },
        "f:ownerReferences": { ".": {}, 'k:{"uid":"0d5e7a3c-1111-4222-8333-944444444444"}': {} },
      },
      "f:spec": {
        "f:volumes": { ".": {}, 'k:{"name":"cache"}': { ".": {}, "f:name": {}, "f:emptyDir": {} } },
        "f:containers": {
          'k:{"name":"web"}': {
            ".": {},
            "f:name": {},
            "f:image": {},
            "f:args": {},
            "f:ports": {
              ".": {},
              'k:{"containerPort":8080,"protocol":"TCP"}': { ".": {}, "f:name": {}, "f:containerPort": {}, "f:protocol": {} },
            },
            "f:env": {
              ".": {},
              'k:{"name":"MODE"}': { ".": {}, "f:name": {}, "f:value": {} },
              'k:{"name":"REGION"}': { ".": {}, "f:name": {}, "f:value": {} },
            },
            "f:resources": {
              ".": {},
              "f:limits": { ".": {}, "f:cpu": {}, "f:memory": {} },
              "f:requests": { ".": {}, "f:cpu": {}, "f:memory": {} },
            },
            "f:volumeMounts": { ".": {}, 'k:{"mountPath":"/var/cache/web"}': { ".": {}, "f:name": {}, "f:mountPath": {} } },
            "f:terminationMessagePath": {},
            "f:terminationMessagePolicy": {},
            "f:imagePullPolicy": {},
            "f:securityContext": { ".": {}, "f:runAsUser": {} },
          },
        },
        "f:restartPolicy": {},
        "f:terminationGracePeriodSeconds": {},
        "f:dnsPolicy": {},
        "f:serviceAccountName": {},
        "f:securityContext": {},
        "f:schedulerName": {},
        "f:tolerations": {},
        "f:enableServiceLinks": {},
      },
    },
  });
});

test("what another manager changes moves to it, what goes away belongs to nobody", () => {
  const created = withEntries(examplePod(), updateManagedFields(Pod, undefined, examplePod(), { manager: "a", now }));
  const changed = structuredClone(created);
  changed.spec["restartPolicy"] = "Never";
  delete changed.spec["serviceAccountName"];
  const entries = updateManagedFields(Pod, created, changed, { manager: "b", now: now + 5_000 });
  assert.deepEqual(
    entries.map(({ manager, time }) => [manager, time]),
    [
      ["a", "2026-01-01T00:00:00Z"],
      ["b", "2026-01-01T00:00:05Z"],
    ],
  );
  assert.deepEqual(entries[1]?.fieldsV1, { "f:spec": { "f:restartPolicy": {} } });
  const left = entries[0]?.fieldsV1 ?? {};
  assert.deepEqual(
    ["f:restartPolicy", "f:serviceAccountName", "f:dnsPolicy"].map((field) => has(left, ["f:spec", field])),
    [false, false, true],
  );
});

test("a status write is tracked through its door only, and a write that changes nothing keeps the time", () => {
  const created = withEntries(examplePod(), updateManagedFields(Pod, undefined, examplePod(), { manager: "a", now }));
  const changed = { ...created, status: { phase: "Running", conditions: [{ type: "Ready", status: "True" }] }, spec: { containers: [] } };
  const entries = updateManagedFields(Pod, created, changed, { manager: "kubelet", subresource: "status", now });
  assert.deepEqual(entries.at(-1), {
    manager: "kubelet",
    operation: "Update",
    apiVersion: "v1",
    time: "2026-01-01T00:00:00Z",
    fieldsType: "FieldsV1",
    fieldsV1: {
      "f:status": { "f:phase": {}, "f:conditions": { ".": {}, 'k:{"type":"Ready"}': { ".": {}, "f:type": {}, "f:status": {} } } },
    },
    subresource: "status",
  });
  const again = updateManagedFields(Pod, withEntries(changed, entries), withEntries(changed, entries), {
    manager: "kubelet",
    subresource: "status",
    now: now + 9e6,
  });
  assert.deepEqual(again, entries);
  assert.deepEqual(
    updateManagedFields(Pod, created, { ...created, status: changed.status }, { manager: "x", now }),
    created.metadata["managedFields"],
  );
});

test("managedFields can be reset, and an object without them stays untracked", () => {
  const created = withEntries(examplePod(), updateManagedFields(Pod, undefined, examplePod(), { manager: "a", now }));
  const reset = withEntries(examplePod(), [{} as ManagedFieldsEntry]);
  assert.deepEqual(updateManagedFields(Pod, created, reset, { manager: "b", now }), []);
  assert.deepEqual(updateManagedFields(Pod, examplePod(), { ...examplePod(), spec: { nodeName: "n" } }, { manager: "b", now }), []);
  const forged = withEntries(examplePod(), [{ manager: "z", operation: "Apply", fieldsType: "FieldsV1", fieldsV1: { bad: 1 } } as never]);
  assert.deepEqual(updateManagedFields(Pod, created, forged, { manager: "b", now }), created.metadata["managedFields"]);
});

test("the eleventh updater makes the two oldest one", () => {
  let object = withEntries({ metadata: { name: "c" }, data: {} }, []);
  let entries = updateManagedFields(ConfigMap, undefined, { ...object, data: { k: "v" } }, { manager: "m0", now });
  object = withEntries({ metadata: { name: "c" }, data: { k: "v" } }, entries);
  for (let i = 1; i <= 12; i++) {
    const next = { ...object, data: { ...(object as never as { data: object }).data, [`k${i}`]: "v" } };
    entries = updateManagedFields(ConfigMap, object, next, { manager: `m${i}`, now: now + i * 1000 });
    object = withEntries(next, entries);
  }
  assert.deepEqual(
    entries.map(({ manager }) => manager),
    ["ancient-changes", "m4", "m5", "m6", "m7", "m8", "m9", "m10", "m11", "m12"],
  );
  assert.deepEqual(entries[0]?.fieldsV1, { "f:data": { ".": {}, "f:k": {}, "f:k1": {}, "f:k2": {}, "f:k3": {} } });
});

test("keys that come from outside are keys", () => {
  const data = JSON.parse('{"__proto__":"x","constructor":"y"}') as object;
  const entries = updateManagedFields(ConfigMap, undefined, { metadata: {}, data }, { manager: "", now });
  assert.equal(entries[0]?.manager, "unknown");
  assert.deepEqual(entries[0]?.fieldsV1, { "f:data": { ".": {}, "f:__proto__": {}, "f:constructor": {} } });
});

test("a Deployment's spec and template have no member of their own on create", () => {
  const spec = {
    replicas: 2,
    selector: { matchLabels: { app: "a" } },
    strategy: { type: "Recreate" },
    template: { metadata: {}, spec: { containers: [] } },
  };
  const [entry] = updateManagedFields(Deployment, undefined, { metadata: { name: "d" }, spec, status: {} }, { manager: "m", now });
  assert.deepEqual(entry?.fieldsV1, { "f:spec": { "f:replicas": {}, "f:selector": {}, "f:strategy": { "f:type": {} } } });
});

test("an atomic field that is always there is owned only when something is said in it", () => {
  const Reference = message("RoleRef", { name: string(1, { always: true }) }, { atomic: true });
  const Binding: Kind = kind({
    group: "g",
    version: "v1",
    name: "B",
    plural: "bs",
    scope: "cluster",
    fields: { roleRef: one(2, () => Reference) },
  });
  const entries = (roleRef: object) => updateManagedFields(Binding, undefined, { metadata: {}, roleRef }, { manager: "m", now });
  assert.deepEqual(entries({ name: "" }), []);
  assert.deepEqual(entries({ name: "admin" })[0]?.fieldsV1, { "f:roleRef": {} });
});

test("default managers come from user agents", () => {
  assert.equal(managerFromUserAgent("kubectl/v1.36.0 (linux/amd64)"), "kubectl");
  assert.equal(managerFromUserAgent("a\u0007b"), "ab");
  assert.equal(managerFromUserAgent("x".repeat(200)).length, 128);
});

test("entries that differ in time only stay as they were", () => {
  const old = updateManagedFields(Pod, undefined, examplePod(), { manager: "a", now });
  const next = updateManagedFields(Pod, undefined, examplePod(), { manager: "a", now: now + 1000 });
  assert.equal(keepTimes(old, next), old);
  assert.notEqual(keepTimes(old, updateManagedFields(Pod, undefined, examplePod(), { manager: "b", now })), old);
});

test("a field may be granular though its message is one value elsewhere", () => {
  const Reference = message("Reference", { name: string(1), uid: string(2) }, { atomic: true });
  const fields = { whole: one(2, () => Reference, { optional: true }), parts: one(3, () => Reference, { optional: true, atomic: false }) };
  const Holder: Kind = kind({ group: "g", version: "v1", name: "H", plural: "hs", scope: "cluster", fields });
  const reference = { name: "a", uid: "b" };
  const [entry] = updateManagedFields(Holder, undefined, { metadata: {}, whole: reference, parts: reference }, { manager: "m", now });
  assert.deepEqual(entry?.fieldsV1, { "f:parts": { ".": {}, "f:name": {}, "f:uid": {} }, "f:whole": {} });
});
