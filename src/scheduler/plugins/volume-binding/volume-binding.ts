// A Pod goes where its volumes are, or can be: bound ones say from which Nodes they are reached, others are found or made for the Node.
import { CSIDriver } from "#api/storage.k8s.io/csi-driver/csi-driver.ts";
import { CSIStorageCapacity } from "#api/storage.k8s.io/csi-storage-capacity/csi-storage-capacity.ts";
import { StorageClass } from "#api/storage.k8s.io/storage-class/storage-class.ts";
import { Node } from "#api/core/node/node.ts";
import { PersistentVolume } from "#api/core/persistent-volume/persistent-volume.ts";
import { storageClassOf } from "#api/core/persistent-volume/access-modes.ts";
import { isFullyBound, marks, noProvisioner, reachesNode, requestedSize } from "#api/core/persistent-volume/volume-binding.ts";
import { PersistentVolumeClaim } from "#api/core/persistent-volume-claim/persistent-volume-claim.ts";
import { claimsOf } from "#api/core/pod/claims.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import { controllerOf } from "#api/meta/owner.ts";
import { selects } from "#api/meta/selects.ts";
import { compareQuantities } from "#schema/quantity.ts";
import type { ClusterVolumes } from "#scheduler/cluster-volumes.ts";
import { fits, plugin, refused, unresolvable, type Verdict, when } from "#scheduler/plugin.ts";

const usesClaim = (pod: Pod, { metadata }: PersistentVolumeClaim) =>
  pod.metadata.namespace === metadata.namespace && claimsOf(pod).some(({ claimName }) => claimName === metadata.name);

export const volumeBinding = plugin({
  name: "VolumeBinding",
  wakes: [
    when(PersistentVolumeClaim, "added", usesClaim),
    when(PersistentVolumeClaim, "changed", usesClaim),
    when(PersistentVolume, "added"),
    when(PersistentVolume, "changed"),
    when(StorageClass, "added"),
    when(StorageClass, "changed"),
    when(CSIDriver, "changed"),
    when(CSIStorageCapacity, "added"),
    when(CSIStorageCapacity, "changed"),
    when(Node, "added"),
    when(Node, "changed"),
  ],
  admits: (pod, volumes) => admits(pod, volumes),
  filter(pod, { node }, _needs, volumes) {
    const reasons = new Set<string>();
    const taken = new Set<string>();
    for (const { claimName } of claimsOf(pod)) {
      const claim = volumes.claim(pod.metadata.namespace ?? "", claimName);
      if (claim) for (const reason of conflicts(claim, { pod, node, volumes, taken })) reasons.add(reason);
    }
    return reasons.size === 0 ? fits : unresolvable(...[...reasons].sort());
  },
});

/** What no Node can help. */
function admits(pod: Pod, volumes: ClusterVolumes): Verdict {
  for (const { claimName, isEphemeral } of claimsOf(pod)) {
    const claim = volumes.claim(pod.metadata.namespace ?? "", claimName);
    if (!claim) {
      return unresolvable(
        isEphemeral
          ? `waiting for ephemeral volume controller to create the persistentvolumeclaim ${JSON.stringify(claimName)}`
          : `persistentvolumeclaim ${JSON.stringify(claimName)} not found`,
      );
    }
    if (claim.metadata.deletionTimestamp) return unresolvable(`persistentvolumeclaim ${JSON.stringify(claimName)} is being deleted`);
    if (isEphemeral && controllerOf(claim)?.uid !== pod.metadata.uid)
      return refused(
        `PVC ${pod.metadata.namespace}/${claimName} was not created for pod ${pod.metadata.namespace}/${pod.metadata.name} (pod is not owner)`,
      );
    if (claim.status.phase === "Lost")
      return unresolvable(
        `persistentvolumeclaim ${JSON.stringify(claimName)} bound to non-existent persistentvolume ${JSON.stringify(claim.spec.volumeName ?? "")}`,
      );
    if (isFullyBound(claim)) continue;
    const storageClass = volumes.storageClass(storageClassOf(claim));
    if (claim.spec.volumeName || storageClass?.volumeBindingMode !== "WaitForFirstConsumer")
      return unresolvable("pod has unbound immediate PersistentVolumeClaims");
  }
  return fits;
}

interface Place {
  readonly pod: Pod;
  readonly node: Node;
  readonly volumes: ClusterVolumes;
  /** Names of volumes that the Pod's other claims get. */
  readonly taken: Set<string>;
}

function conflicts(claim: PersistentVolumeClaim, { pod, node, volumes, taken }: Place): readonly string[] {
  if (isFullyBound(claim)) {
    const volume = volumes.volume(claim.spec.volumeName ?? "");
    if (!volume) return ["node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s)"];
    return reachesNode(volume, node) ? [] : ["node(s) didn't match PersistentVolume's node affinity"];
  }
  const selected = claim.metadata.annotations?.[marks.selectedNode];
  const none = "node(s) didn't find available persistent volumes to bind";
  if (selected !== undefined) return selected === node.metadata.name ? [] : [none];
  const found = volumes.volumeFor(claim, pod, node, taken);
  if (found) {
    taken.add(found.metadata.name);
    return [];
  }
  const storageClass = volumes.storageClass(storageClassOf(claim));
  if (!storageClass || storageClass.provisioner === "" || storageClass.provisioner === noProvisioner) return [none];
  if (!isAllowedOn(storageClass, node)) return [none];
  return hasRoom(claim, storageClass, node, volumes) ? [] : ["node(s) did not have enough free storage"];
}

/** Whether the class lets volumes be made on the Node. */
function isAllowedOn({ allowedTopologies = [] }: StorageClass, { metadata: { labels = {} } }: Node): boolean {
  if (allowedTopologies.length === 0) return true;
  return allowedTopologies.some(({ matchLabelExpressions = [] }) =>
    matchLabelExpressions.every(({ key, values }) => Object.hasOwn(labels, key) && values.includes(labels[key] as string)),
  );
}

/** Whether the driver says that there is room, where it tells at all. */
function hasRoom(claim: PersistentVolumeClaim, storageClass: StorageClass, { metadata }: Node, volumes: ClusterVolumes): boolean {
  if (!volumes.driver(storageClass.provisioner)?.spec.storageCapacity) return true;
  const size = requestedSize(claim);
  return volumes
    .capacities()
    .some(
      ({ storageClassName, nodeTopology, capacity, maximumVolumeSize }) =>
        storageClassName === storageClass.metadata.name &&
        compareQuantities(maximumVolumeSize ?? capacity ?? "0", size) >= 0 &&
        nodeTopology !== undefined &&
        selects(nodeTopology, metadata.labels),
    );
}
