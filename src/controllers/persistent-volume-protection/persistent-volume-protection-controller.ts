// A volume that somebody deletes stays while a claim is bound to it.
import { PersistentVolume } from "#api/core/persistent-volume/persistent-volume.ts";
import { volumeFinalizer } from "#api/core/persistent-volume/volume-binding.ts";
import { controller, may, type Step } from "../controller.ts";
import { withFinalizer, withoutFinalizer } from "../finalizers.ts";

export const persistentVolumeProtectionController = controller({
  name: "persistentvolume-protection-controller",
  for: PersistentVolume,
  writes: [may(PersistentVolume, "update", "patch")],
  decide,
});

export function decide({ object: volume }: { readonly object: PersistentVolume }): readonly Step[] {
  if (!volume.metadata.deletionTimestamp) return withFinalizer(PersistentVolume, volume, volumeFinalizer);
  return volume.status.phase === "Bound" ? [] : withoutFinalizer(PersistentVolume, volume, volumeFinalizer);
}
