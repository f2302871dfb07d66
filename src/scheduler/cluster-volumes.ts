// The claims, volumes and classes of the cluster as plugins see them, ahead of the watch by what was just decided.
//
// Invariant: a volume that was chosen for a claim of a Pod is nobody else's until that Pod is bound or came back.
import { CSIDriver } from "#api/storage.k8s.io/csi-driver/csi-driver.ts";
import { CSINode } from "#api/storage.k8s.io/csi-node/csi-node.ts";
import { CSIStorageCapacity } from "#api/storage.k8s.io/csi-storage-capacity/csi-storage-capacity.ts";
import { StorageClass } from "#api/storage.k8s.io/storage-class/storage-class.ts";
import type { Node } from "#api/core/node/node.ts";
import { PersistentVolume } from "#api/core/persistent-volume/persistent-volume.ts";
import { storageClassOf } from "#api/core/persistent-volume/access-modes.ts";
import { isFullyBound, marks, volumeFor } from "#api/core/persistent-volume/volume-binding.ts";
import { PersistentVolumeClaim } from "#api/core/persistent-volume-claim/persistent-volume-claim.ts";
import { claimsOf } from "#api/core/pod/claims.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { type Change, type Informer, objectKey } from "#client/informer.ts";
import type { Informers } from "#client/informers.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";

export interface ClusterVolumes {
  claim(namespace: string, name: string): PersistentVolumeClaim | undefined;
  volume(name: string): PersistentVolume | undefined;
  storageClass(name: string): StorageClass | undefined;
  driver(name: string): CSIDriver | undefined;
  capacities(): readonly CSIStorageCapacity[];
  /** The volume that is there for a claim of this Pod on this Node; volumes promised to other Pods, and those named, are not. */
  volumeFor(claim: PersistentVolumeClaim, pod: Pod, node: Node, except: ReadonlySet<string>): PersistentVolume | undefined;
  csiNode(name: string): CSINode | undefined;
  /** Pods that have a Node and use the claim. */
  users(claim: PersistentVolumeClaim): readonly Pod[];
}

export interface FollowedVolumes extends ClusterVolumes {
  readonly synced: Promise<unknown>;
  onChange(changed: (kind: Kind, change: Change<KubernetesObject>) => void): () => void;
  /** Keeps the volumes that the Pod's claims will get on the Node. */
  reserve(pod: Pod, node: Node | undefined): void;
  release(pod: Pod): void;
  /** What was reserved: claim and volume. */
  reserved(pod: Pod): readonly Reservation[];
}

export interface Reservation {
  readonly claim: PersistentVolumeClaim;
  /** Absent: it is to be made for the Node. */
  readonly volume: PersistentVolume | undefined;
}

/** Of a cluster without any. */
export const noVolumes: ClusterVolumes = {
  claim: () => undefined,
  volume: () => undefined,
  storageClass: () => undefined,
  driver: () => undefined,
  capacities: () => [],
  volumeFor: () => undefined,
  csiNode: () => undefined,
  users: () => [],
};

const byClass = "by class";
const byClaim = "by claim";

export function followVolumes(informers: Informers): FollowedVolumes {
  const claims = informers.for(PersistentVolumeClaim);
  const volumes = informers.for(PersistentVolume);
  const classes = informers.for(StorageClass);
  const drivers = informers.for(CSIDriver);
  const capacities = informers.for(CSIStorageCapacity);
  const csiNodes = informers.for(CSINode);
  const pods = informers.for(Pod);
  const all: readonly Informer<KubernetesObject>[] = [
    claims,
    volumes,
    classes,
    drivers,
    capacities,
  ] as readonly unknown[] as readonly Informer<KubernetesObject>[];
  volumes.addIndex(byClass, (volume) => [storageClassOf(volume)]);
  pods.addIndex(byClaim, (pod) => claimsOf(pod).map(({ claimName }) => `${pod.metadata.namespace}/${claimName}`));
  /** By the Pod's uid. */
  const reservations = new Map<string, readonly Reservation[]>();
  /** The Pod that a volume is promised to. */
  const promised = new Map<string, string>();

  const view: ClusterVolumes = {
    claim: (namespace, name) => claims.get(`${namespace}/${name}`),
    volume: (name) => volumes.get(name),
    storageClass: (name) => classes.get(name),
    driver: (name) => drivers.get(name),
    capacities: () => capacities.list(),
    volumeFor: (claim, { metadata: { uid } }, node, except) =>
      volumeFor(claim, volumes.byIndex(byClass, storageClassOf(claim)), {
        node,
        isTaken: ({ metadata: { name } }) => except.has(name) || (promised.get(name) ?? uid) !== uid,
      }),
    csiNode: (name) => csiNodes.get(name),
    users: (claim) => pods.byIndex(byClaim, objectKey(claim)).filter(({ spec }) => spec.nodeName),
  };

  return {
    ...view,
    synced: Promise.all(all.map(({ synced }) => synced)),
    onChange(changed) {
      const ends = all.map((informer) => informer.onChange((change) => changed(informer.kind, change)));
      return () => {
        for (const end of ends) end();
      };
    },
    reserve(pod, node) {
      if (!node) return;
      const found: Reservation[] = [];
      for (const { claimName } of claimsOf(pod)) {
        const claim = view.claim(pod.metadata.namespace ?? "", claimName);
        if (!claim || isFullyBound(claim)) continue;
        const isElsewhere = claim.metadata.annotations?.[marks.selectedNode] !== undefined;
        // Two claims of one Pod do not get the same volume.
        const others = new Set(found.flatMap((other) => other.volume?.metadata.name ?? []));
        const volume = isElsewhere ? undefined : view.volumeFor(claim, pod, node, others);
        if (volume) promised.set(volume.metadata.name, pod.metadata.uid);
        found.push({ claim, volume });
      }
      if (found.length > 0) reservations.set(pod.metadata.uid, found);
    },
    release({ metadata }) {
      for (const { volume } of reservations.get(metadata.uid) ?? []) if (volume) promised.delete(volume.metadata.name);
      reservations.delete(metadata.uid);
    },
    reserved: ({ metadata }) => reservations.get(metadata.uid) ?? [],
  };
}
