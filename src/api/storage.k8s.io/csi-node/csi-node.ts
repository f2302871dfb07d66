import { kind, type ObjectOf } from "#schema/kind.ts";
import { int32, list, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { ageColumn, nameColumn } from "#api/meta/columns.ts";
import { csiNodeErrors } from "./csi-node-rules.ts";

export const VolumeNodeResources = message(
  "VolumeNodeResources",
  {
    count: int32(1, { optional: true, min: 0, doc: "How many volumes the Node may have; no limit when absent." }),
  },
  { openapi: "io.k8s.api.storage.v1.VolumeNodeResources" },
);
export interface VolumeNodeResources extends Infer<typeof VolumeNodeResources> {}

export const CSINodeDriver = message(
  "CSINodeDriver",
  {
    name: string(1, { always: true, required: true, doc: "Name of the driver." }),
    nodeID: string(2, { always: true, required: true, doc: "What the driver calls the Node." }),
    topologyKeys: list(3, "string", { always: true, list: "atomic", doc: "Labels of the Node that say where it is." }),
    allocatable: one(4, (): Type<VolumeNodeResources> => VolumeNodeResources, {
      optional: true,
      doc: "How many volumes the Node may have.",
    }),
  },
  { openapi: "io.k8s.api.storage.v1.CSINodeDriver" },
);
export interface CSINodeDriver extends Infer<typeof CSINodeDriver> {}

export const CSINodeSpec = message(
  "CSINodeSpec",
  {
    drivers: list(1, (): Type<CSINodeDriver> => CSINodeDriver, {
      always: true,
      required: true,
      list: "map",
      keys: ["name"],
      patch: "merge",
      mergeKey: "name",
      doc: "The drivers that run on the Node.",
    }),
  },
  { openapi: "io.k8s.api.storage.v1.CSINodeSpec" },
);
export interface CSINodeSpec extends Infer<typeof CSINodeSpec> {}

export interface CSINode extends ObjectOf<typeof CSINodeSpec, undefined, {}> {}
export const CSINode = kind({
  group: "storage.k8s.io",
  version: "v1",
  formerVersions: ["v1beta1"],
  name: "CSINode",
  plural: "csinodes",
  doc: "The CSI drivers of a Node.",
  scope: "cluster",
  counted: false,
  validate: csiNodeErrors,
  columns: [
    nameColumn,
    { name: "Drivers", type: "integer", doc: "How many drivers the Node has.", read: ({ spec }) => spec.drivers.length },
    ageColumn,
  ],
  openapi: "io.k8s.api.storage.v1.CSINode",
  spec: CSINodeSpec,
});
