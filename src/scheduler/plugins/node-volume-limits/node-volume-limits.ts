// A Node has no more volumes of a CSI driver than the driver says it can.
import { CSINode } from "#api/storage.k8s.io/csi-node/csi-node.ts";
import { storageClassOf } from "#api/core/persistent-volume/access-modes.ts";
import { PersistentVolumeClaim } from "#api/core/persistent-volume-claim/persistent-volume-claim.ts";
import { claimsOf } from "#api/core/pod/claims.ts";
import { Pod } from "#api/core/pod/pod.ts";
import type { ClusterVolumes } from "#scheduler/cluster-volumes.ts";
import { fits, plugin, refused, when } from "#scheduler/plugin.ts";

export const nodeVolumeLimits = plugin({
  name: "NodeVolumeLimits",
  wakes: [
    when(CSINode, "added"),
    when(CSINode, "changed"),
    when(Pod, "deleted", (_, gone) => claimsOf(gone).length > 0),
    when(PersistentVolumeClaim, "changed"),
  ],
  filter(pod, { node, pods }, _needs, volumes) {
    const wanted = volumesOf(pod, volumes);
    if (wanted.size === 0) return fits;
    const { drivers = [] } = volumes.csiNode(node.metadata.name)?.spec ?? {};
    const limits = new Map(
      drivers.flatMap(({ name, allocatable }) => (allocatable?.count === undefined ? [] : [[name, allocatable.count]])),
    );
    if (![...wanted.values()].some((driver) => limits.has(driver))) return fits;
    const all = new Map(wanted);
    for (const other of pods.values()) for (const [volume, driver] of volumesOf(other, volumes)) all.set(volume, driver);
    for (const driver of new Set(wanted.values())) {
      const count = [...all.values()].filter((one) => one === driver).length;
      if (count > (limits.get(driver) ?? Number.POSITIVE_INFINITY)) return refused("node(s) exceed max volume count");
    }
    return fits;
  },
});

/** The driver of each CSI volume that the Pod uses, or will: one that is not bound counts by its claim. */
function volumesOf(pod: Pod, volumes: ClusterVolumes): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const { claimName } of claimsOf(pod)) {
    const claim = volumes.claim(pod.metadata.namespace ?? "", claimName);
    if (!claim) continue;
    const volume = volumes.volume(claim.spec.volumeName ?? "");
    if (volume?.spec.csi) found.set(`${volume.spec.csi.driver}/${volume.spec.csi.volumeHandle}`, volume.spec.csi.driver);
    else if (!volume) {
      const provisioner = volumes.storageClass(storageClassOf(claim))?.provisioner;
      if (provisioner) found.set(`${pod.metadata.namespace}/${claimName}`, provisioner);
    }
  }
  return found;
}
