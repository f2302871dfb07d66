import { kind, type ObjectOf } from "#schema/kind.ts";
import { bool, map } from "#schema/field.ts";
import { ageColumn, nameColumn, sizeOf } from "#api/meta/columns.ts";
import { configMapErrors } from "./config-map-rules.ts";

const fields = {
  data: map(2, "string", { doc: "Entries as text." }),
  binaryData: map(3, "bytes", { doc: "Entries as bytes." }),
  immutable: bool(4, { optional: true, doc: "Whether the entries may never change." }),
};

export interface ConfigMap extends ObjectOf<undefined, undefined, typeof fields> {}
export const ConfigMap = kind({
  group: "",
  version: "v1",
  name: "ConfigMap",
  plural: "configmaps",
  doc: "Configuration for Pods to read.",
  scope: "namespaced",
  validate: configMapErrors,
  shortNames: ["cm"],
  columns: [
    nameColumn,
    { name: "Data", doc: "How many entries it has.", read: ({ data, binaryData }) => sizeOf(data) + sizeOf(binaryData) },
    ageColumn,
  ],
  openapi: "io.k8s.api.core.v1.ConfigMap",
  fields,
});
