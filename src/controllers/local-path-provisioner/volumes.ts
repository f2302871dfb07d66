// A volume whose claim is gone goes too, when its class says so: first what is in it, then the object.
import type { ConfigMap } from "#api/core/config-map/config-map.ts";
import { Node } from "#api/core/node/node.ts";
import { selectsNode } from "#api/core/pod/node-affinity.ts";
import { PersistentVolume } from "#api/core/persistent-volume/persistent-volume.ts";
import { marks } from "#api/core/persistent-volume/volume-binding.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { again, create, may, type Related, remove, type Step, tell } from "../controller.ts";
import { helperPod, isDoing, itsHelpers, provisionerName, settingsFrom, theSettings, volumeNameOf } from "./helper-pods.ts";

const itsNodes: Related<PersistentVolume, Node> = {
  kind: Node,
  find: ({ spec }, nodes) => {
    const required = spec.nodeAffinity?.required;
    return required === undefined ? [] : nodes.list().filter((node) => selectsNode(required, node));
  },
  wakes: () => [],
};

export const localPathVolumes = {
  name: "local-path volumes",
  for: PersistentVolume,
  reads: {
    nodes: itsNodes,
    helpers: itsHelpers<PersistentVolume>(
      ({ metadata }) => metadata.name,
      (pod) => [volumeNameOf(pod)],
    ),
    configs: theSettings<PersistentVolume>(),
  },
  writes: [may(PersistentVolume, "delete"), may(Pod, "create", "delete")],
  decide,
};

interface Observed {
  readonly object: PersistentVolume;
  readonly nodes: readonly Node[];
  readonly helpers: readonly Pod[];
  readonly configs: readonly ConfigMap[];
}

const retryMilliseconds = 15_000;

export function decide({ object: volume, nodes, helpers, configs }: Observed): readonly Step[] {
  const { spec, status, metadata } = volume;
  if (metadata.annotations?.[marks.provisionedBy] !== provisionerName) return [];
  if (status.phase !== "Released" || spec.persistentVolumeReclaimPolicy !== "Delete" || metadata.deletionTimestamp) return [];
  const path = spec.local?.path ?? spec.hostPath?.path ?? "";
  const settings = settingsFrom(configs[0]);
  const [node] = nodes;
  // With the machine its folder is gone, or out of reach for ever.
  if (!node || settings.image === undefined || path === "") return [remove(PersistentVolume, volume)];
  const helper = helpers.find((pod) => isDoing(pod, "teardown"));
  const helperGoes = helper && !helper.metadata.deletionTimestamp ? [remove(Pod, helper, { graceSeconds: 0 })] : [];
  if (!helper) {
    const claim = `${spec.claimRef?.namespace}/${spec.claimRef?.name}`;
    return [
      create(Pod, helperPod({ task: "teardown", volume: metadata.name, path, node: node.metadata.name, settings, claim }), {
        ifMissing: true,
      }),
    ];
  }
  if (helper.status.phase === "Succeeded") return [remove(PersistentVolume, volume), ...helperGoes];
  if (helper.status.phase === "Failed") {
    const why = helper.status.message ?? "the helper Pod failed";
    return [
      tell(volume, "Warning", "VolumeFailedDelete", `failed to delete volume ${metadata.name}: ${why}`),
      ...helperGoes,
      again(retryMilliseconds),
    ];
  }
  return [];
}
