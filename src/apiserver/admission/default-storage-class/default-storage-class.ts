// A claim that names no class gets the default one.
import { betaStorageClassAnnotation } from "#api/core/persistent-volume/access-modes.ts";
import type { PersistentVolumeClaim } from "#api/core/persistent-volume-claim/persistent-volume-claim.ts";
import { defaultClassOf } from "#api/storage.k8s.io/storage-class/default-class.ts";
import { StorageClass } from "#api/storage.k8s.io/storage-class/storage-class.ts";
import { admissionPlugin } from "../plugin.ts";

export const defaultStorageClass = admissionPlugin({
  name: "DefaultStorageClass",
  operations: ["CREATE"],
  resources: ["persistentvolumeclaims"],
  async mutate(request, { registry }) {
    if (request.subresource !== "") return undefined;
    const claim = request.object as PersistentVolumeClaim;
    const { metadata, spec } = claim;
    if (spec.storageClassName !== undefined || metadata.annotations?.[betaStorageClassAnnotation] !== undefined) return undefined;
    const chosen = defaultClassOf(await registry.of(StorageClass).peekList(""));
    return chosen && ({ ...claim, spec: { ...spec, storageClassName: chosen.metadata.name } } as PersistentVolumeClaim);
  },
});
