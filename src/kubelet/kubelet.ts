// The node's agent: takes Pods from the manifests folder and from the API, has each one made real by a worker of its own, and tells
// the API what became of it.
import { type Scope, ScopeStopped } from "#base/scope.ts";
import type { Node } from "#api/core/node/node.ts";
import type { Container } from "#api/core/pod/container.ts";
import { Pod } from "#api/core/pod/pod.ts";
import type { PodStatus } from "#api/core/pod/pod-status.ts";
import { Service } from "#api/core/service/service.ts";
import { conditionOf } from "#api/meta/conditions.ts";
import { isReason } from "#api/meta/status-error.ts";
import type { Client } from "#client/client.ts";
import { type EventRecorder, startEventRecorder } from "#client/event-recorder.ts";
import { objectKey, startInformer } from "#client/informer.ts";
import type { Runtime } from "#cri/runtime.ts";
import type { World } from "#platform/world.ts";
import { sameJson } from "#schema/derive/json-objects.ts";
import { formatTime } from "#schema/time.ts";
import { admit } from "./admission.ts";
import { findHierarchies, startCgroups } from "./cgroups/cgroups.ts";
import { startImagePuller } from "./images/image-puller.ts";
import { authFromSecrets } from "./images/registry-auth.ts";
import { allContainers, annotations, isMirror, isStatic, labels, namespaceOf, podLogFolder } from "./layout.ts";
import { rotateLog } from "./logs/rotation.ts";
import { BackOffs, ordinaryLimits, urgentLimits } from "./pod-worker/back-off.ts";
import { containersNamed } from "./pod-worker/observed.ts";
import { PodWorker, type PodWorkerNeeds } from "./pod-worker/pod-worker.ts";
import { readResolver, type Resolver } from "./pod-worker/sandbox-config.ts";
import type { StartProber } from "./probes.ts";
import { watchStaticPods } from "./static-pods/static-pods.ts";
import { startMirrorPods } from "./static-pods/mirror-pods.ts";
import { startStatusManager, statusPatch } from "./status/status-manager.ts";
import { noMounts, systemMounts } from "./volumes/mounts.ts";
import { watchReferencedObjects } from "./volumes/objects.ts";
import { holdTokens } from "./volumes/tokens.ts";
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
  readonly maxPods: number;
  readonly containerLogMaxBytes: number;
  readonly containerLogMaxFiles: number;
  /** Memory of the machine, for oom_score_adj. */
  readonly memoryBytes: number;
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
}

/** What the 10250 server and the node's status read. */
export interface Kubelet {
  /** All Pods of this node as last seen, with the status this kubelet computed. */
  pods(): readonly Pod[];
  pod(namespace: string, name: string): Pod | undefined;
  /** The newest container of this name (init and ephemeral ones too); `previous` the one before it. */
  container(namespace: string, pod: string, container: string, options?: { readonly previous?: boolean }): FoundContainer | undefined;
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

const housekeepingMilliseconds = 60_000;
const logCheckMilliseconds = 30_000;
const servicesMilliseconds = 10_000;
const orphanGraceSeconds = 2;

/** Starts the kubelet's core; resolves when static Pods are loaded and looked after. The API may come later. */
export async function startKubelet(scope: Scope, world: World, needs: KubeletNeeds): Promise<Kubelet> {
  const { client, nodeName, options, runtime } = needs;
  const workers = new Map<string, { readonly scope: Scope; readonly worker: PodWorker }>();
  let staticPods: readonly Pod[] = [];
  let runtimeName = "containerd";
  let isReady = false;

  const version = await withRetries(scope, world, "reach the container runtime", () => runtime.version());
  runtimeName = version.runtimeName;
  const recorder = client ? startEventRecorder(scope, world, client, { component: "kubelet", host: nodeName }) : logRecorder(world);
  const objects = watchReferencedObjects(scope, world, client, (uid) => workers.get(uid)?.worker.refreshVolumes());
  const cgroups = options.cgroupRoot === undefined ? undefined : startCgroups(world, await findHierarchies(world), options.cgroupRoot);
  const volumes = startVolumes(world, {
    options,
    objects,
    tokens: holdTokens(world, client),
    mounts: options.withoutMounts ? noMounts : systemMounts(world),
  });
  const images = startImagePuller(world, { runtime, authFor: (pod, image) => authFromSecrets(pod, image, objects.secret) });
  const prober = needs.startProber(scope, world, {
    runtime,
    recorder,
    changed: (id) => {
      for (const { worker } of workers.values()) if (worker.owns(id)) worker.wake();
    },
  });
  const podInformer = client && startInformer(scope, world, client, Pod, { fieldSelector: `spec.nodeName=${nodeName}` });
  const services = client && startInformer(scope, world, client, Service);
  const statuses =
    client &&
    podInformer &&
    startStatusManager(scope, world, {
      client,
      current: (namespace, name) => podInformer.get(`${namespace}/${name}`),
      observe: (pod) => podInformer.observe(pod),
    });
  const mirrors =
    client &&
    podInformer &&
    startMirrorPods(scope, world, {
      client,
      pods: podInformer,
      staticPod: (key) => staticPods.find((pod) => objectKey(pod) === key),
      node: needs.node,
    });
  let resolverText: Promise<Resolver> | undefined;

  const workerNeeds: PodWorkerNeeds = {
    ...{ runtime, options, volumes, cgroups, images, objects, prober, recorder },
    runtimeName: () => runtimeName,
    restarts: { ordinary: new BackOffs(ordinaryLimits), urgent: new BackOffs(urgentLimits) },
    resolver: () => (resolverText ??= readNodeResolver()),
    services: () => services?.list() ?? [],
    hostIPs: needs.hostIPs,
    node: needs.node,
    report,
    ended,
    finished,
  };

  runtime.watch(scope, (event) => {
    if (event.type === "resync") return void quietly("list the runtime's containers", relist);
    let owned = false;
    for (const { worker } of workers.values()) {
      if (!worker.owns(event.id)) continue;
      owned = true;
      worker.changed(event.id);
    }
    if (!owned) for (const { worker } of workers.values()) if (worker.isBusy) worker.changed(event.id);
  });

  if (options.staticPodFolder !== undefined) {
    await watchStaticPods(scope, world, { folder: options.staticPodFolder, nodeName }, (pods) => {
      const keys = new Set([...staticPods, ...pods].map(objectKey));
      staticPods = pods;
      reconcileStatic();
      for (const key of keys) mirrors?.check(key);
    });
  }
  scope.start("first look", async (task) => {
    // Containers are told of Services, but do not wait for them for ever.
    const patience = world.clock.sleep(task, servicesMilliseconds);
    await Promise.all([podInformer?.synced, Promise.race([services?.synced, patience])]);
    if (task.stopped) return;
    podInformer?.onChange(({ type, object }) => (type === "deleted" ? removed(object) : seen(object)));
    isReady = true;
    await withRetries(task, world, "clear what no Pod owns", clearOrphans);
  });
  scope.start("housekeeping", async (task) => {
    for (let count = 1; ; count++) {
      await world.clock.sleep(task, logCheckMilliseconds);
      await quietly("rotate logs", rotateLogs);
      if ((count * logCheckMilliseconds) % housekeepingMilliseconds === 0) {
        resolverText = undefined;
        await quietly("list the runtime's containers", relist);
        if (isReady) await quietly("clear what no Pod owns", clearOrphans);
      }
    }
  });

  return {
    pods: () => [...workers.values()].map(({ worker }) => worker.pod),
    pod: find,
    container: (namespace, name, container, { previous = false } = {}) => {
      const worker = findWorker(namespace, name);
      const spec = worker && allContainers(worker.pod).find((one) => one.name === container);
      const found = worker && containersNamed(worker.observed, container)[previous ? 1 : 0];
      if (!worker || !spec || !found) return undefined;
      const logPath = `${podLogFolder(options.podLogsFolder, worker.pod)}/${container}/${found.attempt}.log`;
      return { pod: worker.pod, spec, id: found.id, running: found.state === "running", logPath };
    },
    sandboxId: (namespace, name) => findWorker(namespace, name)?.observed.sandboxes.find(({ ready }) => ready)?.id,
    get ready() {
      return isReady;
    },
  };

  /** A Pod of the API is new or different. */
  function seen(pod: Pod): void {
    if (isMirror(pod)) {
      const entry = workers.get(pod.metadata.annotations?.[annotations.configMirror] ?? "");
      if (entry) statuses?.set(pod, mirrored(pod, entry.worker.pod.status));
      return;
    }
    const entry = workers.get(pod.metadata.uid);
    if (!entry) {
      if (pod.metadata.deletionTimestamp === undefined && pod.status.startTime === undefined && rejected(pod)) return;
      const { worker } = start(pod);
      if (pod.metadata.deletionTimestamp !== undefined) worker.end(deletionGrace(pod));
      return;
    }
    const before = entry.worker.pod;
    const { generation } = before.metadata;
    // Most changes are the echo of what this kubelet wrote.
    const isEcho =
      generation !== undefined &&
      generation === pod.metadata.generation &&
      pod.status.conditions?.length === before.status.conditions?.length &&
      statusPatch(pod.status, before.status) === undefined;
    entry.worker.update(pod, { wake: !isEcho });
    if (pod.metadata.deletionTimestamp !== undefined) entry.worker.end(deletionGrace(pod));
    const isSame = (key: "labels" | "annotations") => sameJson(before.metadata[key], pod.metadata[key]);
    if (!isSame("labels") || !isSame("annotations")) entry.worker.refreshVolumes();
  }

  function removed(pod: Pod): void {
    statuses?.forget(pod.metadata.uid);
    workers.get(pod.metadata.uid)?.worker.end(deletionGrace(pod));
  }

  function rejected(pod: Pod): boolean {
    const others = [...workers.values()].filter(({ worker }) => !worker.isOver).map(({ worker }) => worker.pod);
    const why = admit(pod, others, needs.node(), options.maxPods);
    if (!why) return false;
    recorder.record(pod, "Warning", why.reason, why.message);
    statuses?.set(pod, { ...pod.status, phase: "Failed", ...why, startTime: formatTime(world.clock.now()) });
    return true;
  }

  function start(pod: Pod): { readonly scope: Scope; readonly worker: PodWorker } {
    const own = scope.child(`pod ${pod.metadata.namespace}/${pod.metadata.name}`);
    const entry = { scope: own, worker: new PodWorker(own, world, workerNeeds, pod) };
    workers.set(pod.metadata.uid, entry);
    return entry;
  }

  /** A manifest that changed is a new Pod, which starts when the old one of its name is gone. */
  function reconcileStatic(): void {
    const wanted = new Map(staticPods.map((pod) => [pod.metadata.uid, pod]));
    for (const [uid, { worker }] of workers) {
      if (isStatic(worker.pod) && !wanted.has(uid)) worker.end(Number(worker.pod.spec.terminationGracePeriodSeconds ?? 30));
    }
    for (const [uid, pod] of wanted) {
      const there = [...workers.values()].some(({ worker }) => objectKey(worker.pod) === objectKey(pod));
      if (!workers.has(uid) && !there) start(pod);
    }
  }

  function report(pod: Pod, status: PodStatus): void {
    if (!isStatic(pod)) return statuses?.set(pod, status);
    const mirror = podInformer?.get(objectKey(pod));
    if (mirror?.metadata.annotations?.[annotations.configMirror] === pod.metadata.uid) statuses?.set(mirror, mirrored(mirror, status));
  }

  async function ended(pod: Pod): Promise<void> {
    const { uid, namespace, name } = pod.metadata;
    if (!isStatic(pod) && client && podInformer?.get(objectKey(pod))?.metadata.uid === uid) {
      await statuses?.written(uid);
      try {
        await client.delete(Pod, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } });
        podInformer.observeDeleted(pod);
      } catch (error) {
        if (!isReason(error, "NotFound", "Conflict")) throw error;
      }
    }
  }

  function finished(uid: string): void {
    const entry = workers.get(uid);
    workers.delete(uid);
    for (const restarts of Object.values(workerNeeds.restarts)) restarts.forget(`${uid}_`);
    images.forget(uid);
    void entry?.scope.stop();
    reconcileStatic();
  }

  /** Finds changes nobody told of. */
  async function relist(): Promise<void> {
    const [containers, sandboxes] = await Promise.all([runtime.containers(), runtime.sandboxes()]);
    const seenNow = new Map<string, Set<string>>();
    for (const { id, state, labels: own } of containers) note(own[labels.podUid], `${id}/${state}`);
    for (const { id, ready, labels: own } of sandboxes) note(own[labels.podUid], `${id}/${ready}`);
    for (const [uid, { worker }] of workers) {
      const { containers: known, sandboxes: knownSandboxes } = worker.observed;
      const before = new Set([
        ...known.map(({ id, state }) => `${id}/${state}`),
        ...knownSandboxes.map(({ id, ready }) => `${id}/${ready}`),
      ]);
      const now = seenNow.get(uid) ?? new Set();
      if (before.size !== now.size || [...before].some((what) => !now.has(what))) worker.wake();
    }

    function note(uid: string | undefined, what: string): void {
      if (uid === undefined) return;
      const there = seenNow.get(uid);
      if (there) there.add(what);
      else seenNow.set(uid, new Set([what]));
    }
  }

  /** Sandboxes, folders and cgroups of Pods that are neither in the API nor in the manifests folder any more. */
  async function clearOrphans(): Promise<void> {
    const [sandboxes, containers] = await Promise.all([runtime.sandboxes(), runtime.containers()]);
    const uids = new Set(sandboxes.map(({ labels: own }) => own[labels.podUid]).filter((uid) => uid !== undefined && !workers.has(uid)));
    await Promise.all(
      [...uids].map(async (uid) => {
        const own = containers.filter((container) => container.labels[labels.podUid] === uid);
        await Promise.all(
          own.map(async ({ id, state, annotations: noted }) => {
            if (state !== "running") return;
            await runtime.stopContainer(id, Number(noted[annotations.gracePeriod] ?? 30) || orphanGraceSeconds);
          }),
        );
        for (const { id, labels: sandboxLabels } of sandboxes) {
          if (sandboxLabels[labels.podUid] !== uid) continue;
          await runtime.stopSandbox(id);
          await runtime.removeSandbox(id);
        }
      }),
    );
    for (const uid of await volumes.leftovers()) if (!workers.has(uid)) await volumes.unmount(uid);
    for (const uid of (await cgroups?.list()) ?? []) if (!workers.has(uid)) await cgroups?.remove(uid);
  }

  async function rotateLogs(): Promise<void> {
    const limits = { maxBytes: options.containerLogMaxBytes, maxFiles: options.containerLogMaxFiles };
    for (const { worker } of workers.values()) {
      for (const { id, name, attempt, state } of worker.observed.containers) {
        if (state !== "running") continue;
        await rotateLog(world, runtime, id, `${podLogFolder(options.podLogsFolder, worker.pod)}/${name}/${attempt}.log`, limits);
      }
    }
  }

  async function quietly(what: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (error instanceof ScopeStopped) throw error;
      world.log.debug(`cannot ${what}`, { error: (error as Error).message });
    }
  }

  async function readNodeResolver(): Promise<Resolver> {
    if (options.resolverFile === "") return { servers: [], searches: [], options: [] };
    return readResolver(await world.files.readText(options.resolverFile).catch(() => ""));
  }

  function findWorker(namespace: string, name: string): PodWorker | undefined {
    for (const { worker } of workers.values()) {
      if (worker.pod.metadata.name === name && namespaceOf(worker.pod) === namespace) return worker;
    }
    return undefined;
  }

  function find(namespace: string, name: string): Pod | undefined {
    return findWorker(namespace, name)?.pod;
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

/** The status of a static Pod as its mirror has it: what did not change since before a restart keeps its time. */
function mirrored({ status: { conditions: before } }: Pod, status: PodStatus): PodStatus {
  const conditions = status.conditions?.map((condition) => {
    const old = conditionOf(before, condition.type);
    return old?.status === condition.status ? { ...condition, lastTransitionTime: old.lastTransitionTime } : condition;
  });
  return { ...status, conditions };
}

function deletionGrace({ metadata, spec }: Pod): number {
  return Number(metadata.deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30);
}

/** Where there is no API, events are lines of the log. */
function logRecorder(world: World): EventRecorder {
  return {
    record: (about, type, reason, message) =>
      world.log.info("event", { pod: "metadata" in about ? about.metadata.name : about.name, type, reason, message }),
  };
}
