// What every object carries. Declared here and not in api/, because merging, apply and storage speak of it for kinds they do not know.
import { bool, int64, list, map, rawObject, string, time } from "./field.ts";
import { type Infer, message, type Type } from "./message.ts";

export const OwnerReference = message(
  "OwnerReference",
  {
    kind: string(1, { always: true, required: true, doc: "Kind of the owner." }),
    name: string(3, { always: true, required: true, doc: "Name of the owner." }),
    uid: string(4, { always: true, required: true, doc: "UID of the owner." }),
    apiVersion: string(5, { always: true, required: true, doc: "API version of the owner." }),
    controller: bool(6, { optional: true, doc: "Whether this owner is the managing controller; at most one is." }),
    blockOwnerDeletion: bool(7, { optional: true, doc: "Whether a foreground deletion of the owner waits for this object." }),
  },
  { atomic: true, openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference" },
);
export interface OwnerReference extends Infer<typeof OwnerReference> {}

export const ManagedFieldsEntry = message(
  "ManagedFieldsEntry",
  {
    manager: string(1, { doc: "Name of the workflow that manages these fields." }),
    operation: string(2, { doc: "How the fields were set: Apply or Update." }),
    apiVersion: string(3, { doc: "The version the field set is written in." }),
    time: time(4, { optional: true, doc: "When the entry last changed." }),
    fieldsType: string(6, { doc: "The format of fieldsV1; always FieldsV1." }),
    fieldsV1: rawObject(7, { optional: true, doc: "The set of fields, as a tree of keys." }),
    subresource: string(8, { doc: "The subresource through which the fields were set; empty for the object itself." }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.ManagedFieldsEntry" },
);
export interface ManagedFieldsEntry extends Infer<typeof ManagedFieldsEntry> {}

export const ObjectMeta = message(
  "ObjectMeta",
  {
    name: string(1, { doc: "Unique within a namespace; cannot change." }),
    generateName: string(2, { doc: "A prefix from which the server makes a unique name when name is empty." }),
    namespace: string(3, { doc: "The space within which the name is unique; cannot change." }),
    selfLink: string(4, { doc: "No longer filled in." }),
    uid: string(5, { doc: "Unique in time and space; set by the server." }),
    resourceVersion: string(6, { doc: "Opaque version of the object, for optimistic concurrency and watches." }),
    generation: int64(7, { doc: "Grows with each change of the desired state; set by the server." }),
    creationTimestamp: time(8, { doc: "When the object was created; set by the server." }),
    deletionTimestamp: time(9, { optional: true, doc: "When the object will be gone; set by the server on graceful deletion." }),
    deletionGracePeriodSeconds: int64(10, { optional: true, doc: "Seconds the object may take to end before it is removed." }),
    labels: map(11, "string", { doc: "Keys and values to organise and select objects by." }),
    annotations: map(12, "string", { doc: "Keys and values for tools; not for selecting." }),
    ownerReferences: list(13, (): Type<OwnerReference> => OwnerReference, {
      list: "map",
      keys: ["uid"],
      patch: "merge",
      mergeKey: "uid",
      doc: "Objects this one depends on; it is collected when all are gone.",
    }),
    finalizers: list(14, "string", { list: "set", patch: "merge", doc: "What must be done before the object may go." }),
    managedFields: list(17, (): Type<ManagedFieldsEntry> => ManagedFieldsEntry, {
      list: "atomic",
      doc: "Which workflow manages which fields.",
    }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta" },
);
export interface ObjectMeta extends Infer<typeof ObjectMeta> {}
