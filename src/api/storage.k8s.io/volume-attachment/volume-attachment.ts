import { kind, type ObjectOf } from "#schema/kind.ts";
import { bool, int32, map, one, string, time } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { ageColumn, nameColumn } from "#api/meta/columns.ts";
import { PersistentVolumeSpec } from "#api/core/persistent-volume/persistent-volume.ts";
import { volumeAttachmentErrors } from "./volume-attachment-rules.ts";

export const VolumeAttachmentSource = message(
  "VolumeAttachmentSource",
  {
    persistentVolumeName: string(1, { optional: true, doc: "The PersistentVolume that is attached." }),
    inlineVolumeSpec: one(2, (): Type<PersistentVolumeSpec> => PersistentVolumeSpec, {
      optional: true,
      doc: "A volume that a Pod describes itself, moved to CSI.",
    }),
  },
  { openapi: "io.k8s.api.storage.v1.VolumeAttachmentSource" },
);
export interface VolumeAttachmentSource extends Infer<typeof VolumeAttachmentSource> {}

export const VolumeAttachmentSpec = message(
  "VolumeAttachmentSpec",
  {
    attacher: string(1, { always: true, required: true, doc: "Name of the driver that attaches it." }),
    source: one(2, (): Type<VolumeAttachmentSource> => VolumeAttachmentSource, { required: true, doc: "What is attached." }),
    nodeName: string(3, { always: true, required: true, doc: "The Node it is attached to." }),
  },
  { openapi: "io.k8s.api.storage.v1.VolumeAttachmentSpec" },
);
export interface VolumeAttachmentSpec extends Infer<typeof VolumeAttachmentSpec> {}

export const VolumeError = message(
  "VolumeError",
  {
    time: time(1, { doc: "When it happened." }),
    message: string(2, { doc: "What went wrong." }),
    errorCode: int32(3, { optional: true, doc: "The gRPC code of it." }),
  },
  { openapi: "io.k8s.api.storage.v1.VolumeError" },
);
export interface VolumeError extends Infer<typeof VolumeError> {}

export const VolumeAttachmentStatus = message(
  "VolumeAttachmentStatus",
  {
    attached: bool(1, { always: true, required: true, doc: "Whether the volume is attached." }),
    attachmentMetadata: map(2, "string", { doc: "What the driver said of it, for mounting." }),
    attachError: one(3, (): Type<VolumeError> => VolumeError, { optional: true, doc: "Why attaching failed last." }),
    detachError: one(4, (): Type<VolumeError> => VolumeError, { optional: true, doc: "Why detaching failed last." }),
  },
  { openapi: "io.k8s.api.storage.v1.VolumeAttachmentStatus" },
);
export interface VolumeAttachmentStatus extends Infer<typeof VolumeAttachmentStatus> {}

export interface VolumeAttachment extends ObjectOf<typeof VolumeAttachmentSpec, typeof VolumeAttachmentStatus, {}> {}
export const VolumeAttachment = kind({
  group: "storage.k8s.io",
  version: "v1",
  formerVersions: ["v1beta1"],
  name: "VolumeAttachment",
  plural: "volumeattachments",
  doc: "Asks for a volume to be attached to a Node, and tells whether it is.",
  scope: "cluster",
  counted: false,
  validate: volumeAttachmentErrors,
  columns: [
    nameColumn,
    { name: "Attacher", doc: "Name of the driver that attaches it.", read: ({ spec }) => spec.attacher },
    { name: "PV", doc: "The PersistentVolume that is attached.", read: ({ spec }) => spec.source.persistentVolumeName ?? "" },
    { name: "Node", doc: "The Node it is attached to.", read: ({ spec }) => spec.nodeName },
    { name: "Attached", type: "boolean", doc: "Whether the volume is attached.", read: ({ status }) => status.attached ?? false },
    ageColumn,
  ],
  openapi: "io.k8s.api.storage.v1.VolumeAttachment",
  spec: VolumeAttachmentSpec,
  status: VolumeAttachmentStatus,
  subresources: { status: true },
});
