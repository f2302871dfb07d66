// From a claim of a Pod to the volume it is bound to, with everything looked at that must be true before it is mounted.
import type { Node } from "#api/core/node/node.ts";
import { PersistentVolume } from "#api/core/persistent-volume/persistent-volume.ts";
import { reachesNode } from "#api/core/persistent-volume/volume-binding.ts";
import { PersistentVolumeClaim } from "#api/core/persistent-volume-claim/persistent-volume-claim.ts";
import { claimsOf } from "#api/core/pod/claims.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import { controllerOf } from "#api/meta/owner.ts";
import type { Client } from "#client/client.ts";
import { namespaceOf } from "../layout.ts";
import { VolumeError } from "./volume-error.ts";

export interface ClaimNeeds {
  readonly client: Client | undefined;
  readonly node: () => Node | undefined;
}

/** The volume behind a volume of the Pod that names a claim. Throws VolumeError in the words of the whole FailedMount event. */
export async function volumeOfClaim({ client, node }: ClaimNeeds, pod: Pod, name: string): Promise<PersistentVolume> {
  const used = claimsOf(pod).find(({ volume }) => volume.name === name);
  if (!client || !used) throw unprocessed(name, "cannot read claims: this node has no API server");
  const namespace = namespaceOf(pod);
  const { claimName, isEphemeral } = used;
  const refuse = (why: string) => unprocessed(name, `error processing PVC ${namespace}/${claimName}: ${why}`);

  const claim = await client.get(PersistentVolumeClaim, { namespace, name: claimName }).catch((error: Error) => {
    throw refuse(`failed to fetch PVC from API server: ${error.message}`);
  });
  if (isEphemeral && controllerOf(claim)?.uid !== pod.metadata.uid)
    throw refuse(`PVC ${namespace}/${claimName} was not created for pod ${namespace}/${pod.metadata.name} (pod is not owner)`);
  if (claim.metadata.deletionTimestamp) throw refuse("PVC is being deleted");
  const { volumeName } = claim.spec;
  if (claim.status.phase !== "Bound" || !volumeName) throw refuse("PVC is not bound");

  const volume = await client.get(PersistentVolume, { name: volumeName }).catch((error: Error) => {
    throw refuse(`failed to fetch PV ${volumeName} from API server: ${error.message}`);
  });
  if (volume.spec.claimRef?.uid !== claim.metadata.uid)
    throw refuse(
      `found PV object ${JSON.stringify(volumeName)} with unexpected ClaimRef.UID ${JSON.stringify(volume.spec.claimRef?.uid ?? "")}`,
    );
  const own = node();
  if (own && !reachesNode(volume, own))
    throw new VolumeError(`MountVolume.NodeAffinity check failed for volume ${JSON.stringify(volumeName)} : no matching NodeSelectorTerms`);
  return volume;
}

function unprocessed(name: string, why: string): VolumeError {
  return new VolumeError(
    `Unable to attach or mount volumes: unmounted volumes=[${name}], unattached volumes=[], failed to process volumes=[${name}]: ${why}`,
  );
}
