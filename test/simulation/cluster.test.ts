import assert from "node:assert/strict";
import { ReplicaSet } from "#api/apps/replica-set/replica-set.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { type Cluster, simulateCluster } from "./cluster.ts";

const replicaSet = (name: string, replicas: number) => ({
  metadata: { namespace: "default", name },
  spec: {
    replicas,
    selector: { matchLabels: { app: name } },
    template: { metadata: { labels: { app: name } }, spec: { containers: [{ name: "c", image: "i" }] } },
  },
});
const active = ({ list }: Cluster) =>
  list(Pod).filter(({ metadata, status }) => !metadata.deletionTimestamp && status.phase !== "Failed" && status.phase !== "Succeeded");
const ready = (cluster: Cluster) => active(cluster).filter(({ status }) => status.phase === "Running");

simulateCluster("a ReplicaSet keeps its count, never more, while watches are late and break", { nodes: 3, seeds: 3 }, async (cluster) => {
  const { client, until, always, faults, world } = cluster;
  cluster.list(ReplicaSet);
  faults.delayWatches({ millisecondsMax: 3_000 });
  always("at most 3 Pods are active", () => active(cluster).length <= 3);
  await client.create(ReplicaSet, replicaSet("web", 3));
  await until("3 Pods run", () => ready(cluster).length === 3, { seconds: 300 });
  for (let round = 0; round < 3; round += 1) {
    const [victim] = active(cluster);
    assert.ok(victim);
    await client.delete(Pod, victim.metadata);
    if (world.random.integer(2) === 0) faults.cutWatches();
    await until("3 other Pods run", () => ready(cluster).length === 3, { seconds: 300 });
  }
});

simulateCluster("a scheduler that is killed again and again loses no Pod", { nodes: 3, seeds: 3 }, async (cluster) => {
  const { client, until, wait, scheduler, world } = cluster;
  await client.create(ReplicaSet, replicaSet("web", 30));
  for (let round = 0; round < 5; round += 1) {
    await wait(world.random.fraction() * 0.4);
    await scheduler.kill();
    await wait(world.random.fraction() * 2);
    scheduler.start();
  }
  await until("30 Pods run", () => ready(cluster).length === 30, { seconds: 120 });
});

simulateCluster("of two schedulers one leads, and the other goes on when it is gone", { nodes: 2, seeds: 3 }, async (cluster) => {
  const { client, until, always, scheduler } = cluster;
  await scheduler.kill();
  const copies = cluster.electSchedulers(2);
  always("at most one leads", () => copies.filter(({ isLeading }) => isLeading()).length <= 1);
  await until("one leads", () => copies.some(({ isLeading }) => isLeading()));
  await client.create(ReplicaSet, replicaSet("before", 4));
  await until("4 Pods run", () => ready(cluster).length === 4);
  await copies.find(({ isLeading }) => isLeading())?.part.kill();
  await client.create(ReplicaSet, replicaSet("after", 4));
  await until("8 Pods run", () => ready(cluster).length === 8, { seconds: 60 });
});

simulateCluster("an API server that is killed while things happen is picked up where it was", { nodes: 3, seeds: 3 }, async (cluster) => {
  const { client, until, wait, apiServer, world } = cluster;
  await client.create(ReplicaSet, replicaSet("web", 12));
  for (let round = 0; round < 4; round += 1) {
    await wait(world.random.fraction());
    await apiServer.kill();
    await wait(world.random.fraction() * 5);
    apiServer.start();
    await wait(1 + world.random.fraction() * 3);
  }
  await until("12 Pods run", () => ready(cluster).length === 12, { seconds: 60 });
  await client.delete(ReplicaSet, { namespace: "default", name: "web" }, { propagationPolicy: "Background" });
  await until("all is gone", () => cluster.list(Pod).length === 0, { seconds: 120 });
});
