// Kubelets that die, machines that are lost, and what is promised all the same.
import assert from "node:assert/strict";
import { Deployment } from "#api/apps/deployment/deployment.ts";
import { ReplicaSet } from "#api/apps/replica-set/replica-set.ts";
import { Node } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { isReady } from "#api/core/pod/readiness.ts";
import { stopAnnotation } from "#cri/simulated/simulated-runtime.ts";
import { type Cluster, manifestsFolder, simulateCluster } from "./cluster.ts";

const template = (name: string, image = "web:1") => ({
  metadata: { labels: { app: name } },
  spec: { terminationGracePeriodSeconds: 2, containers: [{ name: "web", image }] },
});
const replicaSet = (name: string, replicas: number) => ({
  metadata: { namespace: "default", name },
  spec: { replicas, selector: { matchLabels: { app: name } }, template: template(name) },
});
const isActive = ({ metadata, status }: Pod) =>
  metadata.deletionTimestamp === undefined && status.phase !== "Failed" && status.phase !== "Succeeded";
const active = ({ list }: Cluster) => list(Pod).filter(isActive);
const ready = (cluster: Cluster) => active(cluster).filter(isReady);

simulateCluster("RS5 a ReplicaSet losing a Node never leaves too many Pods", { nodes: 3, seeds: 3 }, async (cluster) => {
  const { client, until, always, wait, faults, world } = cluster;
  always("at most 3 Pods are active", () => active(cluster).length <= 3);
  await client.create(ReplicaSet, replicaSet("web", 3));
  await until("3 Pods are ready", () => ready(cluster).length === 3);
  faults.delayWatches({ millisecondsMax: 2_000 });
  const lost = ready(cluster)[0]?.spec.nodeName as string;
  await wait(world.random.fraction());
  await faults.loseNode(lost);
  const isElsewhere = ({ spec }: Pod) => spec.nodeName !== lost;
  await until("3 Pods are ready elsewhere", () => ready(cluster).filter(isElsewhere).length === 3, { seconds: 600 });
  assert.ok(cluster.running().every(({ node }) => node !== lost));
  faults.returnNode(lost);
  await until("what was left there is gone", () => cluster.list(Pod).every(isElsewhere), { seconds: 300 });
});

simulateCluster("SYNC6 a kubelet that is killed and started leaves containers untouched", { nodes: 2, seeds: 3 }, async (cluster) => {
  const { client, until, wait, world, kubelet } = cluster;
  await client.create(ReplicaSet, replicaSet("web", 6));
  await until("6 Pods are ready", () => ready(cluster).length === 6);
  const before = cluster.running();
  assert.equal(before.length, 6);
  const statuses = () => new Map(cluster.list(Pod).map(({ metadata, status }) => [metadata.uid, status]));
  const told = statuses();
  for (const name of ["node-1", "node-2", "node-1"]) {
    await kubelet(name).kill();
    await wait(world.random.fraction() * 20);
    kubelet(name).start();
    await wait(world.random.fraction() * 5);
  }
  await wait(30);
  assert.deepEqual(cluster.running(), before);
  assert.deepEqual(statuses(), told);
});

simulateCluster("SYNC7 a kubelet that dies while it starts Pods makes each of them once", { nodes: 2, seeds: 3 }, async (cluster) => {
  const { client, until, always, wait, world, kubelet } = cluster;
  always("a Pod has one process", () => new Set(cluster.running().map(({ uid }) => uid)).size === cluster.running().length);
  await client.create(ReplicaSet, replicaSet("web", 10));
  for (let round = 0; round < 4; round += 1) {
    await wait(world.random.fraction() * 0.5);
    await kubelet("node-1").kill();
    await wait(world.random.fraction());
    kubelet("node-1").start();
  }
  await until("10 Pods are ready", () => ready(cluster).length === 10, { seconds: 120 });
});

simulateCluster("DEP3 a rolling update keeps what it promised available", { nodes: 3, seeds: 3 }, async (cluster) => {
  const { client, until, always, faults } = cluster;
  const spec = (image: string) => ({
    replicas: 4,
    selector: { matchLabels: { app: "web" } },
    template: template("web", image),
    strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 1, maxUnavailable: 1 } },
  });
  await client.create(Deployment, { metadata: { namespace: "default", name: "web" }, spec: spec("web:1") } as never);
  await until("4 Pods are ready", () => ready(cluster).length === 4);
  faults.delayWatches({ millisecondsMax: 1_000 });
  const processes = () => new Set(cluster.running().map(({ uid }) => uid));
  always("3 ready Pods have a process", () => {
    const alive = processes();
    return ready(cluster).filter(({ metadata }) => alive.has(metadata.uid)).length >= 3;
  });
  always("at most 5 Pods are active", () => active(cluster).length <= 5);
  await client.patch(Deployment, { namespace: "default", name: "web" }, { spec: spec("web:2") } as never, { type: "merge" });
  const isNew = ({ spec: { containers } }: Pod) => containers[0]?.image === "web:2";
  await until(
    "4 new Pods are ready, no old one is left",
    () => ready(cluster).filter(isNew).length === 4 && cluster.list(Pod).length === 4,
    {
      seconds: 300,
    },
  );
});

simulateCluster("END2 containers end, in their own time, before the Pod goes", { nodes: 1, seeds: 3 }, async (cluster) => {
  const { client, until, always, wait, world, kubelet } = cluster;
  const containers = [{ name: "web", image: "web:1" }];
  const make = (name: string, takes: string) =>
    client.create(Pod, {
      metadata: { namespace: "default", name, annotations: { [`${stopAnnotation}web`]: takes } },
      spec: { terminationGracePeriodSeconds: 10, containers },
    });
  await make("polite", "4s");
  await make("deaf", "60s");
  await until("both are ready", () => ready(cluster).length === 2);
  const uids = new Map(cluster.list(Pod).map(({ metadata }) => [metadata.uid, metadata.name]));
  always("what runs is in the API", () => {
    const known = new Set(cluster.list(Pod).map(({ metadata }) => metadata.uid));
    return cluster.running().every(({ uid }) => known.has(uid));
  });
  const names = () => cluster.running().map(({ uid }) => uids.get(uid));
  const startedAt = world.clock.monotonic();
  const secondsUntilGone = async (name: string) => {
    await until(`${name} ends`, () => !names().includes(name));
    return (world.clock.monotonic() - startedAt) / 1_000;
  };
  for (const name of ["polite", "deaf"]) await client.delete(Pod, { namespace: "default", name });
  await wait(1 + world.random.fraction());
  assert.deepEqual(names().toSorted(), ["deaf", "polite"]);
  if (world.random.integer(2) === 0) {
    await kubelet("node-1").kill();
    kubelet("node-1").start();
  }
  const polite = await secondsUntilGone("polite");
  const deaf = await secondsUntilGone("deaf");
  assert.ok(polite >= 4 && polite < 8, `polite had ${polite} s`);
  assert.ok(deaf >= 10 && deaf < 16, `deaf had ${deaf} s`);
  await until("both are gone", () => cluster.list(Pod).length === 0);
});

simulateCluster(
  "SYNC11 a Pod never runs on two Nodes, whatever dies; in the end what runs is what is meant",
  { nodes: 3, seeds: 3 },
  async (cluster) => {
    const { client, until, wait, world, faults } = cluster;
    const names = ["node-1", "node-2", "node-3"] as const;
    const any = <T>(choices: readonly T[]): T => choices[world.random.integer(choices.length)] as T;
    await client.create(ReplicaSet, replicaSet("web", 9));
    const chaos: readonly (() => Promise<void>)[] = [
      async () => {
        const name = any(names);
        await faults.loseNode(name);
        await wait(world.random.fraction() * 120);
        faults.returnNode(name);
      },
      async () => {
        const { kill, start } = cluster.kubelet(any(names));
        await kill();
        await wait(world.random.fraction() * 5);
        start();
      },
      async () => {
        await cluster.scheduler.kill();
        await wait(world.random.fraction());
        cluster.scheduler.start();
      },
      async () => {
        await cluster.apiServer.kill();
        await wait(world.random.fraction() * 5);
        cluster.apiServer.start();
      },
      async () => {
        const [victim] = active(cluster);
        if (victim) await client.delete(Pod, victim.metadata).catch(() => {});
      },
      async () => faults.cutWatches(),
    ];
    faults.delayWatches({ millisecondsMax: 1_000 });
    for (let round = 0; round < 8; round += 1) {
      await any(chaos)();
      await wait(world.random.fraction() * 3);
    }
    const isTrue = () => {
      const running = new Map(cluster.running().map(({ uid, node }) => [uid, node]));
      return (
        running.size === 9 &&
        ready(cluster).length === 9 &&
        ready(cluster).every(({ metadata, spec }) => running.get(metadata.uid) === spec.nodeName)
      );
    };
    await until("9 Pods are ready and run where they are said to", isTrue, { seconds: 900 });
  },
);

simulateCluster(
  "FAULT3 static Pods come, change and go while the API is away; their mirrors follow when it is back",
  { nodes: 1, staticPods: true, seeds: 3 },
  async (cluster) => {
    const { apiServer, client, kubelet, until, wait, world } = cluster;
    const { files } = cluster.machine("node-1").world;
    await files.makeFolder(manifestsFolder);
    const write = (name: string, image: string) =>
      files.write(
        `${manifestsFolder}/${name}.json`,
        JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name }, spec: { containers: [{ name: "main", image }] } }),
      );
    const mirrors = () => cluster.list(Pod).map(({ metadata }) => metadata.name);
    const processes = () => cluster.running().length;
    await write("first", "i:1");
    await write("second", "i:1");
    await until("both run and are seen", () => processes() === 2 && ready(cluster).length === 2);
    const before = new Map(cluster.list(Pod).map(({ metadata }) => [metadata.name, metadata.uid]));

    await apiServer.kill();
    await write("second", "i:2");
    await files.remove(`${manifestsFolder}/first.json`);
    await write("third", "i:1");
    await until("they run without the API", () => {
      const images = cluster
        .machine("node-1")
        .runtime.running()
        .map(({ config }) => config.userImage);
      return images.toSorted().join() === "i:1,i:2";
    });
    if (world.random.integer(2) === 0) {
      await kubelet("node-1").kill();
      await wait(world.random.fraction() * 60);
      kubelet("node-1").start();
    }
    const untouched = cluster.running();
    await wait(world.random.fraction() * 600);
    apiServer.start();
    await until("the mirrors are those of the manifests", () => mirrors().toSorted().join() === "second-node-1,third-node-1");
    await until("they say what runs", () => ready(cluster).length === 2);
    assert.notEqual(cluster.list(Pod).find(({ metadata }) => metadata.name === "second-node-1")?.metadata.uid, before.get("second-node-1"));

    await client.delete(Pod, { namespace: "default", name: "third-node-1" }, { gracePeriodSeconds: 0 });
    await until("a mirror that is deleted is made again", () => mirrors().includes("third-node-1") && ready(cluster).length === 2);
    assert.deepEqual(cluster.running(), untouched, "what runs was left alone all the while");
  },
);

simulateCluster(
  "NODE-353: a Node that says it is not ready, and Pods that say they are, cost no endless writes",
  { nodes: 2, seeds: 2 },
  async (cluster) => {
    const { client, faults, until, wait } = cluster;
    const stays = { ...template("web"), spec: { ...template("web").spec, tolerations: [{ operator: "Exists" }] } };
    const set = replicaSet("web", 4);
    await client.create(ReplicaSet, { ...set, spec: { ...set.spec, template: stays } } as never);
    await until("4 Pods are ready", () => ready(cluster).length === 4);
    let changes = 0;
    cluster.onChange(Pod, () => {
      changes += 1;
    });
    changes = 0;
    Object.assign(faults.runtime("node-1"), { calls: "status", chance: 1 });
    const isWell = () =>
      cluster
        .list(Node)
        .find(({ metadata }) => metadata.name === "node-1")
        ?.status.conditions?.find(({ type }) => type === "Ready")?.status;
    await until("the Node is not ready", () => isWell() === "False", { seconds: 300 });
    await wait(120);
    assert.ok(changes > 0 && changes < 20, `${changes} changes`);
    faults.runtime("node-1").chance = 0;
    await until("all is well", () => isWell() === "True" && ready(cluster).length === 4, { seconds: 300 });
  },
);

simulateCluster(
  "NODE-354 and NODE-355: of a zone that is mostly lost few Nodes are given up, and none when all are",
  { nodes: 5, seeds: 2 },
  async (cluster) => {
    const { faults, until, wait } = cluster;
    const givenUp = () => cluster.list(Node).filter(({ spec }) => spec.taints?.some(({ effect }) => effect === "NoExecute")).length;
    const lost = () =>
      cluster.list(Node).filter(({ spec }) => spec.taints?.some(({ key }) => key === "node.kubernetes.io/unreachable")).length;
    await wait(20);
    for (const name of ["node-1", "node-2", "node-3"]) await faults.loseNode(name);
    await until("three are lost", () => lost() === 3, { seconds: 120 });
    await wait(300);
    assert.ok(givenUp() <= 2, `${givenUp()} of three are given up`);
    for (const name of ["node-4", "node-5"]) await faults.loseNode(name);
    await until("all are lost, and none is given up", () => lost() === 5 && givenUp() === 0, { seconds: 120 });
    await wait(300);
    assert.equal(givenUp(), 0);
    for (const name of cluster.nodeNames) faults.returnNode(name);
    await until("all are well", () => lost() === 0, { seconds: 120 });
  },
);
