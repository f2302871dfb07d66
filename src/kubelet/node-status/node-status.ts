// The node as the cluster sees it: creates the Node, keeps its status true, and renews its Lease.
//
// Invariants:
// - A change is posted at once; without one the status is posted every `reportMilliseconds`, and the Lease alone says that we live.
// - While the runtime or its network is not ready we look every 100 ms (every second after the first minute), so that the Node is Ready as
//   soon as they are. Once ready we look every `updateMilliseconds`, and when the runtime says that something changed.
// - A Node that was deleted while its kubelet runs is created again.
import type { Scope } from "#base/scope.ts";
import { ScopeStopped } from "#base/scope.ts";
import { conditionOf } from "#api/meta/conditions.ts";
import { isReason } from "#api/meta/status-error.ts";
import { type ContainerImage, Node, type NodeStatus, type Taint } from "#api/core/node/node.ts";
import type { Client } from "#client/client.ts";
import type { EventRecorder, EventSubject } from "#client/event-recorder.ts";
import { type Informer, startInformer } from "#client/informer.ts";
import type { Runtime, RuntimeStatus } from "#cri/runtime.ts";
import type { World } from "#platform/world.ts";
import type { Json } from "#schema/field.ts";
import { withDefaults } from "#schema/derive/defaults.ts";
import { formatTime } from "#schema/time.ts";
import { kubeletVersion } from "../version.ts";
import { nodeAddresses, ownAddresses, withMissing } from "./addresses.ts";
import { nodeConditions, whyNotReady } from "./conditions.ts";
import { renewLease } from "./lease.ts";
import { type Machine, readPressures } from "./machine.ts";
import { allocatableOf, capacityOf } from "./resources.ts";

export interface NodeStatusOptions {
  readonly nodeName: string;
  readonly hostname: string;
  readonly nodeIP?: string | undefined;
  /** Of the built-in Pod network: of each of their families the Node has an address. */
  readonly podRanges?: readonly string[] | undefined;
  readonly port: number;
  readonly providerId?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly taints: readonly Taint[];
  /** Whether a cloud controller is to make the Node ready for use. */
  readonly externalCloud: boolean;
  readonly register: boolean;
  readonly maxPods: number;
  readonly maxImages: number;
  readonly rootFolder: string;
  readonly systemReserved: Readonly<Record<string, string>>;
  readonly kubeReserved: Readonly<Record<string, string>>;
  readonly thresholds: Readonly<Record<string, string>>;
  readonly leaseSeconds: number;
  readonly updateMilliseconds: number;
  readonly reportMilliseconds: number;
}

export interface NodeStatusNeeds {
  readonly client: Client | undefined;
  readonly runtime: Runtime;
  readonly recorder: EventRecorder;
  readonly machine: Machine;
  readonly options: NodeStatusOptions;
  /** What the node is short of, where somebody keeps watch. */
  readonly underPressure?: (() => ReadonlySet<string>) | undefined;
  readonly shuttingDown?: (() => boolean) | undefined;
  /** All Nodes, where nodes of one process share an informer. Absent: one of its own for this Node. */
  readonly nodes?: Informer<Node> | undefined;
}

export interface NodeReporter {
  /** The Node as last seen; before it is registered, or without an API server, as this kubelet would create it. */
  node(): Node | undefined;
  /** The primary address first. */
  hostIPs(): readonly string[];
  /** Why no Pod can be run now; undefined when one can. */
  whyNotReady(): string | undefined;
  /** Something changed that the status tells of. */
  look(): void;
}

const impatientMilliseconds = 100;
const impatientForMilliseconds = 60_000;
/** A runtime may be silent this long. */
const runtimePatienceMilliseconds = 30_000;
const retryFirstMilliseconds = 100;
const retryMaxMilliseconds = 1_000;
const imageNamesMax = 5;

export async function startNodeStatus(scope: Scope, world: World, needs: NodeStatusNeeds): Promise<NodeReporter> {
  const { client, runtime, recorder, machine, options } = needs;
  const { nodeName } = options;
  const subject: EventSubject = { apiVersion: "v1", kind: "Node", name: nodeName, uid: nodeName };
  const informer = needs.nodes ?? (client && startInformer(scope, world, client, Node, { fieldSelector: `metadata.name=${nodeName}` }));
  let runtimeStatus: RuntimeStatus | undefined;
  let heard: { readonly status: RuntimeStatus; readonly at: number } | undefined;
  let addresses = await ownAddresses(world, options.nodeIP, options.podRanges ?? []);
  let observedAt = 0;
  let status: NodeStatus = await observe();
  let posted: { readonly essence: string; readonly at: number } | undefined;
  let wake: (() => void) | undefined;
  let look = false;
  const lookNow = () => {
    look = true;
    wake?.();
  };

  recorder.record(subject, "Normal", "Starting", "Starting kubelet.");
  runtime.watch(scope, (event) => {
    if (event.type === "resync") lookNow();
  });
  let unschedulable: boolean | undefined;
  const unsubscribe = informer?.onChange(({ type, object }) => {
    if (object.metadata.name !== nodeName) return;
    if (type === "deleted") posted = undefined;
    else {
      tellSchedulable(object.spec.unschedulable === true);
      // While this node was not heard, others said how it is.
      const isContradicted = status.conditions?.some((own) => conditionOf(object.status.conditions, own.type)?.status !== own.status);
      if (!posted || !isContradicted) return;
      posted = { ...posted, at: Number.NEGATIVE_INFINITY };
    }
    lookNow();
  });
  if (unsubscribe) scope.defer("Nodes", unsubscribe);

  scope.start("node status", async (task) => {
    const startedAt = world.clock.monotonic();
    let retry = retryFirstMilliseconds;
    for (;;) {
      let wait: number;
      const ready = whyNotReady(runtimeStatus) === undefined;
      if (ready) wait = options.updateMilliseconds;
      else wait = world.clock.monotonic() - startedAt < impatientForMilliseconds ? impatientMilliseconds : retryMaxMilliseconds;
      try {
        if (client) await post(client);
        retry = retryFirstMilliseconds;
      } catch (error) {
        if (error instanceof ScopeStopped) throw error;
        world.log.debug("cannot post the node's status; trying again", { error: (error as Error).message });
        wait = Math.min(wait, retry);
        retry = Math.min(retry * 2, retryMaxMilliseconds);
      }
      const asked = await pause(task, wait);
      const isDue = world.clock.monotonic() - observedAt >= options.updateMilliseconds;
      if (!asked && !isDue && whyNotReady(await askRuntime()) === whyNotReady(runtimeStatus)) continue;
      const before = status;
      status = await observe(before);
      if (posted) tellChanges(before, status);
    }
  });

  if (client) {
    scope.start("node lease", async (task) => {
      while (posted === undefined) await world.clock.sleep(task, impatientMilliseconds);
      const owner = () => informer?.get(nodeName)?.metadata.uid;
      await renewLease(task, world, client, { nodeName, leaseSeconds: options.leaseSeconds, ownerUid: owner });
    });
  }

  return {
    node: () => informer?.get(nodeName) ?? withDefaults(Node.message, desired()),
    hostIPs: () => addresses,
    whyNotReady: () => whyNotReady(runtimeStatus),
    look: lookNow,
  };

  /** Waits, or until something asks for a look; says whether it did. */
  async function pause(task: Scope, milliseconds: number): Promise<boolean> {
    task.throwIfStopped();
    if (!look) {
      await new Promise<void>((resolve) => {
        const end = () => {
          timer.cancel();
          taken();
          wake = undefined;
          resolve();
        };
        const timer = world.clock.timer(milliseconds, end);
        const taken = task.defer("pause", end);
        wake = end;
      });
    }
    task.throwIfStopped();
    const asked = look;
    look = false;
    return asked;
  }

  /** What the runtime says; for a while what it said last, so that one that restarts does not make the Node unready. */
  async function askRuntime(): Promise<RuntimeStatus | undefined> {
    try {
      heard = { status: await runtime.status(), at: world.clock.monotonic() };
    } catch {
      if (heard && world.clock.monotonic() - heard.at >= runtimePatienceMilliseconds) heard = undefined;
    }
    return heard?.status;
  }

  async function observe(before?: NodeStatus): Promise<NodeStatus> {
    observedAt = world.clock.monotonic();
    runtimeStatus = await askRuntime();
    addresses = withMissing(await ownAddresses(world, options.nodeIP, options.podRanges ?? []), addresses);
    const pressures = await readPressures(world, options.rootFolder, machine.cgroupVersion);
    // Who does not answer this is not asked the rest.
    const [imageFileSystem, version, listed] =
      heard?.at !== undefined && heard.at >= observedAt
        ? await Promise.all([imageSpace(), runtime.version().catch(() => undefined), images(before?.images)])
        : [undefined, undefined, before?.images ?? []];
    const now = formatTime(world.clock.now());
    const resources = {
      machine,
      diskBytes: pressures.nodeFileSystem?.total ?? 0,
      maxPods: options.maxPods,
      systemReserved: options.systemReserved,
      kubeReserved: options.kubeReserved,
      thresholds: options.thresholds,
    };
    const observed = {
      runtime: runtimeStatus,
      pressures,
      memoryBytes: machine.memoryBytes,
      imageFileSystem,
      thresholds: options.thresholds,
      underPressure: needs.underPressure?.(),
      isShuttingDown: needs.shuttingDown?.(),
    };
    return {
      capacity: capacityOf(resources),
      allocatable: allocatableOf(resources),
      conditions: nodeConditions(observed, before?.conditions, now),
      addresses: nodeAddresses(addresses, options.hostname),
      daemonEndpoints: { kubeletEndpoint: { Port: options.port } },
      nodeInfo: {
        machineID: machine.machineId,
        systemUUID: machine.systemUuid,
        bootID: machine.bootId,
        kernelVersion: machine.kernelVersion,
        osImage: machine.osImage,
        containerRuntimeVersion: version
          ? `${version.runtimeName}://${version.runtimeVersion}`
          : (before?.nodeInfo.containerRuntimeVersion ?? ""),
        kubeletVersion,
        kubeProxyVersion: "",
        operatingSystem: machine.operatingSystem,
        architecture: machine.architecture,
        ...(machine.swapBytes > 0 && { swap: { capacity: machine.swapBytes } }),
      },
      images: listed,
      ...(runtimeStatus?.handlers && runtimeStatus.handlers.length > 0 && { runtimeHandlers: runtimeHandlersOf(runtimeStatus.handlers) }),
      features: {
        supplementalGroupsPolicy: runtimeStatus?.supplementalGroupsPolicy ?? before?.features?.supplementalGroupsPolicy ?? false,
      },
    };
  }

  async function imageSpace() {
    const [usage] = await runtime.imageFileSystem().catch(() => []);
    return usage?.mountPoint ? world.files.space(usage.mountPoint).catch(() => undefined) : undefined;
  }

  async function images(before: readonly ContainerImage[] = []): Promise<readonly ContainerImage[]> {
    const all = await runtime.images().catch(() => undefined);
    if (!all) return before;
    const listed = all
      .map(({ digests, tags, sizeBytes }) => ({ names: [...digests, ...tags].slice(0, imageNamesMax), sizeBytes }))
      .sort((a, b) => b.sizeBytes - a.sizeBytes || (a.names[0] ?? "").localeCompare(b.names[0] ?? ""));
    return options.maxImages < 0 ? listed : listed.slice(0, options.maxImages);
  }

  function desired(): Node {
    const { operatingSystem, architecture } = machine;
    const labels = {
      "beta.kubernetes.io/arch": architecture,
      "beta.kubernetes.io/os": operatingSystem,
      "kubernetes.io/arch": architecture,
      "kubernetes.io/hostname": options.hostname,
      "kubernetes.io/os": operatingSystem,
      ...options.labels,
    };
    const cloudTaint = { key: "node.cloudprovider.kubernetes.io/uninitialized", value: "true", effect: "NoSchedule" } as const;
    const taints = [...options.taints, ...(options.externalCloud ? [cloudTaint] : [])];
    const annotations = { "volumes.kubernetes.io/controller-managed-attach-detach": "true" };
    return {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: nodeName, labels, annotations } as unknown as Node["metadata"],
      spec: { ...(options.providerId && { providerID: options.providerId }), ...(taints.length > 0 && { taints }) },
      status,
    };
  }

  /** Creates the Node or posts its status, if there is anything to say. */
  async function post(to: Client): Promise<void> {
    const essence = essenceOf(status);
    const now = world.clock.monotonic();
    if (posted?.essence === essence && now - posted.at < options.reportMilliseconds) return;
    if (!posted) await register(to);
    else {
      try {
        informer?.observe(await to.patch(Node, { name: nodeName }, statusPatch(status), { type: "strategic", subresource: "status" }));
      } catch (error) {
        if (!isReason(error, "NotFound")) throw error;
        await register(to);
      }
    }
    posted = { essence, at: now };
  }

  async function register(to: Client): Promise<void> {
    const wanted = desired();
    if (options.register) {
      try {
        informer?.observe(await to.create(Node, wanted));
        world.log.info("registered the node", { node: nodeName });
        tellAll(status);
        return;
      } catch (error) {
        if (!isReason(error, "AlreadyExists")) throw error;
      }
    }
    const existing = await to.get(Node, { name: nodeName });
    const bootId = existing.status.nodeInfo.bootID;
    if (bootId && bootId !== machine.bootId)
      recorder.record(subject, "Warning", "Rebooted", `Node ${nodeName} has been rebooted, boot id: ${machine.bootId}`);
    const labels = Object.entries(wanted.metadata.labels ?? {}).filter(([key, value]) => existing.metadata.labels?.[key] !== value);
    const annotations = Object.entries(wanted.metadata.annotations ?? {}).filter(
      ([key]) => existing.metadata.annotations?.[key] === undefined,
    );
    if (options.register && (labels.length > 0 || annotations.length > 0)) {
      const patch = { metadata: { labels: Object.fromEntries(labels), annotations: Object.fromEntries(annotations) } };
      await to.patch(Node, { name: nodeName }, patch, { type: "strategic" });
    }
    const conditions = (status.conditions ?? []).map((condition) => {
      const old = conditionOf(existing.status.conditions, condition.type);
      return old?.status === condition.status && old.lastTransitionTime
        ? { ...condition, lastTransitionTime: old.lastTransitionTime }
        : condition;
    });
    status = { ...status, conditions };
    informer?.observe(await to.patch(Node, { name: nodeName }, statusPatch(status), { type: "strategic", subresource: "status" }));
    tellChanges(existing.status, status);
  }

  function tellSchedulable(now: boolean): void {
    if (now !== (unschedulable ?? false)) {
      const reason = now ? "NodeNotSchedulable" : "NodeSchedulable";
      recorder.record(subject, "Normal", reason, `Node ${nodeName} status is now: ${reason}`);
    }
    unschedulable = now;
  }

  function tellChanges(before: NodeStatus, after: NodeStatus): void {
    for (const condition of after.conditions ?? []) {
      if (conditionOf(before.conditions, condition.type)?.status === condition.status) continue;
      const reason = reasonOf(condition.type, condition.status);
      if (reason) recorder.record(subject, "Normal", reason, `Node ${nodeName} status is now: ${reason}`);
    }
  }

  function tellAll(after: NodeStatus): void {
    tellChanges({ ...after, conditions: [] }, after);
    recorder.record(subject, "Normal", "NodeAllocatableEnforced", "Updated Node Allocatable limit across pods");
  }
}

function runtimeHandlersOf(handlers: NonNullable<RuntimeStatus["handlers"]>): NodeStatus["runtimeHandlers"] {
  return handlers
    .map(({ name, recursiveReadOnlyMounts, userNamespaces }) => ({ name, features: { recursiveReadOnlyMounts, userNamespaces } }))
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** What events call the change of a condition. */
function reasonOf(type: string, status: string): string | undefined {
  const words: Readonly<Record<string, readonly [string, string]>> = {
    MemoryPressure: ["NodeHasInsufficientMemory", "NodeHasSufficientMemory"],
    DiskPressure: ["NodeHasDiskPressure", "NodeHasNoDiskPressure"],
    PIDPressure: ["NodeHasInsufficientPID", "NodeHasSufficientPID"],
    Ready: ["NodeReady", "NodeNotReady"],
  };
  return words[type]?.[status === "True" ? 0 : 1];
}

/** The status without the times that move by themselves. */
function essenceOf(status: NodeStatus): string {
  const conditions = (status.conditions ?? []).map(({ lastHeartbeatTime: _, ...condition }) => condition);
  return JSON.stringify({ ...status, conditions });
}

/** Addresses are merged by their type, of which there may be two: they are replaced as a whole. */
function statusPatch(status: NodeStatus): Json {
  return { status: { ...status, addresses: [{ $patch: "replace" }, ...(status.addresses ?? [])] } } as unknown as Json;
}
