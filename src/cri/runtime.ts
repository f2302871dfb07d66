// The container runtime as the kubelet sees it: sandboxes, containers, images, and a stream of what changed. grpc/ speaks CRI's
// runtime.v1 to a real one, simulated/ keeps one in memory.
//
// Invariants:
// - Times are milliseconds since 1970; undefined while it has not happened.
// - Stopping and removing what is already stopped or gone succeeds. Asking for the status of what is not there gives undefined.
// - Failures are GrpcError with gRPC's code, in both implementations.
import type { Scope } from "#base/scope.ts";

export interface Runtime {
  version(): Promise<RuntimeVersion>;
  /** Whether the runtime and its network can take Pods. */
  status(): Promise<RuntimeStatus>;

  /** Makes the sandbox of a Pod, with its network, and returns its id. `handler` is a RuntimeClass's; empty is the default one. */
  runSandbox(config: SandboxConfig, handler?: string): Promise<string>;
  stopSandbox(id: string): Promise<void>;
  /** Removes the sandbox and every container in it. */
  removeSandbox(id: string): Promise<void>;
  sandboxes(filter?: Filter): Promise<readonly Sandbox[]>;
  sandboxStatus(id: string): Promise<SandboxStatus | undefined>;

  createContainer(sandboxId: string, config: ContainerConfig, sandbox: SandboxConfig): Promise<string>;
  startContainer(id: string): Promise<void>;
  /** Asks the container to end, and ends it after `graceSeconds`. Resolves when it ended. */
  stopContainer(id: string, graceSeconds: number): Promise<void>;
  removeContainer(id: string): Promise<void>;
  containers(filter?: Filter): Promise<readonly Container[]>;
  containerStatus(id: string): Promise<ContainerStatus | undefined>;
  updateContainerResources(id: string, resources: LinuxResources): Promise<void>;
  /** After the log file was renamed: goes on in a new one. */
  reopenContainerLog(id: string): Promise<void>;

  /** Runs a command to its end. Rejects with code 4 (deadline exceeded) when it takes longer; 0 waits for ever. */
  execSync(id: string, command: readonly string[], timeoutSeconds: number): Promise<ExecResult>;
  /** URLs on the runtime's streaming server, valid once and for a short time. It speaks SPDY/3.1 and WebSocket. */
  execUrl(request: ExecRequest): Promise<string>;
  attachUrl(request: AttachRequest): Promise<string>;
  portForwardUrl(sandboxId: string, ports: readonly number[]): Promise<string>;

  /** Resources used by running containers, and by sandboxes with their network. */
  containerStats(filter?: Filter): Promise<readonly ContainerStats[]>;
  sandboxStats(filter?: Filter): Promise<readonly SandboxStats[]>;

  images(): Promise<readonly Image[]>;
  imageStatus(image: string): Promise<Image | undefined>;
  /** Returns the image's reference. */
  pullImage(image: string, options?: PullOptions): Promise<string>;
  removeImage(image: string): Promise<void>;
  imageFileSystem(): Promise<readonly FileSystemUsage[]>;
  /**
   * What to mount, one over another, to read the files of an image that is here. They stay under this name, of an earlier caller too, until
   * they are released. Rejects with code 12 where the runtime does not tell.
   */
  imageFiles(imageId: string, name: string): Promise<readonly SystemMount[]>;
  releaseImageFiles(name: string): Promise<void>;

  /** Calls back for every change until the scope stops; reconnects by itself, and says "resync" when something may have been missed. */
  watch(scope: Scope, told: (event: RuntimeEvent) => void): void;
}

export interface RuntimeVersion {
  /** "containerd". */
  readonly runtimeName: string;
  /** "1.6.20". */
  readonly runtimeVersion: string;
  /** "v1". */
  readonly apiVersion: string;
}

export interface RuntimeCondition {
  /** "RuntimeReady", "NetworkReady". */
  readonly type: string;
  readonly status: boolean;
  readonly reason: string;
  readonly message: string;
}

export interface RuntimeStatus {
  readonly conditions: readonly RuntimeCondition[];
  /** What RuntimeClasses can name, the default one as "", where the runtime tells. */
  readonly handlers?: readonly RuntimeHandler[];
  /** Whether groups of the image can be left out. */
  readonly supplementalGroupsPolicy?: boolean;
}

export interface RuntimeHandler {
  readonly name: string;
  readonly recursiveReadOnlyMounts: boolean;
  readonly userNamespaces: boolean;
}

/** A container or sandbox changed its state, or anything may have. */
export type RuntimeEvent = { readonly type: "changed"; readonly id: string } | { readonly type: "resync" };

/** All given parts have to match. */
export interface Filter {
  readonly id?: string;
  readonly sandboxId?: string;
  readonly labels?: Readonly<Record<string, string>>;
}

export type Strings = Readonly<Record<string, string>>;

export interface SandboxMetadata {
  readonly name: string;
  readonly uid: string;
  readonly namespace: string;
  /** Counts the sandboxes this Pod had before. */
  readonly attempt: number;
}

/** Whose namespace a Pod or container lives in. */
export type NamespaceMode = "pod" | "container" | "node";

/** `length` ids from `containerId` on are those from `hostId` on for the node. */
export interface IdMapping {
  readonly hostId: number;
  readonly containerId: number;
  readonly length: number;
}

export interface Namespaces {
  readonly network: NamespaceMode;
  readonly pid: NamespaceMode;
  readonly ipc: NamespaceMode;
  /** The PID namespace of this container is joined; `pid` is ignored. */
  readonly targetContainer?: string;
  /** User and group ids of its own; absent: the node's. */
  readonly users?: readonly IdMapping[] | undefined;
}

/** For "localhost", `path` is the profile's file, or its name where the kernel holds it. */
export interface SecurityProfile {
  readonly type: "runtime-default" | "unconfined" | "localhost";
  readonly path?: string;
}

export interface SeLinuxLabel {
  readonly user: string;
  readonly role: string;
  readonly type: string;
  readonly level: string;
}

export interface SandboxConfig {
  readonly metadata: SandboxMetadata;
  /** Empty where the sandbox uses the node's network. */
  readonly hostname: string;
  readonly logFolder: string;
  readonly dns?: { readonly servers: readonly string[]; readonly searches: readonly string[]; readonly options: readonly string[] };
  readonly ports: readonly PortMapping[];
  readonly labels: Strings;
  readonly annotations: Strings;
  readonly cgroupParent: string;
  readonly sysctls: Strings;
  readonly namespaces: Namespaces;
  readonly runAsUser?: number;
  readonly runAsGroup?: number;
  readonly supplementalGroups: readonly number[];
  /** Groups that the image gives the user do not count. */
  readonly onlySupplementalGroups?: boolean;
  readonly privileged: boolean;
  readonly seccomp?: SecurityProfile;
  readonly seLinux?: SeLinuxLabel;
  readonly overhead?: LinuxResources;
  readonly resources?: LinuxResources;
}

export interface PortMapping {
  readonly protocol: "TCP" | "UDP" | "SCTP";
  readonly containerPort: number;
  readonly hostPort: number;
  readonly hostIP: string;
}

export interface Sandbox {
  readonly id: string;
  readonly metadata: SandboxMetadata;
  readonly ready: boolean;
  readonly createdAt: number;
  readonly labels: Strings;
  readonly annotations: Strings;
}

export interface SandboxStatus extends Sandbox {
  /** Addresses on the Pod network; empty for those on the node's. */
  readonly ips: readonly string[];
  readonly network: NamespaceMode;
}

export interface Mount {
  readonly containerPath: string;
  readonly hostPath: string;
  readonly readOnly: boolean;
  readonly propagation: "private" | "host-to-container" | "bidirectional";
  readonly recursiveReadOnly?: boolean;
  /** How owners of files are translated; absent: not at all. */
  readonly users?: readonly IdMapping[] | undefined;
}

/** As the machine's own mount command takes it. */
export interface SystemMount {
  readonly type: string;
  readonly source: string;
  readonly options: readonly string[];
}

export interface Device {
  readonly containerPath: string;
  readonly hostPath: string;
  readonly permissions: string;
}

/** Absent: not limited. */
export interface LinuxResources {
  readonly cpuPeriod?: number;
  readonly cpuQuota?: number;
  readonly cpuShares?: number;
  readonly memoryLimitBytes?: number;
  /** Memory and swap together. */
  readonly memorySwapLimitBytes?: number;
  readonly oomScoreAdjustment?: number;
  readonly cpusetCpus?: string;
  readonly hugepages?: readonly { readonly pageSize: string; readonly limitBytes: number }[];
  /** Files of cgroup v2 and what to write into them. */
  readonly unified?: Strings;
}

export interface ContainerSecurity {
  readonly addCapabilities: readonly string[];
  readonly dropCapabilities: readonly string[];
  readonly privileged: boolean;
  readonly namespaces: Namespaces;
  readonly runAsUser?: number;
  readonly runAsUserName?: string;
  readonly runAsGroup?: number;
  readonly readOnlyRootFilesystem: boolean;
  readonly supplementalGroups: readonly number[];
  /** Groups that the image gives the user do not count. */
  readonly onlySupplementalGroups?: boolean;
  readonly noNewPrivileges: boolean;
  readonly maskedPaths: readonly string[];
  readonly readOnlyPaths: readonly string[];
  readonly seccomp?: SecurityProfile;
  readonly appArmor?: SecurityProfile;
  readonly seLinux?: SeLinuxLabel;
}

export interface ContainerConfig {
  readonly name: string;
  /** Counts the containers of this name before. (name, attempt) is unique within a sandbox. */
  readonly attempt: number;
  /** The image's id or reference, which must be there, and the name the user gave it. */
  readonly image: string;
  readonly userImage: string;
  readonly command: readonly string[];
  readonly arguments: readonly string[];
  readonly workingFolder: string;
  readonly environment: readonly { readonly name: string; readonly value: string }[];
  readonly mounts: readonly Mount[];
  readonly devices: readonly Device[];
  readonly labels: Strings;
  readonly annotations: Strings;
  /** Within the sandbox's log folder: "web/0.log". */
  readonly logPath: string;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly tty: boolean;
  readonly resources: LinuxResources;
  readonly security: ContainerSecurity;
  /** "SIGUSR1"; absent: the image's own. */
  readonly stopSignal?: string;
}

export type ContainerState = "created" | "running" | "exited" | "unknown";

export interface Container {
  readonly id: string;
  readonly sandboxId: string;
  readonly name: string;
  readonly attempt: number;
  readonly image: string;
  readonly imageRef: string;
  readonly state: ContainerState;
  readonly createdAt: number;
  readonly labels: Strings;
  readonly annotations: Strings;
}

export interface ContainerStatus {
  readonly id: string;
  readonly name: string;
  readonly attempt: number;
  readonly state: ContainerState;
  readonly createdAt: number;
  readonly startedAt: number | undefined;
  readonly finishedAt: number | undefined;
  readonly exitCode: number;
  readonly image: string;
  readonly imageRef: string;
  /** The image's id on this node, where the runtime tells. */
  readonly imageId: string;
  /** "OOMKilled", "Error", "Completed", "StartError". */
  readonly reason: string;
  readonly message: string;
  readonly labels: Strings;
  readonly annotations: Strings;
  readonly logPath: string;
  /** What it may use, where the runtime tells. */
  readonly resources?: LinuxResources | undefined;
  /** Who its first process was, where the runtime tells. */
  readonly user?: { readonly uid: number; readonly gid: number; readonly supplementalGroups: readonly number[] } | undefined;
}

export interface ExecResult {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly exitCode: number;
}

export interface ExecRequest {
  readonly containerId: string;
  readonly command: readonly string[];
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

export interface AttachRequest {
  readonly containerId: string;
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** Absent where the runtime does not tell. */
export interface UsageStats {
  readonly at: number;
  readonly cpuNanoseconds?: number | undefined;
  readonly cpuNanoCores?: number | undefined;
  readonly memoryUsageBytes?: number | undefined;
  readonly memoryWorkingSetBytes?: number | undefined;
  readonly memoryRssBytes?: number | undefined;
  readonly memoryPageFaults?: number | undefined;
  readonly memoryMajorPageFaults?: number | undefined;
  readonly memoryAvailableBytes?: number | undefined;
}

export interface ContainerStats extends UsageStats {
  readonly id: string;
  readonly name: string;
  readonly labels: Strings;
  readonly writableLayerBytes?: number | undefined;
  readonly writableLayerInodes?: number | undefined;
}

export interface SandboxStats extends UsageStats {
  readonly id: string;
  readonly metadata: SandboxMetadata;
  readonly interfaces: readonly {
    readonly name: string;
    readonly receivedBytes: number;
    readonly receiveErrors: number;
    readonly sentBytes: number;
    readonly sendErrors: number;
  }[];
  readonly processes?: number | undefined;
}

export interface Image {
  readonly id: string;
  readonly tags: readonly string[];
  readonly digests: readonly string[];
  readonly sizeBytes: number;
  /** Who the image says to run as; a number or a name. */
  readonly uid: number | undefined;
  readonly userName: string;
  readonly pinned: boolean;
}

export interface PullOptions {
  readonly auth?: RegistryAuth | undefined;
  readonly sandbox?: SandboxConfig | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface RegistryAuth {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly auth?: string | undefined;
  readonly serverAddress?: string | undefined;
  readonly identityToken?: string | undefined;
  readonly registryToken?: string | undefined;
}

export interface FileSystemUsage {
  readonly at: number;
  readonly mountPoint: string;
  readonly usedBytes: number;
  readonly inodesUsed: number | undefined;
}
