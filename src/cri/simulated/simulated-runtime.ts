// A container runtime in memory. Every image is there unless told otherwise, and containers run until they are stopped. What a Pod's
// annotations say decides the rest:
//   simulated.keelson.dev/exit.<container>: "<code>" or "<code> after <seconds>s"   the container ends by itself
//   simulated.keelson.dev/start.<container>: "<message>"                            it cannot be started
//   simulated.keelson.dev/usage.<container>: "250m 64Mi"                            what it uses
import type { Scope } from "#base/scope.ts";
import { GrpcError } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import type {
  Container,
  ContainerConfig,
  ContainerState,
  ContainerStatus,
  Filter,
  Image,
  LinuxResources,
  Runtime,
  RuntimeEvent,
  Sandbox,
  SandboxConfig,
  SandboxStatus,
  Strings,
  UsageStats,
} from "../runtime.ts";

export const exitAnnotation = "simulated.keelson.dev/exit.";
export const startAnnotation = "simulated.keelson.dev/start.";
/** How long a container takes to end when it is asked to: "20s". At once without it; killed when its grace is over. */
export const stopAnnotation = "simulated.keelson.dev/stop.";
/** What a container uses: "250m 64Mi". Without it a thousandth of a core and 8Mi. */
export const usageAnnotation = "simulated.keelson.dev/usage.";

export interface SimulatedRuntimeOptions {
  /** The Pod network's first two or three parts: "10.244.1" gives addresses 10.244.1.2 to 10.244.1.254, then 10.244.1.2 again when free. */
  readonly subnet?: string;
  /** How long making a sandbox takes, and starting or stopping a container. Default 0. */
  readonly delayMilliseconds?: number;
  /** Rejects a pull with this message; undefined lets it succeed. By default every image is present without a pull. */
  readonly refusePull?: (image: string) => string | undefined;
  readonly imagesPresent?: boolean;
}

export interface SimulatedRuntime extends Runtime {
  /** Ends a container as if its process had exited. */
  exit(containerId: string, code: number, reason?: string): void;
  /** The machine loses its power: every container dies and nobody is told. */
  powerCut(): void;
  /** Containers whose process runs now. */
  running(): readonly { readonly id: string; readonly startedAt: number; readonly config: ContainerConfig }[];
  /** All it keeps, as it is now. */
  all(): { readonly sandboxes: readonly Sandbox[]; readonly containers: readonly ContainerStatus[] };
  /** Everything that was asked, for tests: "startContainer web". */
  readonly calls: readonly string[];
  /** While set, every call is rejected with code 14. */
  isDown: boolean;
}

interface SandboxRecord {
  readonly id: string;
  readonly config: SandboxConfig;
  readonly createdAt: number;
  readonly ip: string | undefined;
  isReady: boolean;
}

interface ContainerRecord {
  readonly id: string;
  readonly sandboxId: string;
  readonly config: ContainerConfig;
  readonly createdAt: number;
  state: ContainerState;
  /** As last changed. */
  resources?: LinuxResources;
  startedAt?: number;
  finishedAt?: number;
  exitCode: number;
  reason: string;
  message: string;
}

const callsKept = 1_000;
const notFound = 5;
const alreadyExists = 6;
const failedPrecondition = 9;
const unavailable = 14;

export function simulatedRuntime(world: World, options: SimulatedRuntimeOptions = {}): SimulatedRuntime {
  const { subnet = "10.244.0", delayMilliseconds = 0, refusePull = () => undefined, imagesPresent = true } = options;
  const sandboxes = new Map<string, SandboxRecord>();
  const containers = new Map<string, ContainerRecord>();
  const pulled = new Map<string, Image>();
  const listeners = new Set<(event: RuntimeEvent) => void>();
  const calls: string[] = [];
  let nextAddress = 2;

  const runtime: SimulatedRuntime = {
    calls,
    isDown: false,
    exit(id, code, reason = code === 0 ? "Completed" : "Error") {
      const container = containers.get(id);
      if (!container || container.state !== "running") return;
      Object.assign(container, { state: "exited", finishedAt: world.clock.now(), exitCode: code, reason });
      tell(id);
    },

    powerCut() {
      for (const container of containers.values()) {
        if (container.state !== "running") continue;
        Object.assign(container, { state: "exited", finishedAt: world.clock.now(), exitCode: 137, reason: "Error" });
      }
      for (const sandbox of sandboxes.values()) sandbox.isReady = false;
    },
    running: () =>
      [...containers.values()]
        .filter(({ state }) => state === "running")
        .map(({ id, startedAt = 0, config }) => ({ id, startedAt, config })),
    all: () => ({ sandboxes: [...sandboxes.values()].map(sandboxOf), containers: [...containers.values()].map(statusOfContainer) }),

    version: async () => {
      await called("version");
      return { runtimeName: "simulated", runtimeVersion: "1.0.0", apiVersion: "v1" };
    },
    status: async () => {
      await called("status");
      const ready = (type: string) => ({ type, status: true, reason: "", message: "" });
      return {
        conditions: [ready("RuntimeReady"), ready("NetworkReady")],
        handlers: [{ name: "", recursiveReadOnlyMounts: false, userNamespaces: false }],
        supplementalGroupsPolicy: false,
      };
    },

    runSandbox: async (config) => {
      await called(`runSandbox ${config.metadata.name}`, delayMilliseconds);
      const { uid, attempt } = config.metadata;
      for (const other of sandboxes.values()) {
        if (other.config.metadata.uid === uid && other.config.metadata.attempt === attempt)
          throw new GrpcError(alreadyExists, `a sandbox of Pod ${uid} with attempt ${attempt} exists`);
      }
      const id = newId();
      const ip = config.namespaces.network === "node" ? undefined : address();
      sandboxes.set(id, { id, config, createdAt: world.clock.now(), ip, isReady: true });
      return id;
    },
    stopSandbox: async (id) => {
      await called("stopSandbox", delayMilliseconds);
      const sandbox = sandboxes.get(id);
      if (!sandbox) return;
      for (const container of containers.values()) if (container.sandboxId === id) runtime.exit(container.id, 137, "Error");
      sandbox.isReady = false;
      tell(id);
    },
    removeSandbox: async (id) => {
      await called("removeSandbox");
      for (const container of [...containers.values()]) {
        if (container.sandboxId !== id) continue;
        runtime.exit(container.id, 137);
        containers.delete(container.id);
      }
      sandboxes.delete(id);
    },
    sandboxes: async (filter = {}) => {
      await called("sandboxes");
      return [...sandboxes.values()].filter(({ id, config }) => matches(filter, id, id, config.labels)).map(sandboxOf);
    },
    sandboxStatus: async (id) => {
      await called("sandboxStatus");
      const sandbox = sandboxes.get(id);
      return sandbox && statusOfSandbox(sandbox);
    },

    createContainer: async (sandboxId, config) => {
      await called(`createContainer ${config.name}`);
      if (!sandboxes.get(sandboxId)?.isReady) throw new GrpcError(notFound, `sandbox ${sandboxId} is not ready`);
      for (const other of containers.values()) {
        if (other.sandboxId === sandboxId && other.config.name === config.name && other.config.attempt === config.attempt)
          throw new GrpcError(alreadyExists, `container ${config.name} with attempt ${config.attempt} exists`);
      }
      const id = newId();
      const createdAt = world.clock.now();
      containers.set(id, { id, sandboxId, config, createdAt, state: "created", exitCode: 0, reason: "", message: "" });
      return id;
    },
    startContainer: async (id) => {
      const container = known(id);
      await called(`startContainer ${container.config.name}`, delayMilliseconds);
      if (container.state !== "created") throw new GrpcError(failedPrecondition, `container ${id} is ${container.state}`);
      const { annotations } = sandboxes.get(container.sandboxId)?.config ?? { annotations: {} as Strings };
      const refusal = annotations[startAnnotation + container.config.name];
      const now = world.clock.now();
      if (refusal !== undefined) {
        Object.assign(container, { state: "exited", finishedAt: now, exitCode: 128, reason: "StartError", message: refusal });
        throw new GrpcError(2, refusal);
      }
      Object.assign(container, { state: "running", startedAt: now });
      const end = /^(\d+)(?: after (\d+(?:\.\d+)?)s)?$/.exec(annotations[exitAnnotation + container.config.name] ?? "");
      if (end) world.clock.timer(Number(end[2] ?? 0) * 1_000, () => runtime.exit(id, Number(end[1])));
    },
    stopContainer: async (id, graceSeconds) => {
      const container = containers.get(id);
      await called(`stopContainer ${container?.config.name ?? id}`, delayMilliseconds);
      if (!container) return;
      const { annotations } = sandboxes.get(container.sandboxId)?.config ?? { annotations: {} as Strings };
      const seconds = Number(/^(\d+(?:\.\d+)?)s$/.exec(annotations[stopAnnotation + container.config.name] ?? "")?.[1] ?? 0);
      const milliseconds = Math.min(seconds, graceSeconds) * 1_000;
      if (milliseconds > 0) await new Promise<void>((resolve) => world.clock.timer(milliseconds, resolve));
      runtime.exit(id, seconds > graceSeconds ? 137 : 143, "Error");
    },
    removeContainer: async (id) => {
      await called(`removeContainer ${containers.get(id)?.config.name ?? id}`);
      runtime.exit(id, 137);
      containers.delete(id);
    },
    containers: async (filter = {}) => {
      await called("containers");
      return [...containers.values()].filter(({ id, sandboxId, config }) => matches(filter, id, sandboxId, config.labels)).map(containerOf);
    },
    containerStatus: async (id) => {
      await called("containerStatus");
      const container = containers.get(id);
      return container && statusOfContainer(container);
    },
    updateContainerResources: async (id, resources) => {
      await called(`updateContainerResources ${containers.get(id)?.config.name ?? id}`);
      const container = known(id);
      if (container.state !== "created" && container.state !== "running")
        throw new GrpcError(failedPrecondition, `container ${id} is ${container.state}`);
      container.resources = { ...(container.resources ?? container.config.resources), ...resources };
    },
    reopenContainerLog: async (id) => {
      await called("reopenContainerLog");
      if (known(id).state !== "running") throw new GrpcError(2, `container ${id} is not running`);
    },

    execSync: async (id, command) => {
      await called(`execSync ${command.join(" ")}`);
      if (known(id).state !== "running") throw new GrpcError(2, `container ${id} is not running`);
      // No program is there to run but the two whose outcome everybody knows.
      const [program = ""] = command;
      const exitCode = program === "true" || program === "/bin/true" ? 0 : program === "false" || program === "/bin/false" ? 1 : 127;
      const stderr = exitCode === 127 ? new TextEncoder().encode(`${program}: no programs run on a simulated node\n`) : new Uint8Array(0);
      return { stdout: new Uint8Array(0), stderr, exitCode };
    },
    execUrl: async () => unsupported("exec"),
    attachUrl: async () => unsupported("attach"),
    portForwardUrl: async () => unsupported("port-forward"),

    containerStats: async (filter = {}) => {
      await called("containerStats");
      return [...containers.values()]
        .filter(({ id, sandboxId, state, config }) => state === "running" && matches(filter, id, sandboxId, config.labels))
        .map((container) => ({
          id: container.id,
          name: container.config.name,
          labels: container.config.labels,
          ...usageOf([container]),
          writableLayerBytes: 0,
          writableLayerInodes: 0,
        }));
    },
    sandboxStats: async (filter = {}) => {
      await called("sandboxStats");
      return [...sandboxes.values()]
        .filter(({ id, config, isReady }) => isReady && matches(filter, id, id, config.labels))
        .map(({ id, config }) => {
          const own = [...containers.values()].filter(({ sandboxId, state }) => sandboxId === id && state === "running");
          return { id, metadata: config.metadata, ...usageOf(own), interfaces: [], processes: own.length };
        });
    },

    images: async () => {
      await called("images");
      return [...pulled.values()];
    },
    imageStatus: async (image) => {
      await called("imageStatus");
      return pulled.get(image) ?? [...pulled.values()].find(({ id }) => id === image) ?? (imagesPresent ? keep(image) : undefined);
    },
    pullImage: async (image, { signal } = {}) => {
      await called(`pullImage ${image}`, delayMilliseconds);
      signal?.throwIfAborted();
      const refusal = refusePull(image);
      if (refusal !== undefined) throw new GrpcError(notFound, refusal);
      return keep(image).id;
    },
    removeImage: async (image) => {
      await called(`removeImage ${image}`);
      for (const [name, { id }] of pulled) if (name === image || id === image) pulled.delete(name);
    },
    imageFileSystem: async () => [],
    imageFiles: async (imageId) => {
      await called("imageFiles");
      if (![...pulled.values()].some(({ id }) => id === imageId)) throw new GrpcError(notFound, `image ${imageId} is not here`);
      return [];
    },
    releaseImageFiles: async () => called("releaseImageFiles"),

    watch(scope: Scope, told) {
      listeners.add(told);
      scope.defer("runtime events", () => {
        listeners.delete(told);
      });
    },
  };
  return runtime;

  /** As much as the Pod's annotations say, all the time. */
  function usageOf(some: readonly ContainerRecord[]): UsageStats {
    const now = world.clock.now();
    let [cpuNanoseconds, cpuNanoCores, memory] = [0, 0, 0];
    for (const { config, sandboxId, startedAt = now } of some) {
      const { annotations } = sandboxes.get(sandboxId)?.config ?? { annotations: {} as Strings };
      const said = /^(\d+)m (\d+)Mi$/.exec(annotations[usageAnnotation + config.name] ?? "");
      const milliCores = said ? Number(said[1]) : 1;
      cpuNanoCores += milliCores * 1e6;
      cpuNanoseconds += Math.round(milliCores * 1e3 * (now - startedAt));
      memory += (said ? Number(said[2]) : 8) * 2 ** 20;
    }
    return {
      at: now,
      cpuNanoseconds,
      cpuNanoCores,
      memoryUsageBytes: memory,
      memoryWorkingSetBytes: memory,
      memoryRssBytes: memory,
      memoryPageFaults: 0,
      memoryMajorPageFaults: 0,
    };
  }

  async function called(what: string, milliseconds = 0): Promise<void> {
    calls.push(what);
    if (calls.length > callsKept) calls.splice(0, callsKept / 2);
    if (milliseconds > 0) await new Promise<void>((resolve) => world.clock.timer(milliseconds, resolve));
    if (runtime.isDown) throw new GrpcError(unavailable, "the simulated runtime is down");
  }

  function tell(id: string): void {
    for (const told of listeners) told({ type: "changed", id });
  }

  function known(id: string): ContainerRecord {
    const container = containers.get(id);
    if (!container) throw new GrpcError(notFound, `container ${id} not found`);
    return container;
  }

  function keep(name: string): Image {
    const there = pulled.get(name);
    if (there) return there;
    const id = `sha256:${[...new TextEncoder().encode(name)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
    const image = { id, tags: [name], digests: [], sizeBytes: 1_000_000, uid: undefined, userName: "", pinned: false };
    pulled.set(name, image);
    return image;
  }

  function newId(): string {
    let id = "";
    while (id.length < 64) id += world.random.integer(0x1000000).toString(16).padStart(6, "0");
    return id.slice(0, 64);
  }

  function address(): string | undefined {
    const used = new Set([...sandboxes.values()].filter(({ isReady }) => isReady).map(({ ip }) => ip));
    for (let tries = 0; tries < 253; tries++) {
      const ip = `${subnet}.${nextAddress}`;
      nextAddress = nextAddress >= 254 ? 2 : nextAddress + 1;
      if (!used.has(ip)) return ip;
    }
    throw new GrpcError(2, `failed to allocate for range 0: no IP addresses available in range set: ${subnet}.2-${subnet}.254`);
  }

  function unsupported(what: string): never {
    throw new GrpcError(12, `${what} is not possible on a simulated node: no programs run there`);
  }
}

function matches({ id, sandboxId, labels = {} }: Filter, ownId: string, ownSandboxId: string, own: Strings): boolean {
  return (
    (id === undefined || id === ownId) &&
    (sandboxId === undefined || sandboxId === ownSandboxId) &&
    Object.entries(labels).every(([key, value]) => own[key] === value)
  );
}

function sandboxOf({ id, config, createdAt, isReady }: SandboxRecord): Sandbox {
  return { id, metadata: config.metadata, ready: isReady, createdAt, labels: config.labels, annotations: config.annotations };
}

function statusOfSandbox(sandbox: SandboxRecord): SandboxStatus {
  return { ...sandboxOf(sandbox), ips: sandbox.ip === undefined ? [] : [sandbox.ip], network: sandbox.config.namespaces.network };
}

function containerOf({ id, sandboxId, config, state, createdAt }: ContainerRecord): Container {
  const { name, attempt, image, labels, annotations } = config;
  return { id, sandboxId, name, attempt, image, imageRef: image, state, createdAt, labels, annotations };
}

function statusOfContainer(container: ContainerRecord): ContainerStatus {
  const { id, config, state, createdAt, startedAt, finishedAt, exitCode, reason, message } = container;
  const { name, attempt, image, userImage, labels, annotations, logPath } = config;
  const common = { id, name, attempt, state, createdAt, startedAt, finishedAt, exitCode, reason, message };
  return {
    ...common,
    image: userImage,
    imageRef: image,
    imageId: image,
    labels,
    annotations,
    logPath,
    resources: container.resources ?? config.resources,
  };
}
