import { kind, type ObjectOf } from "#schema/kind.ts";
import { int32, int64, list, one, string, time } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { PodTemplateSpec } from "#api/core/pod/pod-template.ts";
import { LabelSelector } from "#api/meta/label-selector.ts";
import { withCompleteTemplate } from "#api/core/pod/pod-defaults.ts";
import { ageColumn, nameColumn, templateColumns } from "#api/meta/columns.ts";
import { workloadErrors } from "#api/apps/workload-rules.ts";

export const ReplicaSetSpec = message(
  "ReplicaSetSpec",
  {
    replicas: int32(1, { optional: true, default: 1, min: 0, doc: "How many Pods should run." }),
    selector: one(2, (): Type<LabelSelector> => LabelSelector, {
      optional: true,
      required: true,
      immutable: true,
      doc: "Which Pods belong to it.",
    }),
    template: one(3, (): Type<PodTemplateSpec> => PodTemplateSpec, { doc: "What the Pods should be." }),
    minReadySeconds: int32(4, { min: 0, doc: "Seconds a Pod must have been ready to count as available." }),
  },
  { openapi: "io.k8s.api.apps.v1.ReplicaSetSpec" },
);
export interface ReplicaSetSpec extends Infer<typeof ReplicaSetSpec> {}

export const ReplicaSetCondition = message(
  "ReplicaSetCondition",
  {
    type: string(1, { always: true, required: true, doc: "What the condition tells, such as ReplicaFailure." }),
    status: string(2, { always: true, required: true, doc: "True, False or Unknown." }),
    lastTransitionTime: time(3, { doc: "When the status last changed." }),
    reason: string(4, { doc: "Why, in one word." }),
    message: string(5, { doc: "Why, for people." }),
  },
  { openapi: "io.k8s.api.apps.v1.ReplicaSetCondition" },
);
export interface ReplicaSetCondition extends Infer<typeof ReplicaSetCondition> {}

export const ReplicaSetStatus = message(
  "ReplicaSetStatus",
  {
    replicas: int32(1, { always: true, required: true, doc: "How many Pods there are." }),
    fullyLabeledReplicas: int32(2, { doc: "How many Pods have all labels of the template." }),
    observedGeneration: int64(3, { doc: "Generation of the spec this status tells of." }),
    readyReplicas: int32(4, { doc: "How many Pods are ready." }),
    availableReplicas: int32(5, { doc: "How many Pods are available." }),
    conditions: list(6, (): Type<ReplicaSetCondition> => ReplicaSetCondition, {
      list: "map",
      keys: ["type"],
      patch: "merge",
      mergeKey: "type",
      doc: "What is true of the ReplicaSet now.",
    }),
    terminatingReplicas: int32(7, { optional: true, doc: "How many Pods are ending." }),
  },
  { openapi: "io.k8s.api.apps.v1.ReplicaSetStatus" },
);
export interface ReplicaSetStatus extends Infer<typeof ReplicaSetStatus> {}

export interface ReplicaSet extends ObjectOf<typeof ReplicaSetSpec, typeof ReplicaSetStatus, {}> {}
export const ReplicaSet = kind({
  group: "apps",
  version: "v1",
  name: "ReplicaSet",
  plural: "replicasets",
  doc: "Keeps a number of Pods running.",
  scope: "namespaced",
  validate: ({ spec }, { subresource }) =>
    subresource === "" ? workloadErrors(spec, "ReplicaSet", "empty selector is invalid for deployment") : [],
  shortNames: ["rs"],
  categories: ["all"],
  columns: [
    nameColumn,
    { name: "Desired", type: "integer", doc: "How many Pods should be.", read: ({ spec }) => spec.replicas },
    { name: "Current", type: "integer", doc: "How many Pods are.", read: ({ status }) => status.replicas },
    { name: "Ready", type: "integer", doc: "How many Pods are ready.", read: ({ status }) => status.readyReplicas ?? 0 },
    ageColumn,
    ...templateColumns,
  ],
  selectable: { "status.replicas": ({ status }) => String(status.replicas) },
  openapi: "io.k8s.api.apps.v1.ReplicaSet",
  spec: ReplicaSetSpec,
  status: ReplicaSetStatus,
  subresources: { status: true, scale: { replicas: "spec.replicas", current: "status.replicas", selector: "spec.selector" } },
  default: withCompleteTemplate,
});
