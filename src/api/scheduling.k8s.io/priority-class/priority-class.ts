import { kind, type ObjectOf } from "#schema/kind.ts";
import { bool, int32, string } from "#schema/field.ts";

const fields = {
  value: int32(2, { always: true }),
  globalDefault: bool(3),
  description: string(4),
  preemptionPolicy: string(5, {
    optional: true,
    default: "PreemptLowerPriority",
    immutable: true,
    enum: ["Never", "PreemptLowerPriority"],
  }),
};

export interface PriorityClass extends ObjectOf<undefined, undefined, typeof fields> {}
export const PriorityClass = kind({
  group: "scheduling.k8s.io",
  version: "v1",
  name: "PriorityClass",
  plural: "priorityclasses",
  scope: "cluster",
  openapi: "io.k8s.api.scheduling.v1.PriorityClass",
  fields,
});
