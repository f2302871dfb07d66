import { kind, type ObjectOf } from "#schema/kind.ts";
import { bool, list, map, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { storageClassColumns } from "./storage-class-columns.ts";
import { storageClassErrors } from "./storage-class-rules.ts";

export const TopologySelectorLabelRequirement = message(
  "TopologySelectorLabelRequirement",
  {
    key: string(1, { always: true, required: true, doc: "Name of the label." }),
    values: list(2, "string", { always: true, required: true, list: "atomic", doc: "What it may be." }),
  },
  { openapi: "io.k8s.api.core.v1.TopologySelectorLabelRequirement" },
);
export interface TopologySelectorLabelRequirement extends Infer<typeof TopologySelectorLabelRequirement> {}

export const TopologySelectorTerm = message(
  "TopologySelectorTerm",
  {
    matchLabelExpressions: list(1, (): Type<TopologySelectorLabelRequirement> => TopologySelectorLabelRequirement, {
      list: "atomic",
      doc: "Labels that the Node must have.",
    }),
  },
  { openapi: "io.k8s.api.core.v1.TopologySelectorTerm", atomic: true },
);
export interface TopologySelectorTerm extends Infer<typeof TopologySelectorTerm> {}

const fields = {
  provisioner: string(2, { always: true, required: true, doc: "Who makes its volumes." }),
  parameters: map(3, "string", { doc: "What the provisioner is told." }),
  reclaimPolicy: string(4, {
    optional: true,
    default: "Delete",
    enum: ["Delete", "Retain"],
    doc: "What becomes of its volumes when their claims go.",
  }),
  mountOptions: list(5, "string", { list: "atomic", doc: "Options its volumes are mounted with." }),
  allowVolumeExpansion: bool(6, { optional: true, doc: "Whether its volumes may grow." }),
  volumeBindingMode: string(7, {
    optional: true,
    default: "Immediate",
    immutable: true,
    enum: ["Immediate", "WaitForFirstConsumer"],
    doc: "When volumes are made: Immediate, or when a Pod that needs one has a Node.",
  }),
  allowedTopologies: list(8, (): Type<TopologySelectorTerm> => TopologySelectorTerm, {
    list: "atomic",
    doc: "Where volumes may be made; anywhere when empty.",
  }),
};

export interface StorageClass extends ObjectOf<undefined, undefined, typeof fields> {}
export const StorageClass = kind({
  group: "storage.k8s.io",
  version: "v1",
  formerVersions: ["v1beta1"],
  name: "StorageClass",
  plural: "storageclasses",
  doc: "A way in which volumes are made on demand.",
  scope: "cluster",
  shortNames: ["sc"],
  validate: storageClassErrors,
  columns: storageClassColumns,
  openapi: "io.k8s.api.storage.v1.StorageClass",
  fields,
});
