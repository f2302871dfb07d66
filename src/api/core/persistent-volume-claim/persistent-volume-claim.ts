import { bool, list, map, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { TypedLocalObjectReference, TypedObjectReference } from "#api/core/reference.ts";
import { LabelSelector } from "#api/meta/label-selector.ts";
import { ObjectMeta } from "#schema/object-meta.ts";

export const VolumeResourceRequirements = message(
  "VolumeResourceRequirements",
  {
    limits: map(1, "quantity"),
    requests: map(2, "quantity"),
  },
  { openapi: "io.k8s.api.core.v1.VolumeResourceRequirements" },
);
export interface VolumeResourceRequirements extends Infer<typeof VolumeResourceRequirements> {}

export const PersistentVolumeClaimSpec = message(
  "PersistentVolumeClaimSpec",
  {
    accessModes: list(1, "string", { list: "atomic" }),
    resources: one(2, (): Type<VolumeResourceRequirements> => VolumeResourceRequirements),
    volumeName: string(3),
    selector: one(4, (): Type<LabelSelector> => LabelSelector, { optional: true }),
    storageClassName: string(5, { optional: true }),
    volumeMode: string(6, { optional: true, default: "Filesystem", enum: ["Block", "Filesystem"] }),
    dataSource: one(7, (): Type<TypedLocalObjectReference> => TypedLocalObjectReference, { optional: true }),
    dataSourceRef: one(8, (): Type<TypedObjectReference> => TypedObjectReference, { optional: true }),
    volumeAttributesClassName: string(9, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.PersistentVolumeClaimSpec" },
);
export interface PersistentVolumeClaimSpec extends Infer<typeof PersistentVolumeClaimSpec> {}

export const PersistentVolumeClaimTemplate = message(
  "PersistentVolumeClaimTemplate",
  {
    metadata: one(1, (): Type<ObjectMeta> => ObjectMeta),
    spec: one(2, (): Type<PersistentVolumeClaimSpec> => PersistentVolumeClaimSpec, { required: true }),
  },
  { openapi: "io.k8s.api.core.v1.PersistentVolumeClaimTemplate" },
);
export interface PersistentVolumeClaimTemplate extends Infer<typeof PersistentVolumeClaimTemplate> {}

export const PersistentVolumeClaimVolumeSource = message(
  "PersistentVolumeClaimVolumeSource",
  {
    claimName: string(1, { always: true, required: true }),
    readOnly: bool(2),
  },
  { openapi: "io.k8s.api.core.v1.PersistentVolumeClaimVolumeSource" },
);
export interface PersistentVolumeClaimVolumeSource extends Infer<typeof PersistentVolumeClaimVolumeSource> {}
