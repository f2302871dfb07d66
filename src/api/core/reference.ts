import type { KubernetesObject } from "#schema/kind.ts";
import { string } from "#schema/field.ts";
import { type Infer, message } from "#schema/message.ts";

export const LocalObjectReference = message(
  "LocalObjectReference",
  {
    name: string(1),
  },
  { openapi: "io.k8s.api.core.v1.LocalObjectReference", atomic: true },
);
export interface LocalObjectReference extends Infer<typeof LocalObjectReference> {}

export const TypedLocalObjectReference = message(
  "TypedLocalObjectReference",
  {
    apiGroup: string(1, { optional: true, always: true }),
    kind: string(2, { always: true, required: true }),
    name: string(3, { always: true, required: true }),
  },
  { openapi: "io.k8s.api.core.v1.TypedLocalObjectReference", atomic: true },
);
export interface TypedLocalObjectReference extends Infer<typeof TypedLocalObjectReference> {}

export const TypedObjectReference = message(
  "TypedObjectReference",
  {
    apiGroup: string(1, { optional: true, always: true }),
    kind: string(2, { always: true, required: true }),
    name: string(3, { always: true, required: true }),
    namespace: string(4, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.TypedObjectReference" },
);
export interface TypedObjectReference extends Infer<typeof TypedObjectReference> {}

export const ObjectReference = message(
  "ObjectReference",
  {
    kind: string(1),
    namespace: string(2),
    name: string(3),
    uid: string(4),
    apiVersion: string(5),
    resourceVersion: string(6),
    fieldPath: string(7),
  },
  { openapi: "io.k8s.api.core.v1.ObjectReference", atomic: true },
);
export interface ObjectReference extends Infer<typeof ObjectReference> {}

/** A reference that finds this very object again, and no namesake that comes after it. */
export function referenceTo(object: KubernetesObject, fieldPath?: string): ObjectReference {
  const { apiVersion, kind, metadata } = object;
  const { namespace, name, uid, resourceVersion } = metadata;
  return { apiVersion, kind, name, uid, resourceVersion, ...(namespace && { namespace }), ...(fieldPath && { fieldPath }) };
}
