// A whole cluster from a seed: memory store, API server, controllers, scheduler and kubelets on simulated machines in one World, with
// faults between them.
//
//   simulateCluster("…", { nodes: 3, seeds: 10 }, async (cluster) => { … });
//
// Always held: no Pod runs on two nodes. Held at the end: every watcher equals a fresh list, the store equals its own history.
import assert from "node:assert/strict";
import { allKinds } from "#api/all.ts";
import { Namespace } from "#api/core/namespace/namespace.ts";
import { Node } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { conditionOf } from "#api/meta/conditions.ts";
import { isReason } from "#api/meta/status-error.ts";
import { type ApiServer, startApiServer } from "#apiserver/start.ts";
import { ScopeStopped, type Scope } from "#base/scope.ts";
import type { Client } from "#client/client.ts";
import { inProcessTransport } from "#client/in-process/transport.ts";
import { type Change, type Informer, objectKey } from "#client/informer.ts";
import { type Informers, sharedInformers } from "#client/informers.ts";
import { leadWhenElected } from "#client/leader-election.ts";
import { restClient } from "#client/rest-client.ts";
import type { Transport } from "#client/transport.ts";
import { chosenControllers, startControllers } from "#controllers/manager.ts";
import type { Clock, Timer } from "#platform/clock.ts";
import { NetworkError } from "#platform/network.ts";
import type { SimulatedWorld } from "#platform/simulated/world.ts";
import { freezeObjects } from "#schema/derive/freeze.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import { startScheduler } from "#scheduler/scheduler.ts";
import { openMemoryStore } from "#store/memory/memory-store.ts";
import type { Store } from "#store/store.ts";
import { type SimulatedNode, simulatedNode, startSimulatedNode } from "#hosts/single-process/simulated-node.ts";
import { faultyRuntime, RuntimeFaults } from "./faulty-runtime.ts";
import { runSeeds, type Simulation, type SimulateOptions, simulationOf } from "./simulate.ts";

freezeObjects(true);

export interface ClusterOptions extends SimulateOptions {
  readonly nodes: number;
  /** Whether kubelets read manifests from `manifestsFolder` of their machines. */
  readonly staticPods?: boolean;
}

export const manifestsFolder = "/etc/kubernetes/manifests";

/** A part of the control plane that can be killed and started. */
export interface Part {
  kill(): Promise<void>;
  start(): void;
}

export interface Cluster extends Simulation {
  readonly client: Client;
  /** What the store holds now, as an undelayed watcher sees it. */
  list<T extends KubernetesObject>(kind: Kind<T>): readonly T[];
  /** Calls back for what there is and for every change. */
  onChange<T extends KubernetesObject>(kind: Kind<T>, told: (change: Change<T>) => void): void;
  readonly nodeNames: readonly string[];
  /** Containers whose process runs, on every machine. */
  running(): readonly { readonly node: string; readonly uid: string; readonly id: string; readonly startedAt: number }[];
  /** The kubelet of a node; killing it leaves containers alone. */
  kubelet(nodeName: string): Part;
  readonly scheduler: Part;
  readonly controllers: Part;
  readonly apiServer: Part;
  /** Another scheduler beside the first; with leader election both wait for the Lease. */
  electSchedulers(copies: number): readonly { readonly name: string; readonly part: Part; readonly isLeading: () => boolean }[];
  /** The machine of a node. */
  machine(nodeName: string): SimulatedNode;
  readonly faults: {
    /** What goes wrong between a node's kubelet and its container runtime. */
    runtime(nodeName: string): RuntimeFaults;
    /** A node's kubelet and the API server do not hear each other. */
    cutNode(name: string): void;
    joinNode(name: string): void;
    /** Writes and reads of the components are answered late, or done with the answer lost, with this chance. */
    loseAnswers(chance: number): void;
    /** The node's wall clock is this far from the others'. */
    setClock(name: string, offsetMilliseconds: number): void;
    /** Every watch of the components is late by up to this. */
    delayWatches(options: { readonly millisecondsMax: number }): void;
    /** Ends every watch of the components. */
    cutWatches(): void;
    /** The machine is without power: its kubelet stops and its containers die, without a word. */
    loseNode(name: string): Promise<void>;
    /** The machine is back, with the disk it had. */
    returnNode(name: string): void;
  };
}

const wholeControllers = [
  "deployment-controller",
  "replicaset-controller",
  "garbage-collector-controller",
  "node-lifecycle-controller",
  "taint-eviction-controller",
  "pod-garbage-collector-controller",
  "persistentvolume-binder-controller",
  "persistentvolume-protection-controller",
  "persistentvolumeclaim-protection-controller",
  "local-path-provisioner",
];
const groups = ["system:masters", "system:authenticated"];

/** Declares a test that runs `body` with a cluster, for every seed. */
export function simulateCluster(
  name: string,
  { nodes, staticPods = false, ...options }: ClusterOptions,
  body: (cluster: Cluster) => Promise<void>,
): void {
  simulationOf((simulation) => setUp(simulation, { nodes, staticPods }))(name, options, async (cluster) => {
    await body(cluster);
    await cluster.settle();
  });
}

/** The same outside of a test; rejects with SeedFailed. */
export async function runClusters(
  { nodes, staticPods = false, ...options }: ClusterOptions,
  body: (cluster: Cluster) => Promise<void>,
): Promise<void> {
  await runSeeds(options, async (simulation) => {
    const cluster = { ...simulation, ...(await setUp(simulation, { nodes, staticPods })) };
    await body(cluster);
    await cluster.settle();
  });
}

async function setUp(
  simulation: Simulation,
  { nodes, staticPods = false }: Omit<ClusterOptions, keyof SimulateOptions>,
): Promise<Omit<Cluster, keyof Simulation> & { settle(): Promise<void> }> {
  const { scope, world } = simulation;
  const store = await openMemoryStore(scope, world);
  const history = recordHistory(scope, store);
  const link = new Link(world);
  const watchers: { readonly owner: string; readonly scope: Scope; readonly informers: Informers }[] = [];

  const clientOf = (name: string, isFaulty = true) => restClient(link.transport(name, isFaulty), { fieldManager: name });
  const informersOf = (owner: string, own: Scope, client: Client): Informers => {
    const informers = sharedInformers(own, world, client);
    watchers.push({ owner, scope: own, informers });
    return informers;
  };
  const admin = clientOf("admin", false);

  const apiServer = part(scope, "kube-apiserver", async (own) => {
    const api = await startApiServer(own, world, {
      store,
      kinds: allKinds,
      authenticators: [],
      authorizers: [],
      admission: [],
      connect: (handle) =>
        restClient(inProcessTransport(handle, { identity: { user: "system:apiserver", groups }, userAgent: "apiserver" }), {
          fieldManager: "apiserver",
        }),
    });
    await api.started;
    link.connect(api);
    own.defer("link", () => link.cut());
  });
  const controllers = part(scope, "kube-controller-manager", async (own) => {
    const client = clientOf("kube-controller-manager");
    await startControllers(own, world, {
      client,
      informers: informersOf("kube-controller-manager", own, client),
      controllers: chosenControllers(wholeControllers).controllers,
      facts: {
        clusterDomain: "cluster.local",
        clusterCidrs: [{ range: "10.244.0.0/16", nodeMaskSize: 24 }],
        serviceClusterIpRange: "10.96.0.0/12",
        rootCa: "",
        signer: { certificate: "", key: "" },
      },
    });
  });
  const startOneScheduler = async (own: Scope, name: string) => {
    const client = clientOf(name);
    await startScheduler(own, world, { client, informers: informersOf(name, own, client) });
  };
  const scheduler = part(scope, "kube-scheduler", (own) => startOneScheduler(own, "kube-scheduler"));

  apiServer.start();
  await link.connected;
  for (const name of ["default", "kube-system", "kube-node-lease"]) await admin.create(Namespace, { metadata: { name } }).catch(ignoreGone);
  const truth = informersOf("the test", scope, admin);
  await truth.for(Pod).synced;
  await truth.for(Node).synced;
  const machines = new Map<
    string,
    { readonly machine: SimulatedNode; readonly kubelet: Part; readonly clock: OffsetClock; readonly runtimeFaults: RuntimeFaults }
  >();
  for (let at = 0; at < nodes; at += 1) {
    const clock = new OffsetClock(world.clock);
    const machine = simulatedNode({ ...world, clock }, at, { delayMilliseconds: 100 });
    const name = `kubelet ${machine.name}`;
    const runtimeFaults = new RuntimeFaults(world);
    const kubelet = part(scope, name, (own) => {
      const runtime = faultyRuntime(own, world, machine.runtime, runtimeFaults);
      return startSimulatedNode(
        own,
        { ...machine, runtime },
        { client: clientOf(name), ...(staticPods && { staticPodFolder: manifestsFolder }) },
      );
    });
    machines.set(machine.name, { machine, kubelet, clock, runtimeFaults });
    kubelet.start();
  }
  controllers.start();
  scheduler.start();
  await simulation.until("all Nodes are Ready", () => truth.for(Node).list().filter(isNodeReady).length === nodes);
  world.clock.observe(() => {
    if (link.storm !== undefined) throw new Error(`${requestsAtOnceMax} requests at one moment, the last of them ${link.storm}`);
  });
  simulation.always("no Pod runs on two nodes", () => {
    const nodeOf = new Map<string, string>();
    for (const { uid, node } of runningContainers()) {
      if ((nodeOf.get(uid) ?? node) !== node) return false;
      nodeOf.set(uid, node);
    }
    return true;
  });

  /** Every container that runs on a machine, by the uid of its Pod. */
  function* runningContainers(): Iterable<{
    readonly node: string;
    readonly uid: string;
    readonly id: string;
    readonly startedAt: number;
  }> {
    for (const { machine } of machines.values()) {
      for (const { id, startedAt, config } of machine.runtime.running())
        yield { node: machine.name, uid: config.labels["io.kubernetes.pod.uid"] ?? "", id, startedAt };
    }
  }

  function nodeNamed(name: string) {
    const found = machines.get(name);
    assert.ok(found, `there is a node ${name}`);
    return found;
  }

  return {
    client: admin,
    list: (kind) => truth.for(kind).list(),
    onChange: (kind, told) => void truth.for(kind).onChange(told),
    nodeNames: [...machines.keys()],
    running: () => [...runningContainers()],
    kubelet: (name) => nodeNamed(name).kubelet,
    machine: (name) => nodeNamed(name).machine,
    scheduler,
    controllers,
    apiServer,
    electSchedulers: (copies) =>
      Array.from({ length: copies }, (_, at) => {
        const name = `scheduler-${at + 1}`;
        let leads = false;
        const elected = part(scope, name, (own) =>
          leadWhenElected(
            own,
            world,
            clientOf(name),
            { namespace: "kube-system", name: "kube-scheduler", identity: name },
            async (leading) => {
              leads = true;
              leading.defer("lead", () => {
                leads = false;
              });
              await startOneScheduler(leading, name);
            },
          ),
        );
        elected.start();
        return { name, part: elected, isLeading: () => leads };
      }),
    faults: {
      runtime: (name) => nodeNamed(name).runtimeFaults,
      cutNode: (name) => link.cutClient(`kubelet ${nodeNamed(name).machine.name}`),
      joinNode: (name) => link.joinClient(`kubelet ${nodeNamed(name).machine.name}`),
      loseAnswers: (chance) => {
        link.lossChance = chance;
      },
      setClock(name, offsetMilliseconds) {
        nodeNamed(name).clock.offsetMilliseconds = offsetMilliseconds;
      },
      delayWatches: ({ millisecondsMax }) => {
        link.watchMillisecondsMax = millisecondsMax;
      },
      cutWatches: () => link.cutWatches(),
      async loseNode(name) {
        const { machine, kubelet } = nodeNamed(name);
        machine.runtime.powerCut();
        await kubelet.kill();
      },
      returnNode: (name) => nodeNamed(name).kubelet.start(),
    },
    async settle() {
      link.watchMillisecondsMax = 0;
      await simulation.wait(30);
      for (const { owner, scope: own, informers } of watchers) {
        if (own.stopped) continue;
        for (const kind of allKinds) {
          const informer = informers.started(kind);
          if (informer) await compare(owner, informer, admin);
        }
      }
      await history.compare();
    },
  };
}

/** A part in a scope of its own, killed without a word and started anew. */
function part(scope: Scope, name: string, run: (own: Scope) => Promise<void>): Part {
  let own: Scope | undefined;
  return {
    start() {
      const started = scope.child(name);
      own = started;
      started.start("run", async () => {
        try {
          await run(started);
        } catch (error) {
          if (!started.stopped) throw error;
        }
        if (!started.stopped)
          await new Promise<void>((resolve) => started.signal.addEventListener("abort", () => resolve(), { once: true }));
      });
    },
    async kill() {
      await own?.stop();
    },
  };
}

/** A machine's own wall clock. */
class OffsetClock implements Clock {
  offsetMilliseconds = 0;
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    return this.#clock.now() + this.offsetMilliseconds;
  }
  monotonic(): number {
    return this.#clock.monotonic();
  }
  timer(milliseconds: number, callback: () => void): Timer {
    return this.#clock.timer(milliseconds, callback);
  }
  sleep(scope: Scope, milliseconds: number): Promise<void> {
    return this.#clock.sleep(scope, milliseconds);
  }
  endOfTurn(): Promise<void> {
    return this.#clock.endOfTurn();
  }
}

const answerMillisecondsMax = 20_000;
const requestsAtOnceMax = 5_000;

/** What lies between clients and the server: calls fail while it is gone, answers get lost, watches come late or break. */
class Link {
  watchMillisecondsMax = 0;
  lossChance = 0;
  /** The request at which it became too many. */
  storm: string | undefined;
  #momentAt = -1;
  #momentRequests = 0;
  readonly #cut = new Set<string>();
  readonly connected: Promise<void>;
  readonly #world: SimulatedWorld;
  readonly #watches = new Map<Scope, string>();
  #api: ApiServer | undefined;
  #resolve: () => void = () => {};

  constructor(world: SimulatedWorld) {
    this.#world = world;
    this.connected = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  connect(api: ApiServer): void {
    this.#api = api;
    this.#resolve();
  }

  cut(): void {
    this.#api = undefined;
    this.cutWatches();
  }

  cutWatches(): void {
    for (const own of this.#watches.keys()) void own.stop();
  }

  cutClient(name: string): void {
    this.#cut.add(name);
    for (const [own, client] of this.#watches) if (client === name) void own.stop();
  }

  joinClient(name: string): void {
    this.#cut.delete(name);
  }

  /** More requests at one moment than anybody has reason for: somebody asks again and again without a pause. */
  #isStorm(request: string): boolean {
    const now = this.#world.clock.monotonic();
    this.#momentRequests = now === this.#momentAt ? this.#momentRequests + 1 : 1;
    this.#momentAt = now;
    if (this.#momentRequests < requestsAtOnceMax) return false;
    this.storm ??= request;
    return true;
  }

  transport(name: string, isFaulty: boolean): Transport {
    const reach = () => {
      if (this.#cut.has(name)) throw new NetworkError("EHOSTUNREACH", "no route to host");
      if (!this.#api) throw new NetworkError("ECONNREFUSED", "connection refused");
      return inProcessTransport(this.#api.handleAs({ name, groups }), { identity: { user: name, groups }, userAgent: name });
    };
    const link = this;
    return {
      async send(request) {
        if (link.#isStorm(`${name} ${request.method} ${request.path}`)) await new Promise(() => {});
        const api = link.#api;
        const response = await reach().send(request);
        if (api !== link.#api || link.#cut.has(name)) throw new NetworkError("ECONNRESET", "the server went away before it answered");
        if (isFaulty && link.lossChance > 0 && link.#world.random.fraction() < link.lossChance) {
          const milliseconds = link.#world.random.integer(answerMillisecondsMax);
          await new Promise<void>((resolve) => link.#world.clock.timer(milliseconds, resolve));
          if (milliseconds % 2 === 0) throw new NetworkError("ECONNRESET", "connection reset by peer");
        }
        return response;
      },
      async *watch(scope, request) {
        const own = scope.child("watch");
        link.#watches.set(own, name);
        try {
          for await (const item of reach().watch(own, request)) {
            if (isFaulty && link.watchMillisecondsMax > 0)
              await link.#world.clock.sleep(own, link.#world.random.integer(link.watchMillisecondsMax));
            yield item;
          }
        } catch (error) {
          if (error instanceof ScopeStopped && !scope.stopped) throw new NetworkError("ECONNRESET", "connection reset");
          throw error;
        } finally {
          link.#watches.delete(own);
          await own.stop();
        }
      },
    };
  }
}

async function compare(owner: string, informer: Informer<KubernetesObject>, client: Client): Promise<void> {
  const byKey = (objects: readonly KubernetesObject[]) =>
    objects.map((object) => `${objectKey(object)}@${object.metadata.resourceVersion}`).sort();
  const { items } = await client.list(informer.kind);
  assert.deepEqual(byKey(informer.list()), byKey(items), `${owner} sees the ${informer.kind.plural} there are`);
}

/** Follows the store from its first revision and builds it anew. */
function recordHistory(scope: Scope, store: Store) {
  const rebuilt = new Map<string, number>();
  let last = 0;
  store.watch(
    { prefix: "", from: 1 },
    {
      batch({ events, revision }) {
        assert.ok(revision >= last, "revisions never go back");
        last = revision;
        for (const event of events) {
          if (event.type === "put") rebuilt.set(event.current.key, event.current.modRevision);
          else rebuilt.delete(event.key);
        }
      },
      ended(error) {
        if (!scope.stopped) throw error;
      },
    },
  );
  return {
    async compare() {
      const { items } = await store.range("", "");
      assert.deepEqual(
        new Map([...rebuilt].sort()),
        new Map(items.map(({ key, modRevision }) => [key, modRevision] as const).sort()),
        "the store equals its history",
      );
    },
  };
}

function isNodeReady({ status }: Node): boolean {
  return conditionOf(status.conditions, "Ready")?.status === "True";
}

function ignoreGone(error: unknown): void {
  if (!isReason(error, "AlreadyExists", "Conflict")) throw error;
}
