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
    replicas: int32(1, { optional: true, default: 1, min: 0 }),
    selector: one(2, (): Type<LabelSelector> => LabelSelector, { optional: true, required: true, immutable: true }),
    template: one(3, (): Type<PodTemplateSpec> => PodTemplateSpec),
    minReadySeconds: int32(4, { min: 0 }),
  },
  { openapi: "io.k8s.api.apps.v1.ReplicaSetSpec" },
);
export interface ReplicaSetSpec extends Infer<typeof ReplicaSetSpec> {}

export const ReplicaSetCondition = message(
  "ReplicaSetCondition",
  {
    type: string(1, { always: true, required: true }),
    status: string(2, { always: true, required: true }),
    lastTransitionTime: time(3),
    reason: string(4),
    message: string(5),
  },
  { openapi: "io.k8s.api.apps.v1.ReplicaSetCondition" },
);
export interface ReplicaSetCondition extends Infer<typeof ReplicaSetCondition> {}

export const ReplicaSetStatus = message(
  "ReplicaSetStatus",
  {
    replicas: int32(1, { always: true, required: true }),
    fullyLabeledReplicas: int32(2),
    observedGeneration: int64(3),
    readyReplicas: int32(4),
    availableReplicas: int32(5),
    conditions: list(6, (): Type<ReplicaSetCondition> => ReplicaSetCondition, {
      list: "map",
      keys: ["type"],
      patch: "merge",
      mergeKey: "type",
    }),
    terminatingReplicas: int32(7, { optional: true }),
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
