// Claims whose volumes are made on demand, under late and broken watches and killed components.
import assert from "node:assert/strict";
import { PersistentVolume } from "#api/core/persistent-volume/persistent-volume.ts";
import { PersistentVolumeClaim } from "#api/core/persistent-volume-claim/persistent-volume-claim.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { StorageClass } from "#api/storage.k8s.io/storage-class/storage-class.ts";
import { type Cluster, simulateCluster } from "./cluster.ts";

const namespace = "default";
const storageClass = {
  metadata: { name: "local-path", annotations: { "storageclass.kubernetes.io/is-default-class": "true" } },
  provisioner: "keelson.dev/local-path",
  volumeBindingMode: "WaitForFirstConsumer" as const,
};
const claim = (name: string, storageClassName?: string) => ({
  metadata: { namespace, name },
  spec: {
    accessModes: ["ReadWriteOnce"],
    resources: { requests: { storage: "1Gi" } },
    ...(storageClassName !== undefined && { storageClassName }),
  },
});
const pod = (name: string, claimName: string) => ({
  metadata: { namespace, name },
  spec: {
    containers: [{ name: "c", image: "i", volumeMounts: [{ name: "v", mountPath: "/v" }] }],
    volumes: [{ name: "v", persistentVolumeClaim: { claimName } }],
  },
});
const running = ({ list }: Cluster) => list(Pod).filter(({ status }) => status.phase === "Running");

simulateCluster(
  "volumes are made where their Pods are, Pods come back to them, and nothing is left",
  { nodes: 3, seeds: 3 },
  async (cluster) => {
    const { client, until, faults, scheduler, list, world } = cluster;
    for (const kind of [PersistentVolume, PersistentVolumeClaim, Pod]) list(kind as typeof Pod);
    await client.create(StorageClass, storageClass);
    const names = ["a", "b", "c", "d", "e", "f"];
    for (const name of names) {
      await client.create(PersistentVolumeClaim, claim(name));
      await client.create(Pod, pod(name, name));
      if (world.random.integer(3) === 0) faults.cutWatches();
    }
    await scheduler.kill();
    scheduler.start();
    await until("all Pods run", () => running(cluster).length === names.length, { seconds: 300 });
    const placeOf = new Map(list(Pod).map(({ metadata, spec }) => [metadata.name, spec.nodeName]));
    const claims = list(PersistentVolumeClaim);
    assert.equal(new Set(claims.map(({ spec }) => spec.volumeName)).size, names.length);

    for (const name of names) await client.delete(Pod, { namespace, name });
    await until("all Pods are gone", () => list(Pod).length === 0, { seconds: 300 });
    for (const name of names) await client.create(Pod, pod(name, name));
    await until("all Pods run again", () => running(cluster).length === names.length, { seconds: 300 });
    for (const { metadata, spec } of list(Pod)) assert.equal(spec.nodeName, placeOf.get(metadata.name));

    for (const name of names) await client.delete(PersistentVolumeClaim, { namespace, name });
    assert.equal(list(PersistentVolume).length, names.length);
    for (const name of names) await client.delete(Pod, { namespace, name });
    await until("nothing is left", () => list(PersistentVolumeClaim).length + list(PersistentVolume).length === 0, { seconds: 300 });
  },
);

simulateCluster("of many claims that want few volumes, each volume goes to one", { nodes: 1, seeds: 3 }, async (cluster) => {
  const { client, until, always, faults, list } = cluster;
  list(PersistentVolume);
  list(PersistentVolumeClaim);
  faults.delayWatches({ millisecondsMax: 2_000 });
  always("no volume has two claims", () => {
    const taken = list(PersistentVolumeClaim).flatMap(({ spec, status }) => (status.phase === "Bound" ? [spec.volumeName] : []));
    return new Set(taken).size === taken.length;
  });
  for (const name of ["x", "y", "z"])
    await client.create(PersistentVolume, {
      metadata: { name },
      spec: { capacity: { storage: "1Gi" }, accessModes: ["ReadWriteOnce"], storageClassName: "few", hostPath: { path: `/srv/${name}` } },
    });
  for (let index = 0; index < 6; index += 1) await client.create(PersistentVolumeClaim, claim(`claim-${index}`, "few"));
  await until("three are bound", () => list(PersistentVolumeClaim).filter(({ status }) => status.phase === "Bound").length === 3, {
    seconds: 120,
  });
  await until("all volumes are bound", () => list(PersistentVolume).every(({ status }) => status.phase === "Bound"), { seconds: 120 });
});
