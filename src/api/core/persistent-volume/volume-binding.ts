// What volumes and claims say of each other: the marks of binding, whether a volume will do for a claim, and which of several.
import type { PersistentVolumeClaim } from "#api/core/persistent-volume-claim/persistent-volume-claim.ts";
import { type SelectableNode, selectsNode } from "#api/core/pod/node-affinity.ts";
import { selects } from "#api/meta/selects.ts";
import { compareQuantities } from "#schema/quantity.ts";
import { storageClassOf } from "./access-modes.ts";
import type { PersistentVolume } from "./persistent-volume.ts";

export const marks = {
  /** Both sides of the binding are written. */
  bindCompleted: "pv.kubernetes.io/bind-completed",
  /** The binding was the controller's idea, not the user's. */
  boundByController: "pv.kubernetes.io/bound-by-controller",
  provisionedBy: "pv.kubernetes.io/provisioned-by",
  provisioner: "volume.kubernetes.io/storage-provisioner",
  betaProvisioner: "volume.beta.kubernetes.io/storage-provisioner",
  /** The Node for which the volume is to be made. */
  selectedNode: "volume.kubernetes.io/selected-node",
} as const;

export const claimFinalizer = "kubernetes.io/pvc-protection";
export const volumeFinalizer = "kubernetes.io/pv-protection";
/** The provisioner of classes whose volumes people make. */
export const noProvisioner = "kubernetes.io/no-provisioner";

export function sizeOf(holder: { readonly capacity?: Readonly<Record<string, string>> | undefined }): string {
  return holder.capacity?.["storage"] ?? "0";
}

export function requestedSize({ spec }: PersistentVolumeClaim): string {
  return spec.resources.requests?.["storage"] ?? "0";
}

/** Whether the volume is kept for this claim or bound to it. */
export function isVolumeOf({ spec: { claimRef } }: PersistentVolume, { metadata }: PersistentVolumeClaim): boolean {
  if (!claimRef || claimRef.name !== metadata.name || claimRef.namespace !== metadata.namespace) return false;
  return !claimRef.uid || claimRef.uid === metadata.uid;
}

export function isFullyBound({ metadata, spec }: PersistentVolumeClaim): boolean {
  return Boolean(spec.volumeName) && metadata.annotations?.[marks.bindCompleted] !== undefined;
}

/** What is wrong with this volume for the claim, in a few words; undefined when nothing is. */
export function mismatch(volume: PersistentVolume, claim: PersistentVolumeClaim): string | undefined {
  if (compareQuantities(sizeOf(volume.spec), requestedSize(claim)) < 0) return "requested PV is too small";
  if (storageClassOf(volume) !== storageClassOf(claim)) return "storageClassName does not match";
  if ((volume.spec.volumeAttributesClassName ?? "") !== (claim.spec.volumeAttributesClassName ?? ""))
    return "volumeAttributesClassName does not match";
  if ((volume.spec.volumeMode ?? "Filesystem") !== (claim.spec.volumeMode ?? "Filesystem")) return "incompatible volumeMode";
  if (!hasModes(volume, claim)) return "incompatible accessMode";
  return undefined;
}

function hasModes(volume: PersistentVolume, claim: PersistentVolumeClaim): boolean {
  return (claim.spec.accessModes ?? []).every((mode) => volume.spec.accessModes?.includes(mode));
}

export function reachesNode({ spec }: PersistentVolume, node: SelectableNode): boolean {
  return spec.nodeAffinity?.required === undefined || selectsNode(spec.nodeAffinity.required, node);
}

export interface Search {
  /** The Node that the volume must be reached from. */
  readonly node?: SelectableNode;
  /** Only volumes that are kept for the claim by name. */
  readonly keptOnly?: boolean;
  /** Volumes that somebody else is about to get. */
  readonly isTaken?: (volume: PersistentVolume) => boolean;
}

/** The smallest volume that will do; one that is kept for the claim before all others. */
export function volumeFor(
  claim: PersistentVolumeClaim,
  volumes: readonly PersistentVolume[],
  { node, keptOnly = false, isTaken = () => false }: Search = {},
): PersistentVolume | undefined {
  let best: PersistentVolume | undefined;
  for (const volume of volumes) {
    if (volume.metadata.deletionTimestamp || isTaken(volume)) continue;
    const isKept = isVolumeOf(volume, claim);
    if (!isKept && (volume.spec.claimRef || keptOnly || volume.status.phase !== "Available")) continue;
    if (mismatch(volume, claim) || (node && !reachesNode(volume, node))) continue;
    if (isKept) return volume;
    if (claim.spec.selector && !selects(claim.spec.selector, volume.metadata.labels)) continue;
    if (!best || compareQuantities(sizeOf(volume.spec), sizeOf(best.spec)) < 0) best = volume;
  }
  return best;
}
