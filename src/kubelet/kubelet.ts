// The node's agent: takes Pods from the manifests folder and from the API, has each one made real by a worker of its own, and tells
// the API what became of it.
import { type Scope, ScopeStopped } from "#base/scope.ts";
import type { Node } from "#api/core/node/node.ts";
import type { Container } from "#api/core/pod/container.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { Service } from "#api/core/service/service.ts";
import type { Client } from "#client/client.ts";
import { type EventRecorder, startEventRecorder } from "#client/event-recorder.ts";
import { type Informer, startInformer } from "#client/informer.ts";
import type { Runtime } from "#cri/runtime.ts";
import type { World } from "#platform/world.ts";
import { type CgroupLimits, findHierarchies, startCgroups } from "./cgroups/cgroups.ts";
import { type Eviction, type EvictionOptions, startEviction } from "./eviction/eviction.ts";
import { observeSignals } from "./eviction/signals.ts";
import type { Pressure } from "./eviction/thresholds.ts";
import { startHousekeeping } from "./housekeeping.ts";
import { type ImageCollectionLimits, startImageCollection } from "./images/garbage-collection.ts";
import { type ImageAccessOptions, startImageAccess } from "./images/image-access.ts";
import { normalName, startImagePuller } from "./images/image-puller.ts";
import { authFromSecrets } from "./images/registry-auth.ts";
import { allContainers, imagesOf, podLogFolder } from "./layout.ts";
import type { NodePods } from "./node-pods.ts";
import { BackOffs, limitsUpTo, urgentLimits } from "./pod-worker/back-off.ts";
import { containersNamed } from "./pod-worker/observed.ts";
import type { MachineMemory } from "./pod-worker/resources.ts";
import { readResolver, type Resolver } from "./pod-worker/sandbox-config.ts";
import { type PodsApi, PodWorkers } from "./pod-workers.ts";
import type { StartProber } from "./probes.ts";
import { runtimeHandlers } from "./runtime-classes.ts";
import type { ShutdownGroup } from "./shutdown/groups.ts";
import { type NodeShutdown, refusal, startNodeShutdown } from "./shutdown/node-shutdown.ts";
import { startMirrorPods } from "./static-pods/mirror-pods.ts";
import { watchStaticPods } from "./static-pods/static-pods.ts";
import { startStatusManager } from "./status/status-manager.ts";
import { type CsiVolumes, startCsiVolumes } from "./volumes/csi/csi-volumes.ts";
import { registerDrivers } from "./volumes/csi/registration.ts";
import { noMounts, systemMounts } from "./volumes/mounts.ts";
import { startUserNamespaces, type UserNamespaceOptions } from "./user-namespaces.ts";
import { watchReferencedObjects } from "./volumes/objects.ts";
import { holdTokens, type Tokens } from "./volumes/tokens.ts";
import { startVolumes } from "./volumes/volumes.ts";

/** The parts of KubeletConfiguration that the core reads, in our units. */
export interface KubeletOptions {
  /** "/var/lib/kubelet". */
  readonly rootFolder: string;
  /** "/var/log/pods". */
  readonly podLogsFolder: string;
  /** "/var/log/containers". */
  readonly containerLogsFolder: string;
  /** The folder of static Pods' manifests; none when absent. */
  readonly staticPodFolder?: string | undefined;
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** The node's resolv.conf; "" gives Pods none of it. */
  readonly resolverFile: string;
  /** Where Pods' cgroups hang: "/" gives /kubepods. Undefined: the kubelet leaves cgroups alone. */
  readonly cgroupRoot: string | undefined;
  readonly cgroupLimits?: CgroupLimits | undefined;
  readonly maxPods: number;
  readonly userNamespaces?: UserNamespaceOptions | undefined;
  /** Containers that say no seccomp profile get the runtime's own. */
  readonly seccompDefault?: boolean | undefined;
  /** Sysctls beyond the safe ones that Pods may set: names, or prefixes with "*". */
  readonly allowedUnsafeSysctls?: readonly string[] | undefined;
  /** Whether the kernel has AppArmor; undefined where nobody looked. */
  readonly appArmor?: boolean | undefined;
  /** The longest wait before a crashing container is started again; absent: five minutes. */
  readonly restartMaxMilliseconds?: number | undefined;
  readonly containerLogMaxBytes: number;
  readonly containerLogMaxFiles: number;
  /** How often logs are looked at. Default 10 s. */
  readonly containerLogMonitorMilliseconds?: number | undefined;
  /** Images pulled at a time; absent: some. */
  readonly imagePullsMax?: number | undefined;
  /** Who may use images that were pulled with secrets; absent: as upstream does by default. */
  readonly imageAccess?: Pick<ImageAccessOptions, "policy" | "allowlist"> | undefined;
  /** When images are removed; absent: never. */
  readonly imageCollection?: ImageCollectionLimits | undefined;
  /** When Pods are ended for the node's sake; absent: never. */
  readonly eviction?: EvictionOptions | undefined;
  /** How Pods are ended when the machine shuts down; absent or empty: the machine does that. */
  readonly shutdownGroups?: readonly ShutdownGroup[] | undefined;
  /** Memory of the machine, for oom_score_adj. */
  readonly memoryBytes: number;
  readonly withoutCpuLimits?: boolean | undefined;
  /** Its swap, where containers can be kept from that. */
  readonly swap?: MachineMemory["swap"];
  /** Nothing is mounted: volumes in memory are plain folders, as on a node whose containers are simulated. */
  readonly withoutMounts?: boolean | undefined;
}

export interface KubeletNeeds {
  readonly nodeName: string;
  readonly runtime: Runtime;
  /** Absent: static Pods only, nothing is reported. */
  readonly client?: Client | undefined;
  readonly options: KubeletOptions;
  readonly startProber: StartProber;
  /** This node's addresses for status.hostIPs, the primary one first. */
  readonly hostIPs: () => readonly string[];
  /** The Node object as this node last knew it: labels for selectors, allocatable for admission. Undefined until registered. */
  readonly node: () => Node | undefined;
  /** Told what the node is short of, when that changes. */
  readonly underPressure?: ((pressures: ReadonlySet<Pressure>) => void) | undefined;
  /** Told when the machine begins to shut down, and when that was called off. */
  readonly shuttingDown?: ((isShuttingDown: boolean) => void) | undefined;
  /** This node's Pods, where nodes of one process share an informer. Absent: an informer of its own. */
  readonly pods?: NodePods | undefined;
  /** All Services, shared in the same way. */
  readonly services?: Pick<Informer<Service>, "synced" | "list"> | undefined;
}

/** What the 10250 server and the node's status read. */
export interface Kubelet {
  /** All Pods of this node as last seen, with the status this kubelet computed. */
  pods(): readonly Pod[];
  pod(namespace: string, name: string): Pod | undefined;
  /** The newest container of this name (init and ephemeral ones too), or the one with this id. */
  container(namespace: string, pod: string, container: string, options?: { readonly id?: string }): FoundContainer | undefined;
  /** Where a volume of a Pod is on this machine. */
  volumePath(pod: Pod, volume: string): string;
  /** The ready sandbox of a Pod: where ports are forwarded to. */
  sandboxId(namespace: string, pod: string): string | undefined;
  /** Whether the first list of Pods is there and what ran before the start was found again. */
  readonly ready: boolean;
}

export interface FoundContainer {
  readonly pod: Pod;
  readonly spec: Container;
  readonly id: string;
  readonly running: boolean;
  /** The file the runtime writes, which rotation renames to `<logPath>.<time>`. */
  readonly logPath: string;
}

const imagePullsMax = 10;
const servicesMilliseconds = 10_000;
const resolverMilliseconds = 60_000;

/** Starts the kubelet's core; resolves when static Pods are loaded and looked after. The API may come later. */
export async function startKubelet(scope: Scope, world: World, needs: KubeletNeeds): Promise<Kubelet> {
  const { client, nodeName, options, runtime } = needs;
  let isReady = false;

  const { runtimeName } = await withRetries(scope, world, "reach the container runtime", () => runtime.version());
  const recorder = client ? startEventRecorder(scope, world, client, { component: "kubelet", host: nodeName }) : logRecorder(world);
  const objects = watchReferencedObjects(scope, world, client, (uid) => workers.get(uid)?.refreshVolumes());
  const hierarchies = options.cgroupRoot === undefined ? undefined : await findHierarchies(world);
  const cgroups = hierarchies && startCgroups(world, hierarchies, options.cgroupRoot ?? "/", options.cgroupLimits);
  const mounts = options.withoutMounts ? noMounts : systemMounts(world);
  const tokens = holdTokens(world, client);
  const csi = options.withoutMounts ? undefined : await csiVolumes(scope, world, needs, tokens);
  const volumes = startVolumes(world, { options, objects, tokens, mounts, runtime, client, node: needs.node, csi });
  const access = startImageAccess(world, {
    rootFolder: options.rootFolder,
    policy: "NeverVerifyPreloadedImages",
    allowlist: [],
    ...options.imageAccess,
  });
  const images = startImagePuller(world, {
    pullsMax: options.imagePullsMax ?? imagePullsMax,
    runtime,
    access,
    credentialsFor: (pod, image) => authFromSecrets(pod, image, objects.secret),
  });
  const prober = needs.startProber(scope, world, {
    runtime,
    recorder,
    changed: (id) => {
      for (const worker of workers.all()) if (worker.owns(id)) worker.wake();
    },
  });
  const services = needs.services ?? (client && startInformer(scope, world, client, Service));
  const api = client && connectPods(scope, world, client, needs);
  let eviction: Eviction | undefined;
  let shutdown: NodeShutdown | undefined;
  const workers = new PodWorkers(scope, world, {
    ...{ runtime, options, volumes, cgroups, images, objects, prober, recorder, api },
    runtimeName: () => runtimeName,
    restarts: {
      ordinary: new BackOffs(limitsUpTo(options.restartMaxMilliseconds), world.clock),
      urgent: new BackOffs(urgentLimits, world.clock),
    },
    resolver: nodeResolver(world, options.resolverFile),
    runtimeHandler: runtimeHandlers(client),
    userNamespaces: await startUserNamespaces(world, { ...options, ...options.userNamespaces }),
    services: () => services?.list() ?? [],
    hostIPs: needs.hostIPs,
    node: needs.node,
    refuses: (pod) => {
      if (shutdown?.isShuttingDown) return refusal;
      const pressure = eviction?.refuses(pod);
      return pressure === undefined ? undefined : { reason: "Evicted", message: `Pod was rejected: ${pressure}` };
    },
  });
  const housekeeping = startHousekeeping(scope, world, {
    ...{ runtime, options, workers, volumes, cgroups },
    isReady: () => isReady,
  });
  const wanted = () => workers.all().flatMap(({ pod }) => imagesOf(pod).flatMap((image) => normalName(image) ?? []));
  const collection =
    options.imageCollection &&
    startImageCollection(scope, world, { runtime, recorder, nodeName, wanted, limits: options.imageCollection, present: access.keepOnly });
  if (options.eviction) {
    const { rootFolder, podLogsFolder, memoryBytes } = options;
    const sources = { runtime, rootFolder, memoryBytes, cgroupVersion: hierarchies?.version, podsCgroup: cgroups?.root };
    eviction = startEviction(scope, world, {
      ...{ runtime, recorder, nodeName, options: options.eviction },
      pods: () => workers.evictable(),
      observe: () => observeSignals(world, sources),
      disks: { podLogsFolder, pathOf: volumes.pathOf },
      freeDisk: async () => collection?.removeUnused(),
      changed: () => needs.underPressure?.(eviction?.pressures ?? new Set()),
    });
  }
  if (options.shutdownGroups && options.shutdownGroups.length > 0)
    shutdown = startNodeShutdown(scope, world, {
      groups: options.shutdownGroups,
      pods: () => workers.evictable(),
      changed: () => needs.shuttingDown?.(shutdown?.isShuttingDown ?? false),
    });
  runtime.watch(scope, (event) => (event.type === "resync" ? housekeeping.relist() : workers.changed(event.id)));

  // Mirrors are looked at only once the manifests are known: one whose Pod is not known yet would be taken for a leftover.
  let checkMirror: (key: string) => void = () => {};
  workers.holdStatic(await withRetries(scope, world, "list static Pods", housekeeping.staticPods));
  if (options.staticPodFolder !== undefined) {
    await watchStaticPods(scope, world, { folder: options.staticPodFolder, nodeName }, (pods) => {
      for (const key of workers.setStatic(pods)) checkMirror(key);
    });
  }
  scope.start("former static Pods", async (task) => {
    const gone = (uid: string) => workers.formerStaticGone((former) => former.uid === uid);
    await withRetries(task, world, "end static Pods whose manifests are gone", () => housekeeping.endFormerStaticPods(gone));
    // Some may have gone before they were looked for.
    workers.formerStaticGone(() => true);
  });
  if (api) checkMirror = startMirrorPods(scope, world, { ...api, staticPods: () => workers.staticPods, node: needs.node }).check;

  scope.start("first look", async (task) => {
    // Containers are told of Services, but do not wait for them for ever.
    const patience = world.clock.sleep(task, servicesMilliseconds);
    await Promise.all([api?.pods.synced, Promise.race([services?.synced, patience])]);
    if (task.stopped) return;
    if (api)
      scope.defer(
        "Pods",
        api.pods.onChange(({ type, object }) => (type === "deleted" ? workers.removed(object) : workers.seen(object))),
      );
    isReady = true;
    await withRetries(task, world, "clear what no Pod owns", housekeeping.clearOrphans);
  });

  return {
    pods: () => workers.all().map(({ pod }) => pod),
    pod: (namespace, name) => workers.find(namespace, name)?.pod,
    container: (namespace, name, container, { id } = {}) => {
      const worker = workers.find(namespace, name);
      const spec = worker && allContainers(worker.pod).find((one) => one.name === container);
      const found = worker && containersNamed(worker.observed, container).find((one) => id === undefined || one.id === id);
      if (!worker || !spec || !found) return undefined;
      const logPath = `${podLogFolder(options.podLogsFolder, worker.pod)}/${container}/${found.attempt}.log`;
      return { pod: worker.pod, spec, id: found.id, running: found.state === "running", logPath };
    },
    volumePath: (pod, volume) => volumes.pathOf(pod, volume),
    sandboxId: (namespace, name) => workers.find(namespace, name)?.observed.sandboxes.find(({ ready }) => ready)?.id,
    get ready() {
      return isReady;
    },
  };
}

async function csiVolumes(
  scope: Scope,
  world: World,
  { client, nodeName, node, options: { rootFolder } }: KubeletNeeds,
  tokens: Tokens,
): Promise<CsiVolumes> {
  const drivers = await registerDrivers(scope, world, { folder: `${rootFolder}/plugins_registry`, nodeName, client, node });
  return startCsiVolumes(world, { client, nodeName, rootFolder, drivers, tokens });
}

function connectPods(scope: Scope, world: World, client: Client, { nodeName, pods: shared }: KubeletNeeds): PodsApi {
  const pods = shared ?? startInformer(scope, world, client, Pod, { fieldSelector: `spec.nodeName=${nodeName}` });
  const statuses = startStatusManager(scope, world, {
    client,
    current: (namespace, name) => pods.get(`${namespace}/${name}`),
    observe: (pod) => pods.observe(pod),
  });
  return { client, pods, statuses };
}

/** The node's resolv.conf, read again when what is known of it is a minute old. */
function nodeResolver(world: World, file: string): () => Promise<Resolver> {
  let known: Promise<Resolver> | undefined;
  let readAt = 0;
  return () => {
    const now = world.clock.monotonic();
    if (known && now - readAt < resolverMilliseconds) return known;
    readAt = now;
    known = file === "" ? Promise.resolve({ servers: [], searches: [], options: [] }) : read();
    return known;
  };

  async function read(): Promise<Resolver> {
    return readResolver(await world.files.readText(file).catch(() => ""));
  }
}

const retryMilliseconds = 1_000;

async function withRetries<T>(scope: Scope, world: World, what: string, act: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await act();
    } catch (error) {
      if (error instanceof ScopeStopped) throw error;
      world.log.warn(`cannot ${what}; trying again`, { error: (error as Error).message });
      await world.clock.sleep(scope, retryMilliseconds);
    }
  }
}

/** Where there is no API, events are lines of the log. */
function logRecorder(world: World): EventRecorder {
  return {
    record: (about, type, reason, message) =>
      world.log.info("event", { pod: "metadata" in about ? about.metadata.name : about.name, type, reason, message }),
  };
}
