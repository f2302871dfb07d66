import { kind, type ObjectOf } from "#schema/kind.ts";
import { one, quantity, string } from "#schema/field.ts";
import { type Type } from "#schema/message.ts";
import { nameColumn } from "#api/meta/columns.ts";
import { LabelSelector } from "#api/meta/label-selector.ts";
import { csiStorageCapacityErrors } from "./csi-storage-capacity-rules.ts";

const fields = {
  nodeTopology: one(2, (): Type<LabelSelector> => LabelSelector, {
    optional: true,
    immutable: true,
    doc: "Nodes that reach this storage; none when absent, all when empty.",
  }),
  storageClassName: string(3, { always: true, required: true, immutable: true, doc: "StorageClass the volumes would belong to." }),
  capacity: quantity(4, { optional: true, doc: "How much room there is." }),
  maximumVolumeSize: quantity(5, { optional: true, doc: "How large one volume may be." }),
};

export interface CSIStorageCapacity extends ObjectOf<undefined, undefined, typeof fields> {}
export const CSIStorageCapacity = kind({
  group: "storage.k8s.io",
  version: "v1",
  formerVersions: ["v1beta1"],
  name: "CSIStorageCapacity",
  plural: "csistoragecapacities",
  doc: "How much room a driver has for volumes of a class, in one part of the cluster.",
  scope: "namespaced",
  validate: csiStorageCapacityErrors,
  columns: [
    nameColumn,
    { name: "StorageClassName", doc: "StorageClass the volumes would belong to.", read: ({ storageClassName }) => storageClassName },
    { name: "Capacity", doc: "How much room there is.", read: ({ capacity }) => capacity ?? "<unset>" },
  ],
  openapi: "io.k8s.api.storage.v1.CSIStorageCapacity",
  fields,
});
