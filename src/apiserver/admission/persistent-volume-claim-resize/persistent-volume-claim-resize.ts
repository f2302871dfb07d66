// Claims may ask for more only where somebody can give it: bound to a volume made on demand, of a class that lets volumes grow.
import { storageClassOf } from "#api/core/persistent-volume/access-modes.ts";
import { requestedSize } from "#api/core/persistent-volume/volume-binding.ts";
import { PersistentVolumeClaim } from "#api/core/persistent-volume-claim/persistent-volume-claim.ts";
import { StorageClass } from "#api/storage.k8s.io/storage-class/storage-class.ts";
import { compareQuantities } from "#schema/quantity.ts";
import { forbidden } from "../../registry/errors.ts";
import { lookUp } from "../newest.ts";
import { admissionPlugin } from "../plugin.ts";

export const persistentVolumeClaimResize = admissionPlugin({
  name: "PersistentVolumeClaimResize",
  operations: ["UPDATE"],
  resources: ["persistentvolumeclaims"],
  async validate(request, needs) {
    if (request.subresource !== "") return;
    const claim = request.object as PersistentVolumeClaim;
    const old = request.old as PersistentVolumeClaim;
    if (compareQuantities(requestedSize(claim), requestedSize(old)) <= 0) return;
    if (old.status.phase !== "Bound")
      throw forbidden(PersistentVolumeClaim, request.name, "Only bound persistent volume claims can be expanded");
    const className = storageClassOf(claim);
    const storageClass = className === "" ? undefined : await lookUp(needs, StorageClass, "", className);
    if (storageClass?.allowVolumeExpansion) return;
    const why = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize";
    throw forbidden(PersistentVolumeClaim, request.name, why);
  },
});
