import { kind, type ObjectOf } from "#schema/kind.ts";
import { int32, int64, intOrString, list, one, string, time } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { PodTemplateSpec } from "#api/core/pod/pod-template.ts";
import { LabelSelector } from "#api/meta/label-selector.ts";
import { withCompleteTemplate } from "#api/core/pod/pod-defaults.ts";
import { ageColumn, formatLabels, nameColumn, templateColumns } from "#api/meta/columns.ts";
import { daemonSetErrors } from "./daemon-set-rules.ts";

export const RollingUpdateDaemonSet = message(
  "RollingUpdateDaemonSet",
  {
    maxUnavailable: intOrString(1, { optional: true, default: 1, doc: "How many Nodes may be without the Pod during an update." }),
    maxSurge: intOrString(2, { optional: true, default: 0, doc: "How many Nodes may have an old and a new Pod during an update." }),
  },
  { openapi: "io.k8s.api.apps.v1.RollingUpdateDaemonSet" },
);
export interface RollingUpdateDaemonSet extends Infer<typeof RollingUpdateDaemonSet> {}

export const DaemonSetUpdateStrategy = message(
  "DaemonSetUpdateStrategy",
  {
    type: string(1, { default: "RollingUpdate", enum: ["OnDelete", "RollingUpdate"], doc: "RollingUpdate or OnDelete." }),
    rollingUpdate: one(2, (): Type<RollingUpdateDaemonSet> => RollingUpdateDaemonSet, {
      optional: true,
      doc: "Settings of a rolling update.",
    }),
  },
  { openapi: "io.k8s.api.apps.v1.DaemonSetUpdateStrategy" },
);
export interface DaemonSetUpdateStrategy extends Infer<typeof DaemonSetUpdateStrategy> {}

export const DaemonSetSpec = message(
  "DaemonSetSpec",
  {
    selector: one(1, (): Type<LabelSelector> => LabelSelector, {
      optional: true,
      required: true,
      immutable: true,
      doc: "Which Pods belong to it.",
    }),
    template: one(2, (): Type<PodTemplateSpec> => PodTemplateSpec, { required: true, doc: "What the Pods should be." }),
    updateStrategy: one(3, (): Type<DaemonSetUpdateStrategy> => DaemonSetUpdateStrategy, {
      doc: "How Pods are replaced when the template changes.",
    }),
    minReadySeconds: int32(4, { min: 0, doc: "Seconds a Pod must have been ready to count as available." }),
    revisionHistoryLimit: int32(6, { optional: true, default: 10, min: 0, doc: "How many old revisions are kept." }),
  },
  { openapi: "io.k8s.api.apps.v1.DaemonSetSpec" },
);
export interface DaemonSetSpec extends Infer<typeof DaemonSetSpec> {}

export const DaemonSetCondition = message(
  "DaemonSetCondition",
  {
    type: string(1, { always: true, required: true, doc: "What the condition tells." }),
    status: string(2, { always: true, required: true, doc: "True, False or Unknown." }),
    lastTransitionTime: time(3, { doc: "When the status last changed." }),
    reason: string(4, { doc: "Why, in one word." }),
    message: string(5, { doc: "Why, for people." }),
  },
  { openapi: "io.k8s.api.apps.v1.DaemonSetCondition" },
);
export interface DaemonSetCondition extends Infer<typeof DaemonSetCondition> {}

export const DaemonSetStatus = message(
  "DaemonSetStatus",
  {
    currentNumberScheduled: int32(1, { always: true, required: true, doc: "Nodes that run the Pod and should." }),
    numberMisscheduled: int32(2, { always: true, required: true, doc: "Nodes that run the Pod and should not." }),
    desiredNumberScheduled: int32(3, { always: true, required: true, doc: "Nodes that should run the Pod." }),
    numberReady: int32(4, { always: true, required: true, doc: "Nodes whose Pod is ready." }),
    observedGeneration: int64(5, { doc: "Generation of the spec this status tells of." }),
    updatedNumberScheduled: int32(6, { doc: "Nodes whose Pod is of the current template." }),
    numberAvailable: int32(7, { doc: "Nodes whose Pod is available." }),
    numberUnavailable: int32(8, { doc: "Nodes that should have an available Pod and have none." }),
    collisionCount: int32(9, { optional: true, doc: "How often the hash in the name of a revision was taken already." }),
    conditions: list(10, (): Type<DaemonSetCondition> => DaemonSetCondition, {
      list: "map",
      keys: ["type"],
      patch: "merge",
      mergeKey: "type",
      doc: "What is true of the DaemonSet now.",
    }),
  },
  { openapi: "io.k8s.api.apps.v1.DaemonSetStatus" },
);
export interface DaemonSetStatus extends Infer<typeof DaemonSetStatus> {}

export interface DaemonSet extends ObjectOf<typeof DaemonSetSpec, typeof DaemonSetStatus, {}> {}
export const DaemonSet = kind({
  group: "apps",
  version: "v1",
  name: "DaemonSet",
  plural: "daemonsets",
  doc: "Keeps one Pod running on every Node that is meant.",
  scope: "namespaced",
  validate: daemonSetErrors,
  shortNames: ["ds"],
  categories: ["all"],
  columns: [
    nameColumn,
    { name: "Desired", type: "integer", doc: "Nodes that should run the Pod.", read: ({ status }) => status.desiredNumberScheduled },
    { name: "Current", type: "integer", doc: "Nodes that run the Pod and should.", read: ({ status }) => status.currentNumberScheduled },
    { name: "Ready", type: "integer", doc: "Nodes whose Pod is ready.", read: ({ status }) => status.numberReady },
    {
      name: "Up-to-date",
      type: "integer",
      doc: "Nodes whose Pod is of the current template.",
      read: ({ status }) => status.updatedNumberScheduled ?? 0,
    },
    {
      name: "Available",
      type: "integer",
      doc: "Nodes whose Pod has been ready long enough.",
      read: ({ status }) => status.numberAvailable ?? 0,
    },
    { name: "Node Selector", doc: "Labels of the Nodes it is for.", read: ({ spec }) => formatLabels(spec.template.spec.nodeSelector) },
    ageColumn,
    ...templateColumns,
  ],
  openapi: "io.k8s.api.apps.v1.DaemonSet",
  spec: DaemonSetSpec,
  status: DaemonSetStatus,
  subresources: { status: true },
  default: (daemonSet) => withCompleteTemplate(withRollingUpdate(daemonSet)),
});

function withRollingUpdate(daemonSet: DaemonSet): DaemonSet {
  const { updateStrategy } = daemonSet.spec;
  if (updateStrategy.type !== "RollingUpdate" || updateStrategy.rollingUpdate !== undefined) return daemonSet;
  const rollingUpdate = { maxUnavailable: 1, maxSurge: 0 };
  return { ...daemonSet, spec: { ...daemonSet.spec, updateStrategy: { ...updateStrategy, rollingUpdate } } };
}
