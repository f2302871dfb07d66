// The messages of CRI's runtime.v1 that are used, with the fields that are used.
import { bool, bytes, int32, int64, list, map, one, string, uint32, uint64 } from "#schema/field.ts";
import { protocol } from "#schema/message.ts";

const optional = { optional: true } as const;

export const Empty = protocol("Empty", {});

export const VersionRequest = protocol("VersionRequest", { version: string(1) });
export const VersionResponse = protocol("VersionResponse", {
  version: string(1),
  runtimeName: string(2),
  runtimeVersion: string(3),
  runtimeApiVersion: string(4),
});

export const RuntimeCondition = protocol("RuntimeCondition", { type: string(1), status: bool(2), reason: string(3), message: string(4) });
export const RuntimeStatus = protocol("RuntimeStatus", { conditions: list(1, () => RuntimeCondition) });
export const HandlerFeatures = protocol("RuntimeHandlerFeatures", { recursiveReadOnlyMounts: bool(1), userNamespaces: bool(2) });
export const RuntimeHandler = protocol("RuntimeHandler", { name: string(1), features: one(2, () => HandlerFeatures, optional) });
export const RuntimeFeatures = protocol("RuntimeFeatures", { supplementalGroupsPolicy: bool(1) });
export const StatusResponse = protocol("StatusResponse", {
  status: one(1, () => RuntimeStatus, optional),
  runtimeHandlers: list(3, () => RuntimeHandler),
  features: one(4, () => RuntimeFeatures, optional),
});

export const SandboxMetadata = protocol("PodSandboxMetadata", {
  name: string(1),
  uid: string(2),
  namespace: string(3),
  attempt: uint32(4),
});
export const DnsConfig = protocol("DNSConfig", { servers: list(1, "string"), searches: list(2, "string"), options: list(3, "string") });
export const PortMapping = protocol("PortMapping", {
  protocol: int32(1),
  containerPort: int32(2),
  hostPort: int32(3),
  hostIp: string(4),
});
export const IdMapping = protocol("IDMapping", { hostId: uint32(1), containerId: uint32(2), length: uint32(3) });
export const UserNamespace = protocol("UserNamespace", {
  mode: int32(1),
  uids: list(2, () => IdMapping),
  gids: list(3, () => IdMapping),
});
export const NamespaceOption = protocol("NamespaceOption", {
  network: int32(1),
  pid: int32(2),
  ipc: int32(3),
  targetId: string(4),
  usernsOptions: one(5, () => UserNamespace, optional),
});
export const Int64Value = protocol("Int64Value", { value: int64(1) });
export const UInt64Value = protocol("UInt64Value", { value: uint64(1) });
export const SecurityProfile = protocol("SecurityProfile", { profileType: int32(1), localhostRef: string(2) });
export const SeLinuxOption = protocol("SELinuxOption", { user: string(1), role: string(2), type: string(3), level: string(4) });
export const SandboxSecurity = protocol("LinuxSandboxSecurityContext", {
  namespaceOptions: one(1, () => NamespaceOption, optional),
  selinuxOptions: one(2, () => SeLinuxOption, optional),
  runAsUser: one(3, () => Int64Value, optional),
  runAsGroup: one(8, () => Int64Value, optional),
  readonlyRootfs: bool(4),
  supplementalGroups: list(5, "int64"),
  privileged: bool(6),
  seccomp: one(9, () => SecurityProfile, optional),
  supplementalGroupsPolicy: int32(11),
});
export const HugepageLimit = protocol("HugepageLimit", { pageSize: string(1), limit: uint64(2) });
export const LinuxResources = protocol("LinuxContainerResources", {
  cpuPeriod: int64(1),
  cpuQuota: int64(2),
  cpuShares: int64(3),
  memoryLimitInBytes: int64(4),
  oomScoreAdj: int64(5),
  cpusetCpus: string(6),
  hugepageLimits: list(8, () => HugepageLimit),
  unified: map(9, "string"),
  memorySwapLimitInBytes: int64(10),
});
export const LinuxSandbox = protocol("LinuxPodSandboxConfig", {
  cgroupParent: string(1),
  securityContext: one(2, () => SandboxSecurity, optional),
  sysctls: map(3, "string"),
  overhead: one(4, () => LinuxResources, optional),
  resources: one(5, () => LinuxResources, optional),
});
export const SandboxConfig = protocol("PodSandboxConfig", {
  metadata: one(1, () => SandboxMetadata, optional),
  hostname: string(2),
  logDirectory: string(3),
  dnsConfig: one(4, () => DnsConfig, optional),
  portMappings: list(5, () => PortMapping),
  labels: map(6, "string"),
  annotations: map(7, "string"),
  linux: one(8, () => LinuxSandbox, optional),
});

export const RunPodSandboxRequest = protocol("RunPodSandboxRequest", {
  config: one(1, () => SandboxConfig, optional),
  runtimeHandler: string(2),
});
/** Every request and answer that holds one id, at number 1. */
export const IdMessage = protocol("Id", { id: string(1) });

export const LabelFilter = protocol("Filter", { id: string(1), labels: map(3, "string") });
export const ListSandboxesRequest = protocol("ListPodSandboxRequest", { filter: one(1, () => LabelFilter, optional) });
export const Sandbox = protocol("PodSandbox", {
  id: string(1),
  metadata: one(2, () => SandboxMetadata, optional),
  state: int32(3),
  createdAt: int64(4),
  labels: map(5, "string"),
  annotations: map(6, "string"),
});
export const ListSandboxesResponse = protocol("ListPodSandboxResponse", { items: list(1, () => Sandbox) });

export const PodIp = protocol("PodIP", { ip: string(1) });
export const SandboxNetwork = protocol("PodSandboxNetworkStatus", { ip: string(1), additionalIps: list(2, () => PodIp) });
export const NamespaceHolder = protocol("Namespace", { options: one(2, () => NamespaceOption, optional) });
export const LinuxSandboxStatus = protocol("LinuxPodSandboxStatus", { namespaces: one(1, () => NamespaceHolder, optional) });
export const SandboxStatus = protocol("PodSandboxStatus", {
  id: string(1),
  metadata: one(2, () => SandboxMetadata, optional),
  state: int32(3),
  createdAt: int64(4),
  network: one(5, () => SandboxNetwork, optional),
  linux: one(6, () => LinuxSandboxStatus, optional),
  labels: map(7, "string"),
  annotations: map(8, "string"),
});
export const SandboxStatusResponse = protocol("PodSandboxStatusResponse", { status: one(1, () => SandboxStatus, optional) });

export const ContainerMetadata = protocol("ContainerMetadata", { name: string(1), attempt: uint32(2) });
export const ImageSpec = protocol("ImageSpec", { image: string(1), annotations: map(2, "string"), userSpecifiedImage: string(18) });
export const KeyValue = protocol("KeyValue", { key: string(1), value: string(2) });
export const Mount = protocol("Mount", {
  containerPath: string(1),
  hostPath: string(2),
  readonly: bool(3),
  propagation: int32(5),
  uidMappings: list(6, () => IdMapping),
  gidMappings: list(7, () => IdMapping),
  recursiveReadOnly: bool(8),
});
export const Device = protocol("Device", { containerPath: string(1), hostPath: string(2), permissions: string(3) });
export const Capability = protocol("Capability", { addCapabilities: list(1, "string"), dropCapabilities: list(2, "string") });
export const ContainerSecurity = protocol("LinuxContainerSecurityContext", {
  capabilities: one(1, () => Capability, optional),
  privileged: bool(2),
  namespaceOptions: one(3, () => NamespaceOption, optional),
  selinuxOptions: one(4, () => SeLinuxOption, optional),
  runAsUser: one(5, () => Int64Value, optional),
  runAsGroup: one(12, () => Int64Value, optional),
  runAsUsername: string(6),
  readonlyRootfs: bool(7),
  supplementalGroups: list(8, "int64"),
  noNewPrivs: bool(11),
  maskedPaths: list(13, "string"),
  readonlyPaths: list(14, "string"),
  seccomp: one(15, () => SecurityProfile, optional),
  apparmor: one(16, () => SecurityProfile, optional),
  supplementalGroupsPolicy: int32(17),
});
export const LinuxContainer = protocol("LinuxContainerConfig", {
  resources: one(1, () => LinuxResources, optional),
  securityContext: one(2, () => ContainerSecurity, optional),
});
export const ContainerConfig = protocol("ContainerConfig", {
  metadata: one(1, () => ContainerMetadata, optional),
  image: one(2, () => ImageSpec, optional),
  command: list(3, "string"),
  args: list(4, "string"),
  workingDir: string(5),
  envs: list(6, () => KeyValue),
  mounts: list(7, () => Mount),
  devices: list(8, () => Device),
  labels: map(9, "string"),
  annotations: map(10, "string"),
  logPath: string(11),
  stdin: bool(12),
  stdinOnce: bool(13),
  tty: bool(14),
  linux: one(15, () => LinuxContainer, optional),
  stopSignal: int32(18),
});
export const CreateContainerRequest = protocol("CreateContainerRequest", {
  podSandboxId: string(1),
  config: one(2, () => ContainerConfig, optional),
  sandboxConfig: one(3, () => SandboxConfig, optional),
});
export const StopContainerRequest = protocol("StopContainerRequest", { containerId: string(1), timeout: int64(2) });

export const ContainerFilter = protocol("ContainerFilter", { id: string(1), podSandboxId: string(3), labelSelector: map(4, "string") });
export const ListContainersRequest = protocol("ListContainersRequest", { filter: one(1, () => ContainerFilter, optional) });
export const Container = protocol("Container", {
  id: string(1),
  podSandboxId: string(2),
  metadata: one(3, () => ContainerMetadata, optional),
  image: one(4, () => ImageSpec, optional),
  imageRef: string(5),
  state: int32(6),
  createdAt: int64(7),
  labels: map(8, "string"),
  annotations: map(9, "string"),
});
export const ListContainersResponse = protocol("ListContainersResponse", { containers: list(1, () => Container) });
export const ContainerResources = protocol("ContainerResources", { linux: one(1, () => LinuxResources, optional) });
export const LinuxUser = protocol("LinuxContainerUser", { uid: int64(1), gid: int64(2), supplementalGroups: list(3, "int64") });
export const ContainerUser = protocol("ContainerUser", { linux: one(1, () => LinuxUser, optional) });
export const ContainerStatus = protocol("ContainerStatus", {
  id: string(1),
  metadata: one(2, () => ContainerMetadata, optional),
  state: int32(3),
  createdAt: int64(4),
  startedAt: int64(5),
  finishedAt: int64(6),
  exitCode: int32(7),
  image: one(8, () => ImageSpec, optional),
  imageRef: string(9),
  reason: string(10),
  message: string(11),
  labels: map(12, "string"),
  annotations: map(13, "string"),
  logPath: string(15),
  resources: one(16, () => ContainerResources, optional),
  imageId: string(17),
  user: one(18, () => ContainerUser, optional),
});
export const ContainerStatusResponse = protocol("ContainerStatusResponse", { status: one(1, () => ContainerStatus, optional) });
export const UpdateResourcesRequest = protocol("UpdateContainerResourcesRequest", {
  containerId: string(1),
  linux: one(2, () => LinuxResources, optional),
});

export const ExecSyncRequest = protocol("ExecSyncRequest", { containerId: string(1), cmd: list(2, "string"), timeout: int64(3) });
export const ExecSyncResponse = protocol("ExecSyncResponse", { stdout: bytes(1), stderr: bytes(2), exitCode: int32(3) });
export const ExecRequest = protocol("ExecRequest", {
  containerId: string(1),
  cmd: list(2, "string"),
  tty: bool(3),
  stdin: bool(4),
  stdout: bool(5),
  stderr: bool(6),
});
export const AttachRequest = protocol("AttachRequest", {
  containerId: string(1),
  stdin: bool(2),
  tty: bool(3),
  stdout: bool(4),
  stderr: bool(5),
});
export const PortForwardRequest = protocol("PortForwardRequest", { podSandboxId: string(1), port: list(2, "int32") });

const attributes = { id: string(1), labels: map(3, "string") } as const;
export const ContainerAttributes = protocol("ContainerAttributes", { ...attributes, metadata: one(2, () => ContainerMetadata, optional) });
export const SandboxAttributes = protocol("PodSandboxAttributes", { ...attributes, metadata: one(2, () => SandboxMetadata, optional) });
export const StatsFilter = protocol("ContainerStatsFilter", { id: string(1), podSandboxId: string(2), labelSelector: map(3, "string") });
export const SandboxStatsFilter = protocol("PodSandboxStatsFilter", { id: string(1), labelSelector: map(2, "string") });
export const ContainerStatsRequest = protocol("ListContainerStatsRequest", { filter: one(1, () => StatsFilter, optional) });
export const SandboxStatsRequest = protocol("ListPodSandboxStatsRequest", { filter: one(1, () => SandboxStatsFilter, optional) });
const number64 = (at: number) => one(at, () => UInt64Value, optional);
export const CpuUsage = protocol("CpuUsage", { timestamp: int64(1), usageCoreNanoSeconds: number64(2), usageNanoCores: number64(3) });
export const MemoryUsage = protocol("MemoryUsage", {
  timestamp: int64(1),
  workingSetBytes: number64(2),
  availableBytes: number64(3),
  usageBytes: number64(4),
  rssBytes: number64(5),
  pageFaults: number64(6),
  majorPageFaults: number64(7),
});
export const FilesystemIdentifier = protocol("FilesystemIdentifier", { mountpoint: string(1) });
export const FilesystemUsage = protocol("FilesystemUsage", {
  timestamp: int64(1),
  fsId: one(2, () => FilesystemIdentifier, optional),
  usedBytes: number64(3),
  inodesUsed: number64(4),
});
export const ContainerStats = protocol("ContainerStats", {
  attributes: one(1, () => ContainerAttributes, optional),
  cpu: one(2, () => CpuUsage, optional),
  memory: one(3, () => MemoryUsage, optional),
  writableLayer: one(4, () => FilesystemUsage, optional),
});
export const ContainerStatsResponse = protocol("ListContainerStatsResponse", { stats: list(1, () => ContainerStats) });
export const InterfaceUsage = protocol("NetworkInterfaceUsage", {
  name: string(1),
  rxBytes: number64(2),
  rxErrors: number64(3),
  txBytes: number64(4),
  txErrors: number64(5),
});
export const NetworkUsage = protocol("NetworkUsage", {
  timestamp: int64(1),
  defaultInterface: one(2, () => InterfaceUsage, optional),
  interfaces: list(3, () => InterfaceUsage),
});
export const ProcessUsage = protocol("ProcessUsage", { timestamp: int64(1), processCount: number64(2) });
export const LinuxSandboxStats = protocol("LinuxPodSandboxStats", {
  cpu: one(1, () => CpuUsage, optional),
  memory: one(2, () => MemoryUsage, optional),
  network: one(3, () => NetworkUsage, optional),
  process: one(4, () => ProcessUsage, optional),
});
export const SandboxStats = protocol("PodSandboxStats", {
  attributes: one(1, () => SandboxAttributes, optional),
  linux: one(2, () => LinuxSandboxStats, optional),
});
export const SandboxStatsResponse = protocol("ListPodSandboxStatsResponse", { stats: list(1, () => SandboxStats) });

export const Image = protocol("Image", {
  id: string(1),
  repoTags: list(2, "string"),
  repoDigests: list(3, "string"),
  size: uint64(4),
  uid: one(5, () => Int64Value, optional),
  username: string(6),
  pinned: bool(8),
});
export const ListImagesResponse = protocol("ListImagesResponse", { images: list(1, () => Image) });
/** ImageStatusRequest, RemoveImageRequest. */
export const ImageRequest = protocol("ImageRequest", { image: one(1, () => ImageSpec, optional) });
export const ImageStatusResponse = protocol("ImageStatusResponse", { image: one(1, () => Image, optional) });
export const AuthConfig = protocol("AuthConfig", {
  username: string(1),
  password: string(2),
  auth: string(3),
  serverAddress: string(4),
  identityToken: string(5),
  registryToken: string(6),
});
export const PullImageRequest = protocol("PullImageRequest", {
  image: one(1, () => ImageSpec, optional),
  auth: one(2, () => AuthConfig, optional),
  sandboxConfig: one(3, () => SandboxConfig, optional),
});
export const ImageFsInfoResponse = protocol("ImageFsInfoResponse", { imageFilesystems: list(1, () => FilesystemUsage) });

export const ContainerEvent = protocol("ContainerEventResponse", { containerId: string(1), containerEventType: int32(2) });

/** containerd's own event service, which says what CRI's does where a runtime has none. */
export const SubscribeRequest = protocol("SubscribeRequest", { filters: list(1, "string") });
export const Any = protocol("Any", { typeUrl: string(1), value: bytes(2) });
export const Envelope = protocol("Envelope", { namespace: string(2), topic: string(3), event: one(4, () => Any, optional) });
/** Both name the container, and the exec or again the container (by its id, or not at all) that ended in it. */
export const TaskExit = protocol("TaskExit", { containerId: string(1), id: string(2) });
export const TaskDelete = protocol("TaskDelete", { containerId: string(1), id: string(5) });

/** containerd's content and snapshots, for the files of images. */
export const ReadContentRequest = protocol("ReadContentRequest", { digest: string(1) });
export const ReadContentResponse = protocol("ReadContentResponse", { data: bytes(2) });
/** RemoveSnapshotRequest, ViewSnapshotRequest. */
export const SnapshotRequest = protocol("SnapshotRequest", {
  snapshotter: string(1),
  key: string(2),
  parent: string(3),
  labels: map(4, "string"),
});
export const SystemMount = protocol("Mount", { type: string(1), source: string(2), options: list(4, "string") });
export const SnapshotResponse = protocol("ViewSnapshotResponse", { mounts: list(1, () => SystemMount) });
