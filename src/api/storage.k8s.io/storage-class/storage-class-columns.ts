// How tables show a StorageClass, and which one is the default.
import type { Column } from "#schema/kind.ts";
import { ageColumn, nameColumn } from "#api/meta/columns.ts";
import { isDefaultClass } from "./default-class.ts";
import type { StorageClass } from "./storage-class.ts";

export const storageClassColumns: readonly Column<StorageClass>[] = [
  {
    ...nameColumn,
    read: (storageClass) => `${storageClass.metadata.name}${isDefaultClass(storageClass) ? " (default)" : ""}`,
  },
  { name: "Provisioner", doc: "Who makes its volumes.", read: ({ provisioner }) => provisioner },
  { name: "ReclaimPolicy", doc: "What becomes of its volumes when their claims go.", read: ({ reclaimPolicy }) => reclaimPolicy },
  { name: "VolumeBindingMode", doc: "When its volumes are made.", read: ({ volumeBindingMode }) => volumeBindingMode },
  {
    name: "AllowVolumeExpansion",
    doc: "Whether its volumes may grow.",
    read: ({ allowVolumeExpansion }) => allowVolumeExpansion ?? false,
  },
  ageColumn,
];
