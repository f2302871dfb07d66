import { kind, type ObjectOf } from "#schema/kind.ts";
import { bool, list, map, one, string, time } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { TypedLocalObjectReference, TypedObjectReference } from "#api/core/reference.ts";
import { LabelSelector } from "#api/meta/label-selector.ts";
import { ObjectMeta } from "#schema/object-meta.ts";
import { persistentVolumeClaimColumns } from "./persistent-volume-claim-columns.ts";
import { persistentVolumeClaimErrors } from "./persistent-volume-claim-rules.ts";
import { preparePersistentVolumeClaim } from "./persistent-volume-claim-strategy.ts";

export const VolumeResourceRequirements = message(
  "VolumeResourceRequirements",
  {
    limits: map(1, "quantity", { doc: "The most the volume may have." }),
    requests: map(2, "quantity", { doc: "The least the volume must have." }),
  },
  { openapi: "io.k8s.api.core.v1.VolumeResourceRequirements" },
);
export interface VolumeResourceRequirements extends Infer<typeof VolumeResourceRequirements> {}

export const PersistentVolumeClaimSpec = message(
  "PersistentVolumeClaimSpec",
  {
    accessModes: list(1, "string", { list: "atomic", doc: "How the volume is to be mounted." }),
    resources: one(2, (): Type<VolumeResourceRequirements> => VolumeResourceRequirements, { doc: "How large the volume must be." }),
    volumeName: string(3, { doc: "Volume that the claim is bound to." }),
    selector: one(4, (): Type<LabelSelector> => LabelSelector, { optional: true, doc: "Which volumes may be bound." }),
    storageClassName: string(5, { optional: true, doc: "StorageClass the volume comes from." }),
    volumeMode: string(6, { optional: true, default: "Filesystem", enum: ["Block", "Filesystem"], doc: "Filesystem or Block." }),
    dataSource: one(7, (): Type<TypedLocalObjectReference> => TypedLocalObjectReference, {
      optional: true,
      doc: "What the volume is filled from.",
    }),
    dataSourceRef: one(8, (): Type<TypedObjectReference> => TypedObjectReference, {
      optional: true,
      doc: "What the volume is filled from, of any kind.",
    }),
    volumeAttributesClassName: string(9, { optional: true, doc: "VolumeAttributesClass of the volume." }),
  },
  { openapi: "io.k8s.api.core.v1.PersistentVolumeClaimSpec" },
);
export interface PersistentVolumeClaimSpec extends Infer<typeof PersistentVolumeClaimSpec> {}

export const PersistentVolumeClaimTemplate = message(
  "PersistentVolumeClaimTemplate",
  {
    metadata: one(1, (): Type<ObjectMeta> => ObjectMeta, { doc: "Labels and annotations of the claim." }),
    spec: one(2, (): Type<PersistentVolumeClaimSpec> => PersistentVolumeClaimSpec, { required: true, doc: "What the claim asks for." }),
  },
  { openapi: "io.k8s.api.core.v1.PersistentVolumeClaimTemplate" },
);
export interface PersistentVolumeClaimTemplate extends Infer<typeof PersistentVolumeClaimTemplate> {}

export const PersistentVolumeClaimVolumeSource = message(
  "PersistentVolumeClaimVolumeSource",
  {
    claimName: string(1, { always: true, required: true, doc: "Name of the claim, in the Pod's namespace." }),
    readOnly: bool(2, { doc: "Whether the volume is mounted read-only." }),
  },
  { openapi: "io.k8s.api.core.v1.PersistentVolumeClaimVolumeSource" },
);
export interface PersistentVolumeClaimVolumeSource extends Infer<typeof PersistentVolumeClaimVolumeSource> {}

export const PersistentVolumeClaimCondition = message(
  "PersistentVolumeClaimCondition",
  {
    type: string(1, { always: true, required: true, doc: "Name of the condition." }),
    status: string(2, { always: true, required: true, doc: "True, False or Unknown." }),
    lastProbeTime: time(3, { doc: "When it was last looked at." }),
    lastTransitionTime: time(4, { doc: "When the status last changed." }),
    reason: string(5, { doc: "Why, in one word." }),
    message: string(6, { doc: "Why, for people." }),
  },
  { openapi: "io.k8s.api.core.v1.PersistentVolumeClaimCondition" },
);
export interface PersistentVolumeClaimCondition extends Infer<typeof PersistentVolumeClaimCondition> {}

export const ModifyVolumeStatus = message(
  "ModifyVolumeStatus",
  {
    targetVolumeAttributesClassName: string(1, { doc: "VolumeAttributesClass the volume is being given." }),
    status: string(2, { always: true, required: true, doc: "Pending, InProgress or Infeasible." }),
  },
  { openapi: "io.k8s.api.core.v1.ModifyVolumeStatus" },
);
export interface ModifyVolumeStatus extends Infer<typeof ModifyVolumeStatus> {}

export const PersistentVolumeClaimStatus = message(
  "PersistentVolumeClaimStatus",
  {
    phase: string(1, { default: "Pending", doc: "Pending, Bound or Lost." }),
    accessModes: list(2, "string", { list: "atomic", doc: "How the bound volume can be mounted." }),
    capacity: map(3, "quantity", { doc: "How large the bound volume is." }),
    conditions: list(4, (): Type<PersistentVolumeClaimCondition> => PersistentVolumeClaimCondition, {
      list: "map",
      keys: ["type"],
      patch: "merge",
      mergeKey: "type",
      doc: "What is true of the claim now.",
    }),
    allocatedResources: map(5, "quantity", { doc: "How large the volume is to become." }),
    allocatedResourceStatuses: map(7, "string", { doc: "How far the growing of each resource is." }),
    currentVolumeAttributesClassName: string(8, { optional: true, doc: "VolumeAttributesClass the volume has now." }),
    modifyVolumeStatus: one(9, (): Type<ModifyVolumeStatus> => ModifyVolumeStatus, {
      optional: true,
      doc: "How far the change of the VolumeAttributesClass is.",
    }),
  },
  { openapi: "io.k8s.api.core.v1.PersistentVolumeClaimStatus" },
);
export interface PersistentVolumeClaimStatus extends Infer<typeof PersistentVolumeClaimStatus> {}

export interface PersistentVolumeClaim extends ObjectOf<typeof PersistentVolumeClaimSpec, typeof PersistentVolumeClaimStatus, {}> {}
export const PersistentVolumeClaim = kind({
  group: "",
  version: "v1",
  name: "PersistentVolumeClaim",
  plural: "persistentvolumeclaims",
  doc: "Asks for a volume, and holds it once bound.",
  scope: "namespaced",
  shortNames: ["pvc"],
  counted: false,
  validate: persistentVolumeClaimErrors,
  prepare: preparePersistentVolumeClaim,
  columns: persistentVolumeClaimColumns,
  openapi: "io.k8s.api.core.v1.PersistentVolumeClaim",
  spec: PersistentVolumeClaimSpec,
  status: PersistentVolumeClaimStatus,
  subresources: { status: true },
});
