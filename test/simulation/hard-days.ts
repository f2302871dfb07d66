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
import { Ledger, problemsAtRest } from "./at-rest.ts";
import type { Cluster } from "./cluster.ts";

export interface HardDaysOptions {
  readonly hours: number;
  /** Between two pauses without faults. Default 3. */
  readonly hoursBetweenRests?: number;
}

const deployments = ["web", "api"] as const;
const barePodsMax = 12;
const restSecondsMax = 1_800;
const lookSeconds = 10;

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
        await wait(spread(random, 1, 400));
        if (random.integer(2) === 0) await quietly(() => work(cluster, random));
        else await days.spoil();
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
    problems = problemsAtRest(cluster, ledger);
    if (problems.length === 0) {
      world.log.info("at rest", { seconds });
      return;
    }
  }
  throw new Error(`after ${restSecondsMax / 60} minutes without faults:\n  ${problems.slice(0, 20).join("\n  ")}`);
}

/** What goes wrong, and how it is made good again. */
class BadDay {
  readonly #cluster: Cluster;
  readonly #nodes: readonly string[];
  readonly #off = new Set<string>();

  constructor(cluster: Cluster, nodes: readonly string[]) {
    this.#cluster = cluster;
    this.#nodes = nodes;
  }

  async spoil(): Promise<void> {
    const { faults, wait, world } = this.#cluster;
    const { random } = world;
    const name = pick(random, this.#nodes);
    const spoilers: readonly (readonly [what: string, act: () => Promise<void> | void])[] = [
      ["runtime calls go wrong", () => this.#runtimeFaults(name, pick(random, [0.02, 0.1, 0.3, 0.8, 1]), spread(random, 1, 600))],
      ["runtime restarts", () => faults.runtime(name).restart(spread(random, 0.1, 120) * 1_000)],
      [
        "kubelet restarts",
        async () => {
          if (this.#off.has(name)) return;
          await this.#cluster.kubelet(name).kill();
          await wait(spread(random, 0.1, 120));
          this.#cluster.kubelet(name).start();
        },
      ],
      [
        "API server restarts",
        async () => {
          await this.#cluster.apiServer.kill();
          await wait(spread(random, 0.1, 200));
          this.#cluster.apiServer.start();
        },
      ],
      [
        "network cut",
        () => {
          faults.cutNode(name);
          world.clock.timer(spread(random, 1, 900) * 1_000, () => faults.joinNode(name));
        },
      ],
      ["clock jumps", () => faults.setClock(name, (random.integer(2) === 0 ? 1 : -1) * spread(random, 0.1, 7_200) * 1_000)],
      [
        "power cut",
        async () => {
          if (this.#off.has(name)) return;
          this.#off.add(name);
          await faults.loseNode(name);
          await wait(spread(random, 1, 900));
          faults.returnNode(name);
          this.#off.delete(name);
        },
      ],
      ["watches break", () => faults.cutWatches()],
      ["watches are late", () => faults.delayWatches({ millisecondsMax: random.integer(5_000) })],
      ["answers get lost", () => faults.loseAnswers(pick(random, [0, 0.02, 0.2]))],
      [
        "controllers restart",
        async () => {
          await this.#cluster.controllers.kill();
          await wait(spread(random, 0.1, 100));
          this.#cluster.controllers.start();
        },
      ],
      [
        "scheduler restarts",
        async () => {
          await this.#cluster.scheduler.kill();
          await wait(spread(random, 0.1, 60));
          this.#cluster.scheduler.start();
        },
      ],
    ];
    const [what, act] = pick(random, spoilers);
    world.log.info(`fault: ${what}`, { node: name });
    await act();
  }

  async end(): Promise<void> {
    const { faults } = this.#cluster;
    faults.delayWatches({ millisecondsMax: 0 });
    faults.loseAnswers(0);
    for (const name of this.#nodes) {
      faults.joinNode(name);
      faults.runtime(name).chance = 0;
      faults.setClock(name, 0);
    }
  }

  #runtimeFaults(name: string, chance: number, seconds: number): void {
    const faults = this.#cluster.faults.runtime(name);
    faults.chance = chance;
    this.#cluster.world.clock.timer(seconds * 1_000, () => {
      faults.chance = 0;
    });
  }
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
