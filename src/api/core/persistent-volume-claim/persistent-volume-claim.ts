import { bool, list, map, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { TypedLocalObjectReference, TypedObjectReference } from "#api/core/reference.ts";
import { LabelSelector } from "#api/meta/label-selector.ts";
import { ObjectMeta } from "#schema/object-meta.ts";

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
