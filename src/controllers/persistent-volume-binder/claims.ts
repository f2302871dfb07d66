// A claim's way to its volume: found among those that are there, or asked of a provisioner, then written into both, step by step.
//
// Invariants:
// - The volume is written first, under its version: of two claims that want it, one gets it.
// - A claim counts as bound only once both sides are written; what is written half is completed in the next round.
import { PersistentVolume } from "#api/core/persistent-volume/persistent-volume.ts";
import { betaStorageClassAnnotation, storageClassOf } from "#api/core/persistent-volume/access-modes.ts";
import { isFullyBound, isVolumeOf, marks, mismatch, noProvisioner, volumeFor } from "#api/core/persistent-volume/volume-binding.ts";
import { PersistentVolumeClaim } from "#api/core/persistent-volume-claim/persistent-volume-claim.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { claimsOf } from "#api/core/pod/claims.ts";
import { isTerminal } from "#api/core/pod/readiness.ts";
import { defaultClassOf } from "#api/storage.k8s.io/storage-class/default-class.ts";
import { StorageClass } from "#api/storage.k8s.io/storage-class/storage-class.ts";
import { deepEqual } from "#schema/derive/equal.ts";
import type { Draft } from "#schema/message.ts";
import { may, patch, type Related, status, type Step, tell } from "../controller.ts";

const everyVolume: Related<PersistentVolumeClaim, PersistentVolume> = {
  kind: PersistentVolume,
  find: (_, volumes) => volumes.list(),
  wakes: ({ object: { metadata, spec }, old }, claims) => {
    const { claimRef } = spec;
    if (claimRef)
      return [
        `${claimRef.namespace}/${claimRef.name}`,
        ...(old?.spec.claimRef && old.spec.claimRef.uid !== claimRef.uid
          ? [`${old.spec.claimRef.namespace}/${old.spec.claimRef.name}`]
          : []),
      ];
    return claims
      .list()
      .filter((claim) => !isFullyBound(claim) || claim.spec.volumeName === metadata.name)
      .map(({ metadata: { namespace, name } }) => `${namespace}/${name}`);
  },
};

const everyClass: Related<PersistentVolumeClaim, StorageClass> = {
  kind: StorageClass,
  find: (_, classes) => classes.list(),
  wakes: (_, claims) =>
    claims
      .list()
      .filter((claim) => !isFullyBound(claim))
      .map(({ metadata: { namespace, name } }) => `${namespace}/${name}`),
};

const usingPods: Related<PersistentVolumeClaim, Pod> = {
  kind: Pod,
  prepare: (pods) => pods.addIndex(byClaim, (pod) => claimsOf(pod).map(({ claimName }) => `${pod.metadata.namespace}/${claimName}`)),
  find: ({ metadata: { namespace, name } }, pods) => pods.byIndex(byClaim, `${namespace}/${name}`),
  wakes: ({ object, old }) =>
    old && old.spec.nodeName === object.spec.nodeName
      ? []
      : claimsOf(object).map(({ claimName }) => `${object.metadata.namespace}/${claimName}`),
};
const byClaim = "by claim";

export const claimBinder = {
  name: "claims",
  for: PersistentVolumeClaim,
  reads: { volumes: everyVolume, classes: everyClass, pods: usingPods },
  writes: [
    may(PersistentVolumeClaim, "update", "patch"),
    may(status(PersistentVolumeClaim), "update", "patch"),
    may(PersistentVolume, "update", "patch"),
    may(status(PersistentVolume), "update", "patch"),
  ],
  workers: 1,
  decide,
};

interface Observed {
  readonly object: PersistentVolumeClaim;
  readonly volumes: readonly PersistentVolume[];
  readonly classes: readonly StorageClass[];
  readonly pods: readonly Pod[];
}

export function decide(observed: Observed): readonly Step[] {
  const { object: claim } = observed;
  return claim.metadata.annotations?.[marks.bindCompleted] === undefined ? unbound(observed) : completed(observed);
}

function unbound({ object: claim, volumes, classes, pods }: Observed): readonly Step[] {
  const { spec, metadata } = claim;
  if (metadata.deletionTimestamp) return [];
  if (spec.volumeName) return named(claim, volumes);
  if (spec.storageClassName === undefined && metadata.annotations?.[betaStorageClassAnnotation] === undefined) {
    const chosen = defaultClassOf(classes);
    if (chosen)
      return [
        patch(PersistentVolumeClaim, claim, {
          metadata: versionOf(claim),
          spec: { storageClassName: chosen.metadata.name },
        } as Draft<PersistentVolumeClaim>),
      ];
  }
  const className = storageClassOf(claim);
  const storageClass = classes.find((one) => one.metadata.name === className);
  const waits = storageClass?.volumeBindingMode === "WaitForFirstConsumer" && metadata.annotations?.[marks.selectedNode] === undefined;
  const volume = volumeFor(claim, volumes, { keptOnly: waits });
  if (volume) return bind(volume, claim);
  return [...inPhase(claim, "Pending"), ...(waits ? waiting(claim, pods) : provisioned(claim, className, storageClass))];
}

/** Nobody needs the volume yet: where it is to be is decided with the Pod's Node. */
function waiting(claim: PersistentVolumeClaim, pods: readonly Pod[]): readonly Step[] {
  const users = pods.filter((pod) => !isTerminal(pod) && !pod.spec.nodeName).map(({ metadata }) => metadata.name);
  if (users.length === 0) return [tell(claim, "Normal", "WaitForFirstConsumer", "waiting for first consumer to be created before binding")];
  const who = users.length === 1 ? `pod ${users[0]}` : `pods ${users.sort().join(",")}`;
  return [tell(claim, "Normal", "WaitForPodScheduled", `waiting for ${who} to be scheduled`)];
}

/** Asks the class's provisioner for a volume: it watches claims for its name. */
function provisioned(claim: PersistentVolumeClaim, className: string, storageClass: StorageClass | undefined): readonly Step[] {
  if (className === "")
    return [tell(claim, "Normal", "FailedBinding", "no persistent volumes available for this claim and no storage class is set")];
  if (!storageClass)
    return [tell(claim, "Warning", "ProvisioningFailed", `storageclass.storage.k8s.io ${JSON.stringify(className)} not found`)];
  const { provisioner } = storageClass;
  if (provisioner === noProvisioner)
    return [tell(claim, "Normal", "FailedBinding", "no persistent volumes available for this claim and no storage class is set")];
  if (provisioner.startsWith("kubernetes.io/"))
    return [tell(claim, "Warning", "ProvisioningFailed", `no volume plugin matched name: ${provisioner}`)];
  const { annotations = {} } = claim.metadata;
  const steps: Step[] = [];
  if (annotations[marks.provisioner] !== provisioner || annotations[marks.betaProvisioner] !== provisioner) {
    const change = {
      metadata: { ...versionOf(claim), annotations: { [marks.provisioner]: provisioner, [marks.betaProvisioner]: provisioner } },
    };
    steps.push(patch(PersistentVolumeClaim, claim, change as Draft<PersistentVolumeClaim>));
  }
  const message = `Waiting for a volume to be created either by the external provisioner '${provisioner}' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.`;
  return [...steps, tell(claim, "Normal", "ExternalProvisioning", message)];
}

/** The claim says which volume it wants. */
function named(claim: PersistentVolumeClaim, volumes: readonly PersistentVolume[]): readonly Step[] {
  const { volumeName = "" } = claim.spec;
  const volume = volumes.find(({ metadata }) => metadata.name === volumeName);
  if (!volume) return inPhase(claim, "Pending");
  if (isVolumeOf(volume, claim)) return bind(volume, claim);
  if (volume.spec.claimRef) {
    const why = `volume ${JSON.stringify(volumeName)} already bound to a different claim.`;
    return [...inPhase(claim, "Pending"), tell(claim, "Warning", "FailedBinding", why)];
  }
  const wrong = mismatch(volume, claim);
  if (wrong === undefined) return bind(volume, claim);
  return [
    ...inPhase(claim, "Pending"),
    tell(claim, "Warning", "VolumeMismatch", `Cannot bind to requested volume ${JSON.stringify(volumeName)}: ${wrong}`),
  ];
}

/** Both sides were written once: they hold, or something was lost. */
function completed({ object: claim, volumes }: Observed): readonly Step[] {
  const { volumeName } = claim.spec;
  if (!volumeName) return lost(claim, "ClaimLost", "Bound claim has lost reference to PersistentVolume. Data on the volume is lost!");
  const volume = volumes.find(({ metadata }) => metadata.name === volumeName);
  if (!volume) return lost(claim, "ClaimLost", "Bound claim has lost its PersistentVolume. Data on the volume is lost!");
  if (!volume.spec.claimRef || isVolumeOf(volume, claim)) return bind(volume, claim);
  return lost(claim, "ClaimMisbound", "Two claims are bound to the same volume, this one is bound incorrectly");
}

function lost(claim: PersistentVolumeClaim, reason: string, message: string): readonly Step[] {
  if (claim.status.phase === "Lost") return [];
  return [
    patch(
      PersistentVolumeClaim,
      claim,
      { status: { phase: "Lost", accessModes: null, capacity: null } } as unknown as Draft<PersistentVolumeClaim>,
      "status",
    ),
    tell(claim, "Warning", reason, message),
  ];
}

/** What of the binding is not written yet. */
function bind(volume: PersistentVolume, claim: PersistentVolumeClaim): readonly Step[] {
  const { metadata, spec } = claim;
  const steps: Step[] = [];
  const { claimRef } = volume.spec;
  if (claimRef?.uid !== metadata.uid) {
    const reference = {
      kind: "PersistentVolumeClaim",
      apiVersion: "v1",
      namespace: metadata.namespace,
      name: metadata.name,
      uid: metadata.uid,
      resourceVersion: metadata.resourceVersion,
    };
    const annotations = claimRef ? {} : { annotations: { [marks.boundByController]: "yes" } };
    steps.push(
      patch(PersistentVolume, volume, {
        metadata: { ...versionOf(volume), ...annotations },
        spec: { claimRef: reference },
      } as Draft<PersistentVolume>),
    );
  }
  if (volume.status.phase !== "Bound") steps.push(patch(PersistentVolume, volume, { status: { phase: "Bound" } }, "status"));
  const isNamed = spec.volumeName === volume.metadata.name;
  if (!isNamed || metadata.annotations?.[marks.bindCompleted] === undefined) {
    const annotations = { [marks.bindCompleted]: "yes", ...(!isNamed && { [marks.boundByController]: "yes" }) };
    steps.push(
      patch(PersistentVolumeClaim, claim, {
        metadata: { ...versionOf(claim), annotations },
        spec: { volumeName: volume.metadata.name },
      } as Draft<PersistentVolumeClaim>),
    );
  }
  const { accessModes, capacity } = volume.spec;
  const before = claim.status;
  // A volume that grew tells of it itself: what is there stays until then.
  const isSame = before.phase === "Bound" && deepEqual(before.accessModes, accessModes) && before.capacity !== undefined;
  if (!isSame) {
    const { volumeAttributesClassName } = volume.spec;
    const change = {
      phase: "Bound",
      accessModes,
      capacity,
      ...(volumeAttributesClassName && { currentVolumeAttributesClassName: volumeAttributesClassName }),
    };
    steps.push(patch(PersistentVolumeClaim, claim, { status: change } as Draft<PersistentVolumeClaim>, "status"));
  }
  return steps;
}

function inPhase(claim: PersistentVolumeClaim, phase: string): readonly Step[] {
  return claim.status.phase === phase ? [] : [patch(PersistentVolumeClaim, claim, { status: { phase } }, "status")];
}

function versionOf({ metadata: { uid, resourceVersion } }: PersistentVolume | PersistentVolumeClaim) {
  return { uid, resourceVersion };
}
