// A claim of a local-path class whose Node is decided gets a folder there, then a volume that says where.
import type { ConfigMap } from "#api/core/config-map/config-map.ts";
import { Node } from "#api/core/node/node.ts";
import { PersistentVolume } from "#api/core/persistent-volume/persistent-volume.ts";
import { storageClassOf } from "#api/core/persistent-volume/access-modes.ts";
import { isFullyBound, marks, requestedSize } from "#api/core/persistent-volume/volume-binding.ts";
import { PersistentVolumeClaim } from "#api/core/persistent-volume-claim/persistent-volume-claim.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { StorageClass } from "#api/storage.k8s.io/storage-class/storage-class.ts";
import type { Draft } from "#schema/message.ts";
import { create, may, patch, type Related, remove, type Step, tell } from "../controller.ts";
import { claimAnnotation, helperPod, isDoing, itsHelpers, provisionerName, settingsFrom, theSettings } from "./helper-pods.ts";

const volumeNameFor = ({ metadata }: PersistentVolumeClaim) => `pvc-${metadata.uid}`;

const itsVolume: Related<PersistentVolumeClaim, PersistentVolume> = {
  kind: PersistentVolume,
  find: (claim, volumes) => [volumes.get(volumeNameFor(claim))].filter((one) => one !== undefined),
  wakes: () => [],
};
const itsClass: Related<PersistentVolumeClaim, StorageClass> = {
  kind: StorageClass,
  find: (claim, classes) => [classes.get(storageClassOf(claim))].filter((one) => one !== undefined),
  wakes: ({ object }, claims) =>
    object.provisioner === provisionerName
      ? claims
          .list()
          .filter((claim) => !isFullyBound(claim) && storageClassOf(claim) === object.metadata.name)
          .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
      : [],
};
const itsNode: Related<PersistentVolumeClaim, Node> = {
  kind: Node,
  find: ({ metadata }, nodes) => [nodes.get(metadata.annotations?.[marks.selectedNode] ?? "")].filter((one) => one !== undefined),
  wakes: () => [],
};

export const localPathClaims = {
  name: "local-path claims",
  for: PersistentVolumeClaim,
  reads: {
    volumes: itsVolume,
    classes: itsClass,
    nodes: itsNode,
    helpers: itsHelpers<PersistentVolumeClaim>(volumeNameFor, ({ metadata }) =>
      metadata.annotations?.[claimAnnotation] ? [metadata.annotations[claimAnnotation]] : [],
    ),
    configs: theSettings<PersistentVolumeClaim>(),
  },
  writes: [may(PersistentVolume, "create"), may(Pod, "create", "delete"), may(PersistentVolumeClaim, "patch")],
  decide,
};

interface Observed {
  readonly object: PersistentVolumeClaim;
  readonly volumes: readonly PersistentVolume[];
  readonly classes: readonly StorageClass[];
  readonly nodes: readonly Node[];
  readonly helpers: readonly Pod[];
  readonly configs: readonly ConfigMap[];
}

const modes: readonly string[] = ["ReadWriteOnce", "ReadWriteOncePod"];

export function decide({ object: claim, volumes, classes, nodes, helpers, configs }: Observed): readonly Step[] {
  const { annotations = {}, namespace = "", name } = claim.metadata;
  const [storageClass] = classes;
  const helper = helpers.find((pod) => isDoing(pod, "setup"));
  const helperGoes = helper && !helper.metadata.deletionTimestamp ? [remove(Pod, helper, { graceSeconds: 0 })] : [];
  if (volumes.length > 0 || isFullyBound(claim) || claim.metadata.deletionTimestamp) return helperGoes;
  if (storageClass?.provisioner !== provisionerName || annotations[marks.provisioner] !== provisionerName) return [];
  const why = refusal(claim);
  const failed = (message: string) =>
    tell(
      claim,
      "Warning",
      "ProvisioningFailed",
      `failed to provision volume with StorageClass ${JSON.stringify(storageClass.metadata.name)}: ${message}`,
    );
  if (why) return [failed(why)];
  const node = annotations[marks.selectedNode];
  if (!node) return [failed("configuration error, no node was specified")];
  const [found] = nodes;
  if (!found) return [...helperGoes, failed(`node ${JSON.stringify(node)} not found`), elsewhere(claim)];

  const settings = settingsFrom(configs[0]);
  const volume = volumeNameFor(claim);
  const path = `${storageClass.parameters?.["path"] ?? settings.folder}/${volume}_${namespace}_${name}`;
  if (settings.image === undefined) return made();
  if (!helper) {
    const needs = { task: "setup", volume, path, node, settings, claim: `${namespace}/${name}` } as const;
    return [
      tell(claim, "Normal", "Provisioning", `External provisioner is provisioning volume for claim "${namespace}/${name}"`),
      create(Pod, helperPod(needs), { ifMissing: true }),
    ];
  }
  if (helper.spec.nodeName !== node) return helperGoes;
  if (helper.status.phase === "Succeeded") return [...made(), ...helperGoes];
  if (helper.status.phase === "Failed")
    return [
      ...helperGoes,
      failed(`failed to create volume ${volume}: ${helper.status.message ?? "the helper Pod failed"}`),
      elsewhere(claim),
    ];
  return [];

  function made(): readonly Step[] {
    return [
      create(PersistentVolume, volumeDraft(claim, storageClass as StorageClass, found as Node, path, settings.image === undefined), {
        ifMissing: true,
      }),
      tell(claim, "Normal", "ProvisioningSucceeded", `Successfully provisioned volume ${volume}`),
    ];
  }
}

function refusal({ spec }: PersistentVolumeClaim): string | undefined {
  if (spec.selector) return "claim.Spec.Selector is not supported";
  if (spec.volumeMode === "Block") return "block volumes are not supported";
  if (!(spec.accessModes ?? []).every((mode) => modes.includes(mode)))
    return "NodePath only supports ReadWriteOnce and ReadWriteOncePod (1.22+) access modes";
  if (spec.dataSource ?? spec.dataSourceRef) return "data sources are not supported";
  return undefined;
}

/** The scheduler is to choose anew. */
function elsewhere(claim: PersistentVolumeClaim): Step {
  const { uid, resourceVersion } = claim.metadata;
  const change = { metadata: { uid, resourceVersion, annotations: { [marks.selectedNode]: null } } };
  return patch(PersistentVolumeClaim, claim, change as unknown as Draft<PersistentVolumeClaim>);
}

function volumeDraft(
  claim: PersistentVolumeClaim,
  storageClass: StorageClass,
  node: Node,
  path: string,
  isMadeWhenMounted: boolean,
): Draft<PersistentVolume> {
  const { metadata, spec } = claim;
  const hostname = node.metadata.labels?.["kubernetes.io/hostname"] ?? node.metadata.name;
  return {
    metadata: {
      name: volumeNameFor(claim),
      annotations: { [marks.provisionedBy]: provisionerName },
    },
    spec: {
      capacity: { storage: requestedSize(claim) },
      accessModes: spec.accessModes,
      volumeMode: "Filesystem",
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy,
      storageClassName: storageClass.metadata.name,
      ...(storageClass.mountOptions && { mountOptions: storageClass.mountOptions }),
      claimRef: {
        kind: "PersistentVolumeClaim",
        apiVersion: "v1",
        namespace: metadata.namespace,
        name: metadata.name,
        uid: metadata.uid,
        resourceVersion: metadata.resourceVersion,
      },
      // A folder that is gone is to be noticed, not made anew without what was in it.
      ...(isMadeWhenMounted ? { hostPath: { path, type: "DirectoryOrCreate" as const } } : { local: { path } }),
      nodeAffinity: {
        required: { nodeSelectorTerms: [{ matchExpressions: [{ key: "kubernetes.io/hostname", operator: "In", values: [hostname] }] }] },
      },
    },
  };
}
