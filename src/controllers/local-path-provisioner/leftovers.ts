// Helpers whose claim went while they worked: what they made is taken away again, and they go themselves.
import type { ConfigMap } from "#api/core/config-map/config-map.ts";
import { PersistentVolume } from "#api/core/persistent-volume/persistent-volume.ts";
import { PersistentVolumeClaim } from "#api/core/persistent-volume-claim/persistent-volume-claim.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { isTerminal } from "#api/core/pod/readiness.ts";
import { ask, create, may, type Related, remove, type Step } from "../controller.ts";
import { claimAnnotation, helperPod, isDoing, settingsFrom, theSettings, volumeNameOf } from "./helper-pods.ts";

const byHelper = "helpers by claim";
const claimOf = ({ metadata }: Pod) => metadata.annotations?.[claimAnnotation] ?? "";

const itsClaim: Related<Pod, PersistentVolumeClaim> = {
  kind: PersistentVolumeClaim,
  prepare: (_, pods) => pods.addIndex(byHelper, (pod) => (volumeNameOf(pod) === "" ? [] : [claimOf(pod)])),
  find: (pod, claims) => [claims.get(claimOf(pod))].filter((one) => one !== undefined),
  wakes: ({ type, object: { metadata } }, pods) =>
    type === "deleted"
      ? pods.byIndex(byHelper, `${metadata.namespace}/${metadata.name}`).map((pod) => `${pod.metadata.namespace}/${pod.metadata.name}`)
      : [],
};

const itsVolume: Related<Pod, PersistentVolume> = {
  kind: PersistentVolume,
  find: (pod, volumes) => [volumes.get(volumeNameOf(pod))].filter((one) => one !== undefined),
  wakes: () => [],
};

export const localPathLeftovers = {
  name: "local-path leftovers",
  for: Pod,
  reads: { claims: itsClaim, volumes: itsVolume, configs: theSettings<Pod>() },
  writes: [may(Pod, "create", "delete")],
  decide,
};

interface Observed {
  readonly object: Pod;
  readonly claims: readonly PersistentVolumeClaim[];
  readonly volumes: readonly PersistentVolume[];
  readonly configs: readonly ConfigMap[];
}

export function decide({ object: pod, claims, volumes, configs }: Observed): readonly Step[] {
  const volume = volumeNameOf(pod);
  if (volume === "" || !isTerminal(pod) || pod.metadata.deletionTimestamp) return [];
  const isWanted = volumes.length > 0 || claims.some(({ metadata }) => `pvc-${metadata.uid}` === volume);
  if (isWanted) return [];
  const gone = remove(Pod, pod, { graceSeconds: 0 });
  const path = pod.spec.containers[0]?.env?.find(({ name }) => name === "VOLUME_FOLDER")?.value;
  if (!isDoing(pod, "setup") || !path || !pod.spec.nodeName) return [gone];
  const settings = settingsFrom(configs[0]);
  if (settings.image === undefined) return [gone];
  if (!path.slice(path.lastIndexOf("/") + 1).startsWith(`${volume}_`)) return [gone];
  const needs = { task: "teardown", volume, path, node: pod.spec.nodeName, settings, claim: claimOf(pod) } as const;
  const [namespace = "", name = ""] = claimOf(pod).split("/");
  const named = (text: string) => `metadata.name=${text}`;
  // What the folder holds is gone afterwards: the server is asked whether really nobody wants it.
  return [
    ask(PersistentVolume, { fieldSelector: named(volume) }, (made) =>
      made.length > 0
        ? []
        : [
            ask(PersistentVolumeClaim, { namespace, fieldSelector: named(name) }, (wanting) =>
              wanting.some(({ metadata }) => `pvc-${metadata.uid}` === volume)
                ? []
                : [create(Pod, helperPod(needs), { ifMissing: true }), gone],
            ),
          ],
    ),
  ];
}
