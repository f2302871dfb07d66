import type { KubernetesObject } from "#schema/kind.ts";
import { string } from "#schema/field.ts";
import { type Infer, message } from "#schema/message.ts";

export const LocalObjectReference = message(
  "LocalObjectReference",
  {
    name: string(1, { doc: "Name of the object, in the same namespace." }),
  },
  { openapi: "io.k8s.api.core.v1.LocalObjectReference", atomic: true },
);
export interface LocalObjectReference extends Infer<typeof LocalObjectReference> {}

export const TypedLocalObjectReference = message(
  "TypedLocalObjectReference",
  {
    apiGroup: string(1, { optional: true, always: true, doc: "API group of the object; empty for the core group." }),
    kind: string(2, { always: true, required: true, doc: "Kind of the object." }),
    name: string(3, { always: true, required: true, doc: "Name of the object, in the same namespace." }),
  },
  { openapi: "io.k8s.api.core.v1.TypedLocalObjectReference", atomic: true },
);
export interface TypedLocalObjectReference extends Infer<typeof TypedLocalObjectReference> {}

export const TypedObjectReference = message(
  "TypedObjectReference",
  {
    apiGroup: string(1, { optional: true, always: true, doc: "API group of the object; empty for the core group." }),
    kind: string(2, { always: true, required: true, doc: "Kind of the object." }),
    name: string(3, { always: true, required: true, doc: "Name of the object." }),
    namespace: string(4, { optional: true, doc: "Namespace of the object; the same when empty." }),
  },
  { openapi: "io.k8s.api.core.v1.TypedObjectReference" },
);
export interface TypedObjectReference extends Infer<typeof TypedObjectReference> {}

export const ObjectReference = message(
  "ObjectReference",
  {
    kind: string(1, { doc: "Kind of the object." }),
    namespace: string(2, { doc: "Namespace of the object." }),
    name: string(3, { doc: "Name of the object." }),
    uid: string(4, { doc: "UID of the object." }),
    apiVersion: string(5, { doc: "API version of the object." }),
    resourceVersion: string(6, { doc: "Version of the object." }),
    fieldPath: string(7, { doc: "Part of the object that is meant." }),
  },
  { openapi: "io.k8s.api.core.v1.ObjectReference", atomic: true },
);
export interface ObjectReference extends Infer<typeof ObjectReference> {}

export const SecretReference = message(
  "SecretReference",
  {
    name: string(1, { doc: "Name of the Secret." }),
    namespace: string(2, { doc: "Namespace of the Secret." }),
  },
  { openapi: "io.k8s.api.core.v1.SecretReference", atomic: true },
);
export interface SecretReference extends Infer<typeof SecretReference> {}

/** A reference that finds this very object again, and no namesake that comes after it. */
export function referenceTo(object: KubernetesObject, fieldPath?: string): ObjectReference {
  const { apiVersion, kind, metadata } = object;
  const { namespace, name, uid, resourceVersion } = metadata;
  return { apiVersion, kind, name, uid, resourceVersion, ...(namespace && { namespace }), ...(fieldPath && { fieldPath }) };
}
