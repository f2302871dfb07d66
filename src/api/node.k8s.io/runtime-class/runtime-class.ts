import { kind, type ObjectOf } from "#schema/kind.ts";
import { list, map, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { ageColumn, nameColumn } from "#api/meta/columns.ts";
import { Toleration } from "#api/core/pod/scheduling.ts";
import { runtimeClassErrors } from "./runtime-class-rules.ts";

export const Overhead = message(
  "Overhead",
  { podFixed: map(1, "quantity", { doc: "What every Pod of the class costs." }) },
  { openapi: "io.k8s.api.node.v1.Overhead" },
);
export interface Overhead extends Infer<typeof Overhead> {}

export const Scheduling = message(
  "Scheduling",
  {
    nodeSelector: map(1, "string", { atomic: true, doc: "Labels of the Nodes that support the class." }),
    tolerations: list(2, (): Type<Toleration> => Toleration, { list: "atomic", doc: "Taints that Pods of the class put up with." }),
  },
  { openapi: "io.k8s.api.node.v1.Scheduling" },
);
export interface Scheduling extends Infer<typeof Scheduling> {}

const fields = {
  handler: string(2, {
    always: true,
    required: true,
    immutable: true,
    format: "dns1123Label",
    doc: "What the container runtime calls the configuration that runs these Pods.",
  }),
  overhead: one(3, (): Type<Overhead> => Overhead, { optional: true, doc: "What a Pod costs besides its containers." }),
  scheduling: one(4, (): Type<Scheduling> => Scheduling, { optional: true, doc: "Which Nodes can run these Pods; all when absent." }),
};

export interface RuntimeClass extends ObjectOf<undefined, undefined, typeof fields> {}
export const RuntimeClass = kind({
  group: "node.k8s.io",
  version: "v1",
  formerVersions: ["v1beta1"],
  name: "RuntimeClass",
  plural: "runtimeclasses",
  doc: "A way of running containers that Pods can choose.",
  scope: "cluster",
  validate: runtimeClassErrors,
  columns: [
    nameColumn,
    { name: "Handler", doc: "What the container runtime calls the configuration.", read: ({ handler }) => handler },
    ageColumn,
  ],
  openapi: "io.k8s.api.node.v1.RuntimeClass",
  fields,
});
