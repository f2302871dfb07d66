// Days of virtual time on a cluster whose every part fails at random, with workloads of every sort, Pods deleted at bad moments, and pauses
// without faults in which everything must come to what it should be (at-rest.ts).
//
//   hardDays({ hours: 72 })(cluster)
//
// Everything follows from the seed. What was done is written to the log, so that a failure shows its last steps.
import { Deployment } from "#api/apps/deployment/deployment.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { isReason } from "#api/meta/status-error.ts";
import { exitAnnotation, startAnnotation, stopAnnotation } from "#cri/simulated/simulated-runtime.ts";
import { NetworkError } from "#platform/network.ts";
import type { Random } from "#platform/random.ts";
import type { KubernetesObject } from "#schema/kind.ts";
import type { Draft } from "#schema/message.ts";
import { folderProblems, Ledger, mirrorProblems, problemsAtRest, waitingContainers } from "./at-rest.ts";
import { type Cluster, manifestsFolder, type Part } from "./cluster.ts";

export interface HardDaysOptions {
  readonly hours: number;
  /** Between two pauses without faults. Default 3. */
  readonly hoursBetweenRests?: number;
}

const deployments = ["web", "api"] as const;
const barePodsMax = 15;
const runtimeCalls = [
  ...["runSandbox", "stopSandbox", "removeSandbox", "sandboxes", "sandboxStatus", "createContainer", "startContainer", "stopContainer"],
  ...["removeContainer", "containers", "containerStatus", "imageStatus"],
] as const;
const restSecondsMax = 1_800;
const lookSeconds = 10;
/** Five minutes, and the time a kubelet needs. */
const longestBackOffSeconds = 330;

/** A body for simulateCluster. */
export function hardDays({ hours, hoursBetweenRests = 3 }: HardDaysOptions): (cluster: Cluster) => Promise<void> {
  return async (cluster) => {
    const { client, wait, world } = cluster;
    const { random } = world;
    const nodes = cluster.nodeNames;
    const ledger = new Ledger(cluster);
    const end = world.clock.monotonic() + hours * 3_600_000;
    for (const name of deployments) await client.create(Deployment, deployment(name, 3));

    while (world.clock.monotonic() < end) {
      const restAt = Math.min(end, world.clock.monotonic() + hoursBetweenRests * 3_600_000);
      const days = new BadDay(cluster, nodes);
      while (world.clock.monotonic() < restAt) {
        await wait(spread(random, 0.2, 200));
        if (random.integer(20) === 0) await editManifest(cluster, random);
        else if (random.integer(3) > 0) await quietly(() => work(cluster, random));
        else days.spoil();
      }
      await days.end();
      await rest(cluster, ledger);
    }
  };
}

/** Waits, without faults, until nothing is left to complain about. */
async function rest(cluster: Cluster, ledger: Ledger): Promise<void> {
  const { wait, world } = cluster;
  let problems: readonly string[] = [];
  for (let seconds = 0; seconds < restSecondsMax; seconds += lookSeconds) {
    await wait(lookSeconds);
    problems = [...problemsAtRest(cluster, ledger), ...(await mirrorProblems(cluster)), ...(await folderProblems(cluster))];
    if (problems.length > 0) continue;
    world.log.info("at rest", { seconds });
    // What waits to be started again is, in its time.
    const waiting = waitingContainers(cluster);
    await wait(longestBackOffSeconds);
    const still = waitingContainers(cluster);
    problems = [...waiting].filter((one) => still.has(one)).map((one) => `${one} waits longer than ${longestBackOffSeconds} s`);
    if (problems.length === 0) return;
    break;
  }
  throw new Error(`after ${restSecondsMax / 60} minutes without faults:\n  ${problems.slice(0, 20).join("\n  ")}`);
}

/** What goes wrong, and how it is made good again. */
class BadDay {
  readonly #cluster: Cluster;
  readonly #nodes: readonly string[];
  /** What is away, until it is back. */
  readonly #away = new Map<string, Promise<void>>();

  constructor(cluster: Cluster, nodes: readonly string[]) {
    this.#cluster = cluster;
    this.#nodes = nodes;
  }

  spoil(): void {
    const { apiServer, controllers, faults, scheduler, world } = this.#cluster;
    const { random } = world;
    const name = pick(random, this.#nodes);
    const kubelet = this.#cluster.kubelet(name);
    const spoilers: readonly (readonly [what: string, act: () => void])[] = [
      ["runtime calls go wrong", () => this.#runtimeFaults(name, "all", pick(random, [0.02, 0.1, 0.3, 1]))],
      ["runtime actions go wrong", () => this.#runtimeFaults(name, "actions", pick(random, [0.1, 0.3, 0.8, 1]))],
      ["runtime actions go wrong", () => this.#runtimeFaults(name, "actions", pick(random, [0.1, 0.3, 0.8, 1]))],
      ["one runtime call goes wrong", () => this.#runtimeFaults(name, pick(random, runtimeCalls), pick(random, [0.3, 0.8, 1]))],
      ["runtime restarts", () => faults.runtime(name).restart(spread(random, 0.1, 120) * 1_000)],
      ["kubelet restarts", () => this.#leave(name, spread(random, 0.1, 300), kubelet)],
      ["kubelet restarts, its Pods are forced away", () => this.#leave(name, spread(random, 5, 300), kubelet, () => this.#forceAway(name))],
      ["power cut", () => this.#leave(name, spread(random, 1, 900), poweredBy(this.#cluster, name))],
      [
        "power cut, its Pods are forced away",
        () => this.#leave(name, spread(random, 5, 900), poweredBy(this.#cluster, name), () => this.#forceAway(name)),
      ],
      ["API server restarts", () => this.#leave("API server", spread(random, 0.1, 200), apiServer)],
      ["controllers restart", () => this.#leave("controllers", spread(random, 0.1, 100), controllers)],
      ["scheduler restarts", () => this.#leave("scheduler", spread(random, 0.1, 60), scheduler)],
      [
        "network cut",
        () => {
          faults.cutNode(name);
          world.clock.timer(spread(random, 1, 900) * 1_000, () => faults.joinNode(name));
        },
      ],
      ["clock jumps", () => faults.setClock(name, (random.integer(2) === 0 ? 1 : -1) * spread(random, 0.1, 7_200) * 1_000)],
      ["watches break", () => faults.cutWatches()],
      ["watches are late", () => faults.delayWatches({ millisecondsMax: random.integer(5_000) })],
      ["answers get lost", () => faults.loseAnswers(pick(random, [0, 0.02, 0.2]))],
    ];
    const [what, act] = pick(random, spoilers);
    world.log.info(`fault: ${what}`, { node: name });
    act();
  }

  async end(): Promise<void> {
    const { faults } = this.#cluster;
    await Promise.all(this.#away.values());
    faults.delayWatches({ millisecondsMax: 0 });
    faults.loseAnswers(0);
    for (const name of this.#nodes) {
      faults.joinNode(name);
      faults.runtime(name).chance = 0;
      faults.setClock(name, 0);
    }
  }

  /** Something is away for a while, unless it is already. */
  #leave(what: string, seconds: number, { kill, start }: Part, meanwhile: () => Promise<void> = async () => {}): void {
    if (this.#away.has(what)) return;
    const away = (async () => {
      await kill();
      await quietly(meanwhile);
      await this.#cluster.wait(seconds);
      start();
      this.#away.delete(what);
    })();
    away.catch(() => {});
    this.#away.set(what, away);
  }

  /** Everything on the node is deleted without waiting for it. */
  async #forceAway(name: string): Promise<void> {
    const { client, list } = this.#cluster;
    for (const { metadata, spec } of list(Pod))
      if (spec.nodeName === name) await quietly(async () => void (await client.delete(Pod, metadata, { gracePeriodSeconds: 0 })));
  }

  #runtimeFaults(name: string, calls: string, chance: number): void {
    const { faults, world } = this.#cluster;
    const own = faults.runtime(name);
    Object.assign(own, { calls, chance });
    world.clock.timer(spread(world.random, 5, 900) * 1_000, () => {
      own.chance = 0;
    });
  }
}

/** The machine of a node with all that runs on it. */
function poweredBy({ faults }: Cluster, name: string): Part {
  return { kill: () => faults.loseNode(name), start: () => faults.returnNode(name) };
}

/** Something a user does. */
async function work(cluster: Cluster, random: Random): Promise<void> {
  const { client, world } = cluster;
  const bare = cluster.list(Pod).filter(({ metadata }) => metadata.ownerReferences === undefined);
  const deletable = cluster.list(Pod).filter(({ metadata }) => metadata.deletionTimestamp === undefined || random.integer(3) === 0);
  const gracePeriodSeconds = pick(random, [undefined, undefined, 0, 1, 60]);
  const options = gracePeriodSeconds === undefined ? {} : { gracePeriodSeconds };
  switch (random.integer(8)) {
    case 0:
    case 1:
    case 2: {
      if (bare.length >= barePodsMax) return;
      const pod = barePod(random);
      world.log.info("user: creates a Pod", { name: pod.metadata?.name });
      await client.create(Pod, pod);
      // Some are deleted while they are being made.
      if (random.integer(4) === 0) {
        await cluster.wait(random.fraction() * 2);
        await client.delete(Pod, { namespace: "default", name: pod.metadata?.name as string }, options);
      }
      return;
    }
    case 3:
    case 4: {
      if (deletable.length === 0) return;
      const victim = pick(random, deletable);
      world.log.info("user: deletes a Pod", { name: victim.metadata.name, gracePeriodSeconds });
      await client.delete(Pod, victim.metadata, options);
      return;
    }
    case 5: {
      const name = pick(random, deployments);
      const replicas = random.integer(6);
      world.log.info("user: scales", { name, replicas });
      await client.patch(Deployment, { namespace: "default", name }, { spec: { replicas } } as never, { type: "merge" });
      return;
    }
    case 6: {
      const name = pick(random, deployments);
      const image = `${name}:${random.integer(1_000)}`;
      world.log.info("user: rolls out", { name, image });
      const spec = { template: { spec: { containers: [{ name: "main", image }] } } };
      await client.patch(Deployment, { namespace: "default", name }, { spec } as never, { type: "strategic" });
      return;
    }
    case 7:
      // The users clear what has ended, and what they have too many of.
      for (const pod of bare.slice(0, random.integer(bare.length + 1))) {
        await client.delete(Pod, pod.metadata, options).catch(ignoreMissing);
      }
      return;
  }
}

/** An administrator changes what a machine runs by itself; now and then the kubelet sees half of it. */
async function editManifest(cluster: Cluster, random: Random): Promise<void> {
  const nodeName = pick(random, cluster.nodeNames);
  const { files } = cluster.machine(nodeName).world;
  const name = `static-${random.integer(3)}`;
  const path = `${manifestsFolder}/${name}.json`;
  await files.makeFolder(manifestsFolder);
  if (random.integer(3) === 0) {
    cluster.world.log.info("administrator: removes a manifest", { node: nodeName, name });
    await files.remove(path).catch(() => {});
    return;
  }
  const { metadata, spec } = barePod(random) as { metadata: object; spec: object };
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { ...metadata, name }, spec: { ...spec, restartPolicy: "Always" } };
  const text = JSON.stringify(pod, (_, value) => (typeof value === "bigint" ? Number(value) : value));
  cluster.world.log.info("administrator: writes a manifest", { node: nodeName, name });
  if (random.integer(3) === 0) {
    await files.write(path, text.slice(0, random.integer(text.length)));
    await cluster.wait(random.fraction());
  }
  await files.write(path, text);
}

const tolerations = [
  undefined,
  [{ operator: "Exists" }],
  [{ key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute", tolerationSeconds: 300n }],
] as const;

function deployment(name: string, replicas: number): Draft<Deployment & KubernetesObject> {
  return {
    metadata: { namespace: "default", name },
    spec: {
      replicas,
      selector: { matchLabels: { app: name } },
      template: {
        metadata: { labels: { app: name } },
        spec: {
          terminationGracePeriodSeconds: 5,
          containers: [{ name: "main", image: `${name}:1` }],
          ...(name === "web" && { initContainers: [{ name: "side", image: "side:1", restartPolicy: "Always" }] }),
        },
      },
    },
  } as unknown as Draft<Deployment & KubernetesObject>;
}

/** Names come again: a Pod made anew under the name of one that is still going is the hardest. */
function barePod(random: Random): Draft<Pod> {
  const restartPolicy = pick(random, ["Always", "OnFailure", "Never"]);
  const annotations: Record<string, string> = {};
  const tells = (container: string) => {
    if (random.integer(2) === 0) annotations[exitAnnotation + container] = `${pick(random, [0, 1, 3])} after ${random.integer(200)}s`;
    if (random.integer(8) === 0) annotations[startAnnotation + container] = "exec: not found";
    if (random.integer(3) === 0) annotations[stopAnnotation + container] = `${random.integer(40)}s`;
  };
  const containers = ["one", "two"].slice(0, 1 + random.integer(2));
  for (const name of containers) tells(name);
  const initContainers: object[] = [];
  if (random.integer(3) === 0) {
    initContainers.push({ name: "init", image: "init:1" });
    annotations[`${exitAnnotation}init`] = `${pick(random, [0, 0, 0, 1])} after ${random.integer(20)}s`;
  }
  if (random.integer(3) === 0) {
    initContainers.push({ name: "side", image: "side:1", restartPolicy: "Always" });
    if (random.integer(3) === 0) tells("side");
  }
  const seconds = pick(random, tolerations);
  return {
    metadata: { namespace: "default", name: `bare-${random.integer(20)}`, annotations },
    spec: {
      restartPolicy,
      terminationGracePeriodSeconds: pick(random, [0, 1, 5, 30]),
      ...(random.integer(6) === 0 && { activeDeadlineSeconds: 1 + random.integer(600) }),
      ...(seconds && { tolerations: seconds }),
      ...(initContainers.length > 0 && { initContainers }),
      containers: containers.map((name) => ({ name, image: `${name}:1` })),
    },
  } as unknown as Draft<Pod>;
}

async function quietly(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    ignoreMissing(error);
  }
}

/** What users hear on such a day. */
function ignoreMissing(error: unknown): void {
  if (!(error instanceof NetworkError) && !isReason(error, "NotFound", "AlreadyExists", "Conflict", "Invalid")) throw error;
}

function pick<T>(random: Random, choices: readonly T[]): T {
  return choices[random.integer(choices.length)] as T;
}

/** Short times are as likely as long ones. */
function spread(random: Random, min: number, max: number): number {
  return min * (max / min) ** random.fraction();
}
