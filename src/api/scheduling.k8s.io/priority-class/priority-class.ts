import { kind, type ObjectOf } from "#schema/kind.ts";
import { bool, int32, string } from "#schema/field.ts";
import { ageColumn, nameColumn } from "#api/meta/columns.ts";
import { priorityClassErrors } from "./priority-class-rules.ts";

const fields = {
  value: int32(2, { always: true, doc: "The priority it gives." }),
  globalDefault: bool(3, { doc: "Whether Pods that name no class get it." }),
  description: string(4, { doc: "What it is meant for." }),
  preemptionPolicy: string(5, {
    optional: true,
    default: "PreemptLowerPriority",
    immutable: true,
    enum: ["Never", "PreemptLowerPriority"],
    doc: "Whether its Pods may take the place of others.",
  }),
};

export interface PriorityClass extends ObjectOf<undefined, undefined, typeof fields> {}
export const PriorityClass = kind({
  group: "scheduling.k8s.io",
  version: "v1",
  formerVersions: ["v1beta1"],
  name: "PriorityClass",
  plural: "priorityclasses",
  doc: "A name for a priority of Pods.",
  scope: "cluster",
  validate: priorityClassErrors,
  shortNames: ["pc"],
  columns: [
    nameColumn,
    { name: "Value", type: "integer", doc: "The priority it gives.", read: ({ value }) => value },
    {
      name: "Global-Default",
      type: "boolean",
      doc: "Whether Pods that name no class get it.",
      read: ({ globalDefault }) => globalDefault ?? false,
    },
    ageColumn,
    { name: "PreemptionPolicy", doc: "Whether its Pods may take the place of others.", read: ({ preemptionPolicy }) => preemptionPolicy },
  ],
  openapi: "io.k8s.api.scheduling.v1.PriorityClass",
  fields,
});
