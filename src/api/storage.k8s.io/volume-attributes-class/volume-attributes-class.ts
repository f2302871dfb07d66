import { kind, type ObjectOf } from "#schema/kind.ts";
import { map, string } from "#schema/field.ts";
import { ageColumn, nameColumn } from "#api/meta/columns.ts";
import { volumeAttributesClassErrors } from "./volume-attributes-class-rules.ts";

const fields = {
  driverName: string(2, { always: true, required: true, doc: "Name of the driver." }),
  parameters: map(3, "string", { doc: "What the driver is told." }),
};

export interface VolumeAttributesClass extends ObjectOf<undefined, undefined, typeof fields> {}
export const VolumeAttributesClass = kind({
  group: "storage.k8s.io",
  version: "v1",
  formerVersions: ["v1beta1"],
  name: "VolumeAttributesClass",
  plural: "volumeattributesclasses",
  doc: "Attributes of volumes that may be changed while they are used.",
  scope: "cluster",
  shortNames: ["vac"],
  validate: volumeAttributesClassErrors,
  columns: [nameColumn, { name: "DriverName", doc: "Name of the driver.", read: ({ driverName }) => driverName }, ageColumn],
  openapi: "io.k8s.api.storage.v1.VolumeAttributesClass",
  fields,
});
