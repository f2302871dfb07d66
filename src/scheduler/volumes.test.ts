import assert from "node:assert/strict";
import { test } from "node:test";
import { PersistentVolume } from "#api/core/persistent-volume/persistent-volume.ts";
import { marks } from "#api/core/persistent-volume/volume-binding.ts";
import { PersistentVolumeClaim } from "#api/core/persistent-volume-claim/persistent-volume-claim.ts";
import { CSINode } from "#api/storage.k8s.io/csi-node/csi-node.ts";
import { StorageClass } from "#api/storage.k8s.io/storage-class/storage-class.ts";
import { complete } from "#schema/derive/defaults.ts";
import { aNode, aPod } from "../../test/support/scheduling.ts";
import { SchedulerCache } from "./cache.ts";
import { type ClusterVolumes, noVolumes } from "./cluster-volumes.ts";
import { schedule } from "./cycle.ts";
import { allPlugins } from "./plugins/all.ts";

const bound = { [marks.bindCompleted]: "yes" };
const aClaim = (name: string, volumeName = "", annotations: Record<string, string> = volumeName ? bound : {}) =>
  complete(PersistentVolumeClaim, {
    metadata: { name, namespace: "default", uid: `${name}u`, annotations },
    spec: {
      ...(volumeName && { volumeName }),
      storageClassName: "s",
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: "1Gi" } },
    },
  });
const at = (host: string) => ({
  required: { nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: [host] }] }] },
});
const aVolume = (name: string, host: string, csi?: { driver: string; volumeHandle: string }) =>
  complete(PersistentVolume, {
    metadata: { name },
    spec: {
      capacity: { storage: "1Gi" },
      accessModes: ["ReadWriteOnce"],
      storageClassName: "s",
      nodeAffinity: at(host),
      ...(csi && { csi }),
    },
    status: { phase: "Available" },
  });
const waits = complete(StorageClass, {
  metadata: { name: "s" },
  provisioner: "kubernetes.io/no-provisioner",
  volumeBindingMode: "WaitForFirstConsumer",
});

function outcome(view: Partial<ClusterVolumes>, claims: readonly string[] = ["c"]): string {
  const cache = new SchedulerCache();
  for (const name of ["a", "b"]) cache.setNode(aNode(name));
  const volumes = claims.map((claimName) => ({ name: claimName, persistentVolumeClaim: { claimName } }));
  const pod = aPod("p", { spec: { volumes } });
  const result = schedule({ pod, nodes: cache.nodes, plugins: allPlugins, chance: 0, volumes: { ...noVolumes, ...view } });
  return result.node ?? result.message.replace(/ preemption: .*/, "");
}

test("a Pod goes where its bound volume is", () => {
  const view = { claim: () => aClaim("c", "v"), volume: () => aVolume("v", "b") };
  assert.equal(outcome(view), "b");
  assert.equal(
    outcome({ ...view, volume: () => aVolume("v", "z") }),
    "0/2 nodes are available: 2 node(s) didn't match PersistentVolume's node affinity.",
  );
  assert.equal(
    outcome({ ...view, volume: () => undefined }),
    "0/2 nodes are available: 2 node(s) unavailable due to one or more pvc(s) bound to non-existent pv(s).",
  );
});

test("what no node can help is said without them", () => {
  assert.equal(outcome({}), '0/2 nodes are available: persistentvolumeclaim "c" not found.');
  const immediate = { ...waits, volumeBindingMode: "Immediate" } as StorageClass;
  assert.equal(
    outcome({ claim: () => aClaim("c"), storageClass: () => immediate }),
    "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims.",
  );
});

test("an unbound claim needs a volume at the node, each of a Pod's claims its own, or somebody who makes it", () => {
  const one = aVolume("v", "b");
  const view: Partial<ClusterVolumes> = {
    claim: (_, name) => aClaim(name),
    storageClass: () => waits,
    volumeFor: (_claim, _pod, node, except) => (node.metadata.name === "b" && !except.has("v") ? one : undefined),
  };
  assert.equal(outcome(view), "b");
  assert.equal(outcome(view, ["c", "d"]), "0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind.");
  const makes = {
    ...waits,
    provisioner: "p",
    allowedTopologies: [{ matchLabelExpressions: [{ key: "disk", values: ["ssd"] }] }],
  } as StorageClass;
  assert.equal(
    outcome({ ...view, volumeFor: () => undefined, storageClass: () => makes }),
    "0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind.",
  );
  const chosen = { ...view, volumeFor: () => undefined, claim: () => aClaim("c", "", { [marks.selectedNode]: "a" }) };
  assert.equal(outcome(chosen), "a");
});

test("a driver's limit of volumes is kept", () => {
  const limited = (count: number) =>
    complete(CSINode, {
      metadata: { name: "a" },
      spec: { drivers: [{ name: "d", nodeID: "n", topologyKeys: [], allocatable: { count } }] },
    });
  const view = (count: number): Partial<ClusterVolumes> => ({
    claim: (_, name) => aClaim(name, name),
    volume: (name) => aVolume(name, "a", { driver: "d", volumeHandle: name }),
    csiNode: (name) => (name === "a" ? limited(count) : undefined),
  });
  assert.equal(outcome(view(2), ["c", "d"]), "a");
  assert.match(outcome(view(1), ["c", "d"]), /1 node\(s\) exceed max volume count/);
});
