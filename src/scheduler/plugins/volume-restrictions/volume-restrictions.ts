// A claim that only one Pod may use is used by one Pod only.
import { PersistentVolumeClaim } from "#api/core/persistent-volume-claim/persistent-volume-claim.ts";
import { claimsOf } from "#api/core/pod/claims.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { isTerminal } from "#api/core/pod/readiness.ts";
import { fits, plugin, refused, when } from "#scheduler/plugin.ts";

export const volumeRestrictions = plugin({
  name: "VolumeRestrictions",
  wakes: [
    when(Pod, "deleted", (pod, gone) => {
      const used = new Set(claimsOf(gone).map(({ claimName }) => claimName));
      return pod.metadata.namespace === gone.metadata.namespace && claimsOf(pod).some(({ claimName }) => used.has(claimName));
    }),
    when(PersistentVolumeClaim, "added"),
  ],
  filter(pod, _state, _needs, volumes) {
    for (const { claimName } of claimsOf(pod)) {
      const claim = volumes.claim(pod.metadata.namespace ?? "", claimName);
      if (!claim?.spec.accessModes?.includes("ReadWriteOncePod")) continue;
      if (volumes.users(claim).some((other) => other.metadata.uid !== pod.metadata.uid && !isTerminal(other)))
        return refused("node has pod using PersistentVolumeClaim with the same name and ReadWriteOncePod access mode");
    }
    return fits;
  },
});
