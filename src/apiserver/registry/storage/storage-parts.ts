// What is special about volumes and claims: a volume's phase carries the time since when it holds; what is deleted is answered.
import { PersistentVolume } from "#api/core/persistent-volume/persistent-volume.ts";
import { PersistentVolumeClaim } from "#api/core/persistent-volume-claim/persistent-volume-claim.ts";
import { CSIDriver } from "#api/storage.k8s.io/csi-driver/csi-driver.ts";
import { CSINode } from "#api/storage.k8s.io/csi-node/csi-node.ts";
import { StorageClass } from "#api/storage.k8s.io/storage-class/storage-class.ts";
import { VolumeAttachment } from "#api/storage.k8s.io/volume-attachment/volume-attachment.ts";
import { VolumeAttributesClass } from "#api/storage.k8s.io/volume-attributes-class/volume-attributes-class.ts";
import type { World } from "#platform/world.ts";
import { formatTime } from "#schema/time.ts";
import { type ResourcePart, resourcePart } from "../resource.ts";

export const storageParts: readonly ResourcePart[] = [
  resourcePart<PersistentVolume>({
    kind: PersistentVolume,
    returnsDeleted: true,
    hooks: {
      beforeCreate: (volume, { world }) => sinceNow(volume, world),
      beforeUpdate: (volume, old, { world, subresource }) =>
        subresource === "status" && volume.status.phase !== old.status.phase ? sinceNow(volume, world) : volume,
    },
  }),
  resourcePart({ kind: PersistentVolumeClaim, returnsDeleted: true }),
  resourcePart({ kind: StorageClass, returnsDeleted: true }),
  resourcePart({ kind: CSIDriver, returnsDeleted: true }),
  resourcePart({ kind: CSINode, returnsDeleted: true }),
  resourcePart({ kind: VolumeAttachment, returnsDeleted: true }),
  resourcePart({ kind: VolumeAttributesClass, returnsDeleted: true }),
];

function sinceNow(volume: PersistentVolume, { clock }: World): PersistentVolume {
  return { ...volume, status: { ...volume.status, lastPhaseTransitionTime: formatTime(clock.now()) } };
}
