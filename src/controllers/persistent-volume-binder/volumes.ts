// A volume's phase, from what became of its claim; and what is done with it when the claim is gone.
import { PersistentVolume } from "#api/core/persistent-volume/persistent-volume.ts";
import { marks } from "#api/core/persistent-volume/volume-binding.ts";
import { PersistentVolumeClaim } from "#api/core/persistent-volume-claim/persistent-volume-claim.ts";
import type { Draft } from "#schema/message.ts";
import { ask, may, patch, type Related, status, type Step, tell } from "../controller.ts";

const itsClaim: Related<PersistentVolume, PersistentVolumeClaim> = {
  kind: PersistentVolumeClaim,
  find: ({ spec: { claimRef } }, claims) =>
    claimRef ? [claims.get(`${claimRef.namespace}/${claimRef.name}`)].filter((one) => one !== undefined) : [],
  prepare: (_, volumes) =>
    volumes.addIndex(byClaim, ({ spec: { claimRef } }) => (claimRef ? [`${claimRef.namespace}/${claimRef.name}`] : [])),
  wakes: ({ object: { metadata, spec } }, volumes) => [
    ...volumes.byIndex(byClaim, `${metadata.namespace}/${metadata.name}`).map((volume) => volume.metadata.name),
    ...(spec.volumeName ? [spec.volumeName] : []),
  ],
};
const byClaim = "by claim";

export const volumeBinder = {
  name: "volumes",
  for: PersistentVolume,
  reads: { claims: itsClaim },
  writes: [may(PersistentVolume, "update", "patch"), may(status(PersistentVolume), "update", "patch")],
  workers: 1,
  decide,
};

interface Observed {
  readonly object: PersistentVolume;
  readonly claims: readonly PersistentVolumeClaim[];
}

export function decide({ object: volume, claims }: Observed): readonly Step[] {
  const { claimRef } = volume.spec;
  if (!claimRef?.uid) return inPhase(volume, "Available");
  const claim = claims.find(({ metadata }) => metadata.uid === claimRef.uid);
  if (!claim) return ["Released", "Failed"].includes(volume.status.phase ?? "") ? released(volume) : releasedIfGone(volume);
  if (claim.spec.volumeName === volume.metadata.name) return inPhase(volume, "Bound");
  if (!claim.spec.volumeName) return [];
  // The claim took another volume.
  return isMadeOnDemand(volume) ? released(volume) : [...unbind(volume), ...inPhase(volume, "Available")];
}

/** What is released may be deleted with all that is in it: a claim that did not come to us yet must not lose its volume. */
function releasedIfGone(volume: PersistentVolume): readonly Step[] {
  const { namespace, name, uid } = volume.spec.claimRef ?? {};
  return [
    ask(PersistentVolumeClaim, { namespace, fieldSelector: `metadata.name=${name}` }, (live) =>
      live.some(({ metadata }) => metadata.uid === uid) ? [] : released(volume),
    ),
  ];
}

function released(volume: PersistentVolume): readonly Step[] {
  const { persistentVolumeReclaimPolicy: policy } = volume.spec;
  const { phase } = volume.status;
  const steps = phase === "Released" || phase === "Failed" ? [] : inPhase(volume, "Released");
  if (policy === "Retain" || phase === "Failed" || (policy === "Delete" && isMadeOnDemand(volume))) return steps;
  const [reason, message] =
    policy === "Recycle"
      ? ["VolumeFailedRecycle", "No recycler plugin found for the volume!"]
      : [
          "VolumeFailedDelete",
          `error getting deleter volume plugin for volume ${JSON.stringify(volume.metadata.name)}: no deletable volume plugin matched`,
        ];
  return [
    patch(PersistentVolume, volume, { status: { phase: "Failed", message } }, "status"),
    tell(volume, "Warning", reason as string, message as string),
  ];
}

/** Its provisioner looks after it. */
function isMadeOnDemand({ metadata }: PersistentVolume): boolean {
  return metadata.annotations?.[marks.provisionedBy] !== undefined;
}

/** What the controller bound it lets go; what the user kept for a name stays kept for the name. */
function unbind(volume: PersistentVolume): readonly Step[] {
  const { uid, resourceVersion, annotations } = volume.metadata;
  const isOurs = annotations?.[marks.boundByController] !== undefined;
  const change = isOurs
    ? { metadata: { uid, resourceVersion, annotations: { [marks.boundByController]: null } }, spec: { claimRef: null } }
    : { metadata: { uid, resourceVersion }, spec: { claimRef: { uid: null, resourceVersion: null } } };
  return [patch(PersistentVolume, volume, change as unknown as Draft<PersistentVolume>)];
}

function inPhase(volume: PersistentVolume, phase: string): readonly Step[] {
  return volume.status.phase === phase ? [] : [patch(PersistentVolume, volume, { status: { phase, message: "" } }, "status")];
}
