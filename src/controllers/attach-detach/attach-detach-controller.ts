// Asks for the volumes of CSI drivers to be attached to the Nodes whose Pods use them, and no longer than that. The driver's own attacher
// does it, and says so in the VolumeAttachment.
import { Node } from "#api/core/node/node.ts";
import { PersistentVolume } from "#api/core/persistent-volume/persistent-volume.ts";
import { claimsOf } from "#api/core/pod/claims.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { isTerminal } from "#api/core/pod/readiness.ts";
import { conditionOf } from "#api/meta/conditions.ts";
import { CSIDriver } from "#api/storage.k8s.io/csi-driver/csi-driver.ts";
import { VolumeAttachment } from "#api/storage.k8s.io/volume-attachment/volume-attachment.ts";
import { hex, sha256 } from "#base/sha256.ts";
import { parseTime } from "#schema/time.ts";
import { again, controller, create, may, type Related, remove, type Step } from "../controller.ts";

const byClaim = "by claim";
const byVolume = "by volume";
const byDriver = "by driver";

const users: Related<PersistentVolume, Pod> = {
  kind: Pod,
  prepare(pods, volumes) {
    pods.addIndex(byClaim, (pod) => claimsOf(pod).map(({ claimName }) => `${pod.metadata.namespace}/${claimName}`));
    volumes.addIndex(byClaim, ({ spec: { claimRef, csi } }) => (claimRef && csi ? [`${claimRef.namespace}/${claimRef.name}`] : []));
  },
  find: ({ spec: { claimRef, csi } }, pods) => (claimRef && csi ? pods.byIndex(byClaim, `${claimRef.namespace}/${claimRef.name}`) : []),
  wakes: ({ type, object, old }, volumes) => {
    if (type === "changed" && old.spec.nodeName === object.spec.nodeName && isTerminal(old) === isTerminal(object)) return [];
    return claimsOf(object).flatMap(({ claimName }) =>
      volumes.byIndex(byClaim, `${object.metadata.namespace}/${claimName}`).map(({ metadata }) => metadata.name),
    );
  },
};

const attachments: Related<PersistentVolume, VolumeAttachment> = {
  kind: VolumeAttachment,
  prepare: (all) => all.addIndex(byVolume, ({ spec }) => [spec.source.persistentVolumeName ?? ""]),
  find: ({ metadata }, all) => all.byIndex(byVolume, metadata.name),
  wakes: ({ object }) => [object.spec.source.persistentVolumeName ?? ""],
};

const itsDriver: Related<PersistentVolume, CSIDriver> = {
  kind: CSIDriver,
  prepare: (_, volumes) => volumes.addIndex(byDriver, ({ spec: { csi } }) => (csi ? [csi.driver] : [])),
  find: ({ spec: { csi } }, drivers) => [drivers.get(csi?.driver ?? "")].filter((one) => one !== undefined),
  wakes: ({ object }, volumes) => volumes.byIndex(byDriver, object.metadata.name).map(({ metadata }) => metadata.name),
};

const everyNode: Related<PersistentVolume, Node> = {
  kind: Node,
  find: (_, nodes) => nodes.list(),
  wakes: () => [],
};

export const attachDetachController = controller({
  name: "persistentvolume-attach-detach-controller",
  for: PersistentVolume,
  reads: { pods: users, attachments, drivers: itsDriver, machines: everyNode },
  writes: [may(VolumeAttachment, "create", "delete")],
  decide,
});

interface Observed {
  readonly object: PersistentVolume;
  readonly pods: readonly Pod[];
  readonly attachments: readonly VolumeAttachment[];
  readonly drivers: readonly CSIDriver[];
  readonly machines: readonly Node[];
  readonly now: number;
}

/** A Pod that has just ended still has its volumes mounted. */
const unmountMilliseconds = 60_000;
/** A Node that is not heard of may still write to its volumes: Pods that were taken from it by force say nothing of that. */
const silentMilliseconds = 360_000;

export function decide({ object: volume, pods, attachments: there, drivers, machines, now }: Observed): readonly Step[] {
  const { csi } = volume.spec;
  if (!csi) return [];
  const [driver] = drivers;
  const nodes = new Set<string>();
  let soonest: number | undefined;
  for (const pod of (driver?.spec.attachRequired ?? true) ? pods : []) {
    const wait = unmountedAt(pod) - now;
    if (!pod.spec.nodeName || wait <= 0) continue;
    nodes.add(pod.spec.nodeName);
    if (Number.isFinite(wait)) soonest = Math.min(soonest ?? wait, wait);
  }
  const missing = [...nodes].filter((node) => !there.some(({ spec }) => spec.nodeName === node));
  const idle = there.filter(
    ({ spec, metadata }) => spec.attacher === csi.driver && !nodes.has(spec.nodeName) && !metadata.deletionTimestamp,
  );
  const free: VolumeAttachment[] = [];
  for (const attachment of idle) {
    const wait = silentUntil(machines.find(({ metadata }) => metadata.name === attachment.spec.nodeName)) - now;
    if (wait <= 0) free.push(attachment);
    else soonest = Math.min(soonest ?? wait, wait);
  }
  return [
    ...missing.map((nodeName) =>
      create(
        VolumeAttachment,
        {
          metadata: { name: attachmentName(csi.volumeHandle, csi.driver, nodeName) },
          spec: { attacher: csi.driver, nodeName, source: { persistentVolumeName: volume.metadata.name } },
        },
        { ifMissing: true },
      ),
    ),
    ...free.map((attachment) => remove(VolumeAttachment, attachment)),
    ...(soonest === undefined ? [] : [again(soonest)]),
  ];
}

/** Until when a Node may have its volumes mounted, though it has no Pods any more. */
function silentUntil(node: Node | undefined): number {
  const ready = conditionOf(node?.status.conditions, "Ready");
  const isOff = node?.spec.taints?.some(({ key }) => key === "node.kubernetes.io/out-of-service");
  if (!ready?.lastTransitionTime || ready.status === "True" || isOff) return 0;
  return parseTime(ready.lastTransitionTime) + silentMilliseconds;
}

/** Never, while it lives. */
function unmountedAt(pod: Pod): number {
  if (!isTerminal(pod)) return Number.POSITIVE_INFINITY;
  const ends = (pod.status.containerStatuses ?? []).map(({ state }) =>
    parseTime(state?.terminated?.finishedAt ?? pod.metadata.creationTimestamp),
  );
  return Math.max(parseTime(pod.metadata.creationTimestamp), ...ends) + unmountMilliseconds;
}

/** The name under which the Node's kubelet looks for it. */
function attachmentName(volumeHandle: string, driver: string, node: string): string {
  return `csi-${hex(sha256(new TextEncoder().encode(volumeHandle + driver + node)))}`;
}
