// Pods of every shape, whose containers end as chance will have it under kubelets that die: what is promised about containers all the same.
import assert from "node:assert/strict";
import { Pod } from "#api/core/pod/pod.ts";
import type { ContainerStatus } from "#api/core/pod/pod-status.ts";
import { isSidecar } from "#api/core/pod/resources.ts";
import { isReason } from "#api/meta/status-error.ts";
import { isTrue } from "#api/meta/conditions.ts";
import { exitAnnotation, stopAnnotation } from "#cri/simulated/simulated-runtime.ts";
import type { Random } from "#platform/random.ts";
import type { Draft } from "#schema/message.ts";
import { type Cluster, simulateCluster } from "./cluster.ts";

const image = "web:1";
const codes = [0, 1, 42, 88];

simulateCluster(
  "LIFE1 whatever ends when, containers keep their order, their counts and their one process",
  { nodes: 1, seeds: 6 },
  async (cluster) => {
    const { client, until, always, wait, world, kubelet } = cluster;
    const { random } = world;
    const counts = new Map<string, number>();
    const over = new Map<string, string>();

    /** It may be gone by now. */
    async function remove(name: Pod["metadata"], gracePeriodSeconds?: number): Promise<void> {
      try {
        await client.delete(Pod, name, gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds });
      } catch (error) {
        if (!isReason(error, "NotFound")) throw error;
      }
    }

    always("a container has one process", () => {
      const running = processes(cluster).map(({ uid, name }) => `${uid} ${name}`);
      return new Set(running).size === running.length;
    });
    cluster.onChange(Pod, ({ type, object }) => {
      if (type !== "deleted") check(cluster, object, counts, over);
    });

    for (let index = 0; index < 8; index++) await client.create(Pod, randomPod(random, `pod-${index}`));
    for (let round = 0; round < 25; round++) {
      await wait(random.fraction() * 15);
      const chance = random.integer(10);
      const running = processes(cluster);
      const one = running[random.integer(Math.max(1, running.length))];
      if (chance < 6 && one) cluster.machine("node-1").runtime.exit(one.id, pick(random, codes));
      else if (chance < 8) {
        await kubelet("node-1").kill();
        await wait(random.fraction() * 5);
        kubelet("node-1").start();
      } else if (chance < 9 && round > 10) {
        const pods = cluster.list(Pod);
        const { metadata } = pods[random.integer(pods.length)] ?? {};
        if (metadata) await remove(metadata, 1 + random.integer(20));
      }
    }
    for (const { metadata } of cluster.list(Pod)) await remove(metadata);
    await until("all Pods are gone", () => cluster.list(Pod).length === 0, { seconds: 120 });
    await until("nothing runs", () => cluster.running().length === 0, { seconds: 60 });
  },
);

/** What must be true of every status that is told. */
function check(cluster: Cluster, pod: Pod, counts: Map<string, number>, over: Map<string, string>): void {
  const { spec, status, metadata } = pod;
  const { uid, name } = metadata;
  const inits = status.initContainerStatuses ?? [];
  const mains = status.containerStatuses ?? [];
  for (const one of [...inits, ...mains]) {
    const key = `${uid} ${one.name}`;
    assert.ok(one.restartCount >= (counts.get(key) ?? 0), `${name}/${one.name}: ${counts.get(key)} restarts, then ${one.restartCount}`);
    counts.set(key, one.restartCount);
    assert.ok(!one.ready || one.state.running || isDone(one), `${name}/${one.name} is ready and does not run`);
  }
  // While all are being restarted, those that ended wait for the others.
  const isRestarting = isTrue(status.conditions, "AllContainersRestarting");
  if (!isRestarting && mains.some(({ state }) => state.running)) {
    for (const [index, container] of (spec.initContainers ?? []).entries()) {
      const own = inits[index] as ContainerStatus;
      assert.ok(isSidecar(container) ? own.containerID : isDone(own), `${name}: a container runs, and ${own.name} has not done its part`);
    }
  }
  const before = over.get(uid);
  if (before !== undefined) assert.equal(status.phase, before, `${name} was over`);
  if (status.phase === "Succeeded" || status.phase === "Failed") {
    over.set(uid, status.phase);
    assert.deepEqual(
      processes(cluster).filter((process) => process.uid === uid),
      [],
      `${name} is ${status.phase} and runs`,
    );
  }
}

function isDone({ state }: ContainerStatus): boolean {
  return state.terminated?.exitCode === 0;
}

function processes(cluster: Cluster): readonly { readonly uid: string; readonly name: string; readonly id: string }[] {
  return cluster
    .machine("node-1")
    .runtime.running()
    .map(({ id, config }) => ({ id, name: config.name, uid: config.labels["io.kubernetes.pod.uid"] ?? "" }));
}

function randomPod(random: Random, name: string): Draft<Pod> {
  const annotations: Record<string, string> = {};
  const policies = ["Always", "OnFailure", "Never"] as const;
  const rules = () => {
    if (random.integer(3) > 0) return [];
    const action = pick(random, ["Restart", "RestartAllContainers"] as const);
    return [{ action, exitCodes: { operator: "In" as const, values: [pick(random, codes.slice(1))] } }];
  };
  const container = (own: string, policy: (typeof policies)[number] | undefined, ends: readonly string[]) => {
    const end = pick(random, ends);
    if (end !== "") annotations[exitAnnotation + own] = end;
    if (random.integer(3) === 0) annotations[stopAnnotation + own] = `${random.integer(12)}s`;
    return { name: own, image, ...(policy && { restartPolicy: policy, restartPolicyRules: rules() }) };
  };
  const own = () => pick(random, [undefined, undefined, ...policies]);
  const initContainers = Array.from({ length: random.integer(4) }, (_, index) =>
    random.integer(5) < 2
      ? container(`side-${index}`, "Always", ["", "", "0 after 20s", "88 after 40s"])
      : container(`init-${index}`, pick(random, [undefined, "Never" as const]), ["0", "0 after 3s", "0 after 1s", "1 after 2s"]),
  );
  const containers = Array.from({ length: 1 + random.integer(2) }, (_, index) =>
    container(`main-${index}`, own(), ["", "", "0 after 15s", "1 after 5s", "42 after 10s"]),
  );
  return {
    metadata: { namespace: "default", name, annotations },
    spec: {
      nodeName: "node-1",
      restartPolicy: pick(random, policies),
      terminationGracePeriodSeconds: 1 + random.integer(10),
      initContainers,
      containers,
    },
  };
}

function pick<T>(random: Random, list: readonly T[]): T {
  return list[random.integer(list.length)] as T;
}
