import { kind, type ObjectOf } from "#schema/kind.ts";
import { bool, int32, int64, intOrString, list, one, string, time } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { PodTemplateSpec } from "#api/core/pod/pod-template.ts";
import { LabelSelector } from "#api/meta/label-selector.ts";
import { withCompleteTemplate } from "#api/core/pod/pod-defaults.ts";
import { ageColumn, nameColumn, templateColumns } from "#api/meta/columns.ts";
import { deploymentErrors } from "./deployment-rules.ts";

export const RollingUpdateDeployment = message(
  "RollingUpdateDeployment",
  {
    maxUnavailable: intOrString(1, { optional: true, default: "25%", doc: "How many Pods may be missing during an update." }),
    maxSurge: intOrString(2, { optional: true, default: "25%", doc: "How many Pods there may be too many during an update." }),
  },
  { openapi: "io.k8s.api.apps.v1.RollingUpdateDeployment" },
);
export interface RollingUpdateDeployment extends Infer<typeof RollingUpdateDeployment> {}

export const DeploymentStrategy = message(
  "DeploymentStrategy",
  {
    type: string(1, { default: "RollingUpdate", enum: ["Recreate", "RollingUpdate"], doc: "RollingUpdate or Recreate." }),
    rollingUpdate: one(2, (): Type<RollingUpdateDeployment> => RollingUpdateDeployment, {
      optional: true,
      doc: "Settings of a rolling update.",
    }),
  },
  { openapi: "io.k8s.api.apps.v1.DeploymentStrategy" },
);
export interface DeploymentStrategy extends Infer<typeof DeploymentStrategy> {}

export const DeploymentSpec = message(
  "DeploymentSpec",
  {
    replicas: int32(1, { optional: true, default: 1, min: 0, doc: "How many Pods should run." }),
    selector: one(2, (): Type<LabelSelector> => LabelSelector, {
      optional: true,
      required: true,
      immutable: true,
      doc: "Which Pods belong to it.",
    }),
    template: one(3, (): Type<PodTemplateSpec> => PodTemplateSpec, { required: true, doc: "What the Pods should be." }),
    strategy: one(4, (): Type<DeploymentStrategy> => DeploymentStrategy, {
      patch: "retainKeys",
      doc: "How Pods are replaced when the template changes.",
    }),
    minReadySeconds: int32(5, { min: 0, doc: "Seconds a Pod must have been ready to count as available." }),
    revisionHistoryLimit: int32(6, { optional: true, default: 10, min: 0, doc: "How many old ReplicaSets are kept to go back to." }),
    paused: bool(7, { doc: "Whether changes of the template wait." }),
    progressDeadlineSeconds: int32(9, {
      optional: true,
      default: 600,
      min: 0,
      doc: "Seconds without progress after which an update counts as failed.",
    }),
  },
  { openapi: "io.k8s.api.apps.v1.DeploymentSpec" },
);
export interface DeploymentSpec extends Infer<typeof DeploymentSpec> {}

export const DeploymentCondition = message(
  "DeploymentCondition",
  {
    type: string(1, { always: true, required: true, doc: "What the condition tells: Available, Progressing or ReplicaFailure." }),
    status: string(2, { always: true, required: true, doc: "True, False or Unknown." }),
    reason: string(4, { doc: "Why, in one word." }),
    message: string(5, { doc: "Why, for people." }),
    lastUpdateTime: time(6, { doc: "When the condition last changed in any way." }),
    lastTransitionTime: time(7, { doc: "When the status last changed." }),
  },
  { openapi: "io.k8s.api.apps.v1.DeploymentCondition" },
);
export interface DeploymentCondition extends Infer<typeof DeploymentCondition> {}

export const DeploymentStatus = message(
  "DeploymentStatus",
  {
    observedGeneration: int64(1, { doc: "Generation of the spec this status tells of." }),
    replicas: int32(2, { doc: "How many Pods there are." }),
    updatedReplicas: int32(3, { doc: "How many Pods are of the current template." }),
    availableReplicas: int32(4, { doc: "How many Pods are available." }),
    unavailableReplicas: int32(5, { doc: "How many Pods are missing until all are available." }),
    conditions: list(6, (): Type<DeploymentCondition> => DeploymentCondition, {
      list: "map",
      keys: ["type"],
      patch: "merge",
      mergeKey: "type",
      doc: "What is true of the Deployment now.",
    }),
    readyReplicas: int32(7, { doc: "How many Pods are ready." }),
    collisionCount: int32(8, { optional: true, doc: "How often the hash in the name of a ReplicaSet was taken already." }),
    terminatingReplicas: int32(9, { optional: true, doc: "How many Pods are ending." }),
  },
  { openapi: "io.k8s.api.apps.v1.DeploymentStatus" },
);
export interface DeploymentStatus extends Infer<typeof DeploymentStatus> {}

export interface Deployment extends ObjectOf<typeof DeploymentSpec, typeof DeploymentStatus, {}> {}
export const Deployment = kind({
  group: "apps",
  version: "v1",
  name: "Deployment",
  plural: "deployments",
  doc: "Keeps a number of Pods running, and replaces them step by step when the template changes.",
  scope: "namespaced",
  validate: deploymentErrors,
  shortNames: ["deploy"],
  categories: ["all"],
  columns: [
    nameColumn,
    { name: "Ready", doc: "Ready Pods of wanted Pods.", read: ({ spec, status }) => `${status.readyReplicas ?? 0}/${spec.replicas}` },
    { name: "Up-to-date", doc: "Pods of the current template.", read: ({ status }) => status.updatedReplicas ?? 0 },
    { name: "Available", doc: "Pods that have been ready long enough.", read: ({ status }) => status.availableReplicas ?? 0 },
    ageColumn,
    ...templateColumns,
  ],
  openapi: "io.k8s.api.apps.v1.Deployment",
  spec: DeploymentSpec,
  status: DeploymentStatus,
  subresources: { status: true, scale: { replicas: "spec.replicas", current: "status.replicas", selector: "spec.selector" } },
  default: (deployment) => withCompleteTemplate(withRollingUpdate(deployment)),
});

function withRollingUpdate(deployment: Deployment): Deployment {
  const { strategy } = deployment.spec;
  if (strategy.type !== "RollingUpdate" || strategy.rollingUpdate !== undefined) return deployment;
  const rollingUpdate = { maxUnavailable: "25%", maxSurge: "25%" };
  return { ...deployment, spec: { ...deployment.spec, strategy: { ...strategy, rollingUpdate } } };
}
