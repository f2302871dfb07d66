import assert from "node:assert/strict";
import { test } from "node:test";
import { controllerOf, isControlledBy, newControllerReference, newOwnerReference, ownedBy } from "./owner.ts";

const owner = {
  apiVersion: "apps/v1",
  kind: "ReplicaSet",
  metadata: { name: "web", uid: "u1", resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" },
};

test("a controller reference makes the owner the controller", () => {
  const object = { metadata: { ownerReferences: [newControllerReference(owner)] } };
  assert.deepEqual(controllerOf(object), {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    name: "web",
    uid: "u1",
    controller: true,
    blockOwnerDeletion: true,
  });
  assert.equal(isControlledBy(object, owner), true);
  assert.equal(isControlledBy(object, { metadata: { uid: "u2" } }), false);
});

test("a plain owner reference owns without controlling", () => {
  const object = { metadata: { ownerReferences: [newOwnerReference(owner)] } };
  assert.equal(ownedBy(object, owner), true);
  assert.equal(controllerOf(object), undefined);
  assert.equal(ownedBy({ metadata: {} }, owner), false);
});
