// Volumes and claims are born with the finalizer that holds them while they are used.
import { claimFinalizer, volumeFinalizer } from "#api/core/persistent-volume/volume-binding.ts";
import { admissionPlugin } from "../plugin.ts";

export const storageObjectInUseProtection = admissionPlugin({
  name: "StorageObjectInUseProtection",
  operations: ["CREATE"],
  resources: ["persistentvolumeclaims", "persistentvolumes"],
  mutate({ object, resource, subresource }) {
    if (!object || subresource !== "") return undefined;
    const finalizer = resource === "persistentvolumes" ? volumeFinalizer : claimFinalizer;
    const { finalizers = [] } = object.metadata;
    if (finalizers.includes(finalizer)) return undefined;
    return { ...object, metadata: { ...object.metadata, finalizers: [...finalizers, finalizer] } };
  },
});
