// How tables show a PersistentVolume.
import type { Column } from "#schema/kind.ts";
import { ageColumn, nameColumn } from "#api/meta/columns.ts";
import { accessModesText, storageClassOf } from "./access-modes.ts";
import type { PersistentVolume } from "./persistent-volume.ts";

export const persistentVolumeColumns: readonly Column<PersistentVolume>[] = [
  nameColumn,
  { name: "Capacity", doc: "How large it is.", read: ({ spec }) => spec.capacity?.["storage"] ?? "0" },
  { name: "Access Modes", doc: "How it can be mounted.", read: ({ spec }) => accessModesText(spec.accessModes) },
  { name: "Reclaim Policy", doc: "What becomes of it when its claim goes.", read: ({ spec }) => spec.persistentVolumeReclaimPolicy },
  {
    name: "Status",
    doc: "Its phase.",
    read: ({ metadata, status }) => (metadata.deletionTimestamp ? "Terminating" : status.phase),
  },
  {
    name: "Claim",
    doc: "The claim it is bound to.",
    read: ({ spec: { claimRef } }) => (claimRef ? `${claimRef.namespace ?? ""}/${claimRef.name ?? ""}` : ""),
  },
  { name: "StorageClass", doc: "StorageClass it belongs to.", read: storageClassOf },
  {
    name: "VolumeAttributesClass",
    doc: "VolumeAttributesClass of it.",
    read: ({ spec }) => spec.volumeAttributesClassName ?? "<unset>",
  },
  { name: "Reason", doc: "Why it is in its phase.", read: ({ status }) => status.reason ?? "" },
  ageColumn,
  { name: "VolumeMode", priority: 1, doc: "Filesystem or Block.", read: ({ spec }) => spec.volumeMode ?? "<unset>" },
];
