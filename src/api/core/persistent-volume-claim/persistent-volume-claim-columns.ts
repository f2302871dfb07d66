// How tables show a PersistentVolumeClaim: what it has, once it is bound.
import type { Column } from "#schema/kind.ts";
import { ageColumn, nameColumn } from "#api/meta/columns.ts";
import { accessModesText, storageClassOf } from "#api/core/persistent-volume/access-modes.ts";
import type { PersistentVolumeClaim } from "./persistent-volume-claim.ts";

export const persistentVolumeClaimColumns: readonly Column<PersistentVolumeClaim>[] = [
  nameColumn,
  {
    name: "Status",
    doc: "Its phase.",
    read: ({ metadata, status }) => (metadata.deletionTimestamp ? "Terminating" : status.phase),
  },
  { name: "Volume", doc: "The volume it is bound to.", read: ({ spec }) => spec.volumeName ?? "" },
  {
    name: "Capacity",
    doc: "How large the volume is.",
    read: ({ spec, status }) => (spec.volumeName ? (status.capacity?.["storage"] ?? "0") : ""),
  },
  {
    name: "Access Modes",
    doc: "How the volume can be mounted.",
    read: ({ spec, status }) => (spec.volumeName ? accessModesText(status.accessModes) : ""),
  },
  { name: "StorageClass", doc: "StorageClass the volume comes from.", read: storageClassOf },
  {
    name: "VolumeAttributesClass",
    doc: "VolumeAttributesClass of the volume.",
    read: ({ spec }) => spec.volumeAttributesClassName ?? "<unset>",
  },
  ageColumn,
  { name: "VolumeMode", priority: 1, doc: "Filesystem or Block.", read: ({ spec }) => spec.volumeMode ?? "<unset>" },
];
