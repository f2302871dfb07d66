// Before a Pod is bound to a Node, its claims are bound to volumes there: those that were found are written into the claims' names, the
// others are asked of their provisioners. Then the Pod waits until all are bound.
import { type Scope, ScopeStopped } from "#base/scope.ts";
import { PersistentVolume } from "#api/core/persistent-volume/persistent-volume.ts";
import { isFullyBound, marks } from "#api/core/persistent-volume/volume-binding.ts";
import { PersistentVolumeClaim } from "#api/core/persistent-volume-claim/persistent-volume-claim.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import type { Client } from "#client/client.ts";
import type { World } from "#platform/world.ts";
import type { FollowedVolumes } from "./cluster-volumes.ts";

/** The volumes of a Pod could not be bound; the Pod is decided about anew. */
export class VolumeBindingError extends Error {
  override readonly name = "VolumeBindingError";
}

/** How long a Pod waits for its volumes, as upstream's bindTimeoutSeconds. */
const waitMilliseconds = 600_000;

export interface VolumeBindingNeeds {
  readonly client: Client;
  readonly volumes: FollowedVolumes;
  readonly pod: Pod;
  readonly node: string;
}

export async function bindVolumes(scope: Scope, world: World, { client, volumes, pod, node }: VolumeBindingNeeds): Promise<void> {
  const reservations = volumes.reserved(pod);
  if (reservations.length === 0) return;
  for (const { claim, volume } of reservations) {
    try {
      if (volume) await keepFor(claim, volume);
      else await askFor(claim);
    } catch (error) {
      if (error instanceof ScopeStopped) throw error;
      throw new VolumeBindingError((error as Error).message);
    }
  }
  await allBound();

  async function keepFor({ metadata }: PersistentVolumeClaim, volume: PersistentVolume): Promise<void> {
    if (volume.spec.claimRef?.uid === metadata.uid) return;
    await client.update(PersistentVolume, {
      ...volume,
      metadata: { ...volume.metadata, annotations: { ...volume.metadata.annotations, [marks.boundByController]: "yes" } },
      spec: {
        ...volume.spec,
        claimRef: {
          kind: "PersistentVolumeClaim",
          apiVersion: "v1",
          namespace: metadata.namespace,
          name: metadata.name,
          uid: metadata.uid,
          resourceVersion: metadata.resourceVersion,
        },
      },
    });
  }

  async function askFor(claim: PersistentVolumeClaim): Promise<void> {
    const { metadata } = claim;
    if (metadata.annotations?.[marks.selectedNode] === node) return;
    await client.update(PersistentVolumeClaim, {
      ...claim,
      metadata: { ...metadata, annotations: { ...metadata.annotations, [marks.selectedNode]: node } },
    });
  }

  async function allBound(): Promise<void> {
    const { namespace = "" } = pod.metadata;
    const asked = new Set<string>();
    await new Promise<void>((resolve, reject) => {
      const timer = world.clock.timer(waitMilliseconds, () =>
        finish(() => reject(new VolumeBindingError("timed out waiting for the claims to be bound"))),
      );
      let isOver = false;
      let end = () => {};
      const stopped = () => finish(() => reject(new ScopeStopped("volumes")));
      scope.signal.addEventListener("abort", stopped);
      // Tells of what is there at once.
      end = volumes.onChange(look);
      if (isOver) end();
      else look();

      function look(): void {
        if (isOver) return;
        try {
          if (reservations.every(({ claim: { metadata }, volume }) => isBound(metadata.name, metadata.uid, volume !== undefined)))
            finish(resolve);
        } catch (error) {
          finish(() => reject(error as Error));
        }
      }

      function finish(settle: () => void): void {
        if (isOver) return;
        isOver = true;
        end();
        timer.cancel();
        scope.signal.removeEventListener("abort", stopped);
        settle();
      }
    });

    function isBound(name: string, uid: string, isFound: boolean): boolean {
      const claim = volumes.claim(namespace, name);
      if (claim?.metadata.uid !== uid) throw new VolumeBindingError(`persistentvolumeclaim ${JSON.stringify(name)} not found`);
      if (isFullyBound(claim)) return true;
      if (isFound) return false;
      const selected = claim.metadata.annotations?.[marks.selectedNode];
      // The copy may be older than what was just written.
      if (selected === node) asked.add(uid);
      else if (asked.has(uid)) throw new VolumeBindingError(`provisioning failed for PVC ${JSON.stringify(name)}`);
      return false;
    }
  }
}
