import { kind, type ObjectOf } from "#schema/kind.ts";
import { bool, int32, int64, list, map, one, string, time } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { nodeColumns } from "./node-columns.ts";
import { nodeErrors } from "./node-rules.ts";

export const ConfigMapNodeConfigSource = message(
  "ConfigMapNodeConfigSource",
  {
    namespace: string(1, { always: true, required: true, doc: "Namespace of the ConfigMap." }),
    name: string(2, { always: true, required: true, doc: "Name of the ConfigMap." }),
    uid: string(3, { doc: "UID of the ConfigMap." }),
    resourceVersion: string(4, { doc: "Version of the ConfigMap." }),
    kubeletConfigKey: string(5, { always: true, required: true, doc: "Entry with the kubelet's configuration." }),
  },
  { openapi: "io.k8s.api.core.v1.ConfigMapNodeConfigSource" },
);
export interface ConfigMapNodeConfigSource extends Infer<typeof ConfigMapNodeConfigSource> {}

export const NodeConfigSource = message(
  "NodeConfigSource",
  {
    configMap: one(2, (): Type<ConfigMapNodeConfigSource> => ConfigMapNodeConfigSource, {
      optional: true,
      doc: "ConfigMap with the kubelet's configuration.",
    }),
  },
  { openapi: "io.k8s.api.core.v1.NodeConfigSource" },
);
export interface NodeConfigSource extends Infer<typeof NodeConfigSource> {}

export const Taint = message(
  "Taint",
  {
    key: string(1, { always: true, required: true, doc: "Key of the taint." }),
    value: string(2, { doc: "Value of the taint." }),
    effect: string(3, {
      always: true,
      required: true,
      enum: ["NoExecute", "NoSchedule", "PreferNoSchedule"],
      doc: "NoSchedule, PreferNoSchedule or NoExecute.",
    }),
    timeAdded: time(4, { optional: true, doc: "When it was added; only for NoExecute." }),
  },
  { openapi: "io.k8s.api.core.v1.Taint" },
);
export interface Taint extends Infer<typeof Taint> {}

export const NodeSpec = message(
  "NodeSpec",
  {
    podCIDR: string(1, { doc: "First range of the addresses of its Pods." }),
    externalID: string(2, { doc: "No longer used." }),
    providerID: string(3, { doc: "What the cloud provider calls it." }),
    unschedulable: bool(4, { doc: "Whether it takes no new Pods." }),
    taints: list(5, (): Type<Taint> => Taint, { list: "atomic", doc: "What Pods must tolerate to be here." }),
    configSource: one(6, (): Type<NodeConfigSource> => NodeConfigSource, { optional: true, doc: "No longer used." }),
    podCIDRs: list(7, "string", { list: "set", patch: "merge", doc: "All ranges of the addresses of its Pods." }),
  },
  { openapi: "io.k8s.api.core.v1.NodeSpec" },
);
export interface NodeSpec extends Infer<typeof NodeSpec> {}

export const NodeAddress = message(
  "NodeAddress",
  {
    type: string(1, { always: true, required: true, doc: "InternalIP, ExternalIP, Hostname, InternalDNS or ExternalDNS." }),
    address: string(2, { always: true, required: true, doc: "Address or name." }),
  },
  { openapi: "io.k8s.api.core.v1.NodeAddress" },
);
export interface NodeAddress extends Infer<typeof NodeAddress> {}

export const NodeCondition = message(
  "NodeCondition",
  {
    type: string(1, { always: true, required: true, doc: "What the condition tells, such as Ready." }),
    status: string(2, { always: true, required: true, doc: "True, False or Unknown." }),
    lastHeartbeatTime: time(3, { doc: "When it was last looked at." }),
    lastTransitionTime: time(4, { doc: "When the status last changed." }),
    reason: string(5, { doc: "Why, in one word." }),
    message: string(6, { doc: "Why, for people." }),
  },
  { openapi: "io.k8s.api.core.v1.NodeCondition" },
);
export interface NodeCondition extends Infer<typeof NodeCondition> {}

export const NodeConfigStatus = message(
  "NodeConfigStatus",
  {
    assigned: one(1, (): Type<NodeConfigSource> => NodeConfigSource, { optional: true, doc: "Configuration the kubelet should use." }),
    active: one(2, (): Type<NodeConfigSource> => NodeConfigSource, { optional: true, doc: "Configuration the kubelet uses." }),
    lastKnownGood: one(3, (): Type<NodeConfigSource> => NodeConfigSource, {
      optional: true,
      doc: "Configuration the kubelet goes back to.",
    }),
    error: string(4, { doc: "What is wrong with the assigned one." }),
  },
  { openapi: "io.k8s.api.core.v1.NodeConfigStatus" },
);
export interface NodeConfigStatus extends Infer<typeof NodeConfigStatus> {}

export const DaemonEndpoint = message(
  "DaemonEndpoint",
  {
    Port: int32(1, { always: true, required: true, doc: "Number of the port." }),
  },
  { openapi: "io.k8s.api.core.v1.DaemonEndpoint" },
);
export interface DaemonEndpoint extends Infer<typeof DaemonEndpoint> {}

export const NodeDaemonEndpoints = message(
  "NodeDaemonEndpoints",
  {
    kubeletEndpoint: one(1, (): Type<DaemonEndpoint> => DaemonEndpoint, { doc: "Where its kubelet listens." }),
  },
  { openapi: "io.k8s.api.core.v1.NodeDaemonEndpoints" },
);
export interface NodeDaemonEndpoints extends Infer<typeof NodeDaemonEndpoints> {}

export const NodeFeatures = message(
  "NodeFeatures",
  {
    supplementalGroupsPolicy: bool(1, { optional: true, doc: "Whether its runtime knows supplementalGroupsPolicy." }),
  },
  { openapi: "io.k8s.api.core.v1.NodeFeatures" },
);
export interface NodeFeatures extends Infer<typeof NodeFeatures> {}

export const ContainerImage = message(
  "ContainerImage",
  {
    names: list(1, "string", { always: true, list: "atomic", doc: "Names of the image." }),
    sizeBytes: int64(2, { doc: "Size of the image." }),
  },
  { openapi: "io.k8s.api.core.v1.ContainerImage" },
);
export interface ContainerImage extends Infer<typeof ContainerImage> {}

export const NodeSwapStatus = message(
  "NodeSwapStatus",
  {
    capacity: int64(1, { optional: true, doc: "How much swap there is, in bytes." }),
  },
  { openapi: "io.k8s.api.core.v1.NodeSwapStatus" },
);
export interface NodeSwapStatus extends Infer<typeof NodeSwapStatus> {}

export const NodeSystemInfo = message(
  "NodeSystemInfo",
  {
    machineID: string(1, { always: true, required: true, doc: "Id of the machine, from /etc/machine-id." }),
    systemUUID: string(2, { always: true, required: true, doc: "Id of the machine, from its firmware." }),
    bootID: string(3, { always: true, required: true, doc: "Id of the current boot." }),
    kernelVersion: string(4, { always: true, required: true, doc: "Version of the kernel." }),
    osImage: string(5, { always: true, required: true, doc: "Name of the operating system." }),
    containerRuntimeVersion: string(6, { always: true, required: true, doc: "Container runtime and its version." }),
    kubeletVersion: string(7, { always: true, required: true, doc: "Version of the kubelet." }),
    kubeProxyVersion: string(8, { always: true, required: true, doc: "No longer used." }),
    operatingSystem: string(9, { always: true, required: true, doc: "linux or windows." }),
    architecture: string(10, { always: true, required: true, doc: "Architecture of the machine, such as amd64." }),
    swap: one(11, (): Type<NodeSwapStatus> => NodeSwapStatus, { optional: true, doc: "Swap of the machine." }),
  },
  { openapi: "io.k8s.api.core.v1.NodeSystemInfo" },
);
export interface NodeSystemInfo extends Infer<typeof NodeSystemInfo> {}

export const NodeRuntimeHandlerFeatures = message(
  "NodeRuntimeHandlerFeatures",
  {
    recursiveReadOnlyMounts: bool(1, { optional: true, doc: "Whether mounts can be read-only all the way down." }),
    userNamespaces: bool(2, { optional: true, doc: "Whether Pods can have user ids of their own." }),
  },
  { openapi: "io.k8s.api.core.v1.NodeRuntimeHandlerFeatures" },
);
export interface NodeRuntimeHandlerFeatures extends Infer<typeof NodeRuntimeHandlerFeatures> {}

export const NodeRuntimeHandler = message(
  "NodeRuntimeHandler",
  {
    name: string(1, { always: true, doc: "Name of the handler; empty for the default one." }),
    features: one(2, (): Type<NodeRuntimeHandlerFeatures> => NodeRuntimeHandlerFeatures, {
      optional: true,
      doc: "What the handler can do.",
    }),
  },
  { openapi: "io.k8s.api.core.v1.NodeRuntimeHandler" },
);
export interface NodeRuntimeHandler extends Infer<typeof NodeRuntimeHandler> {}

export const AttachedVolume = message(
  "AttachedVolume",
  {
    name: string(1, { always: true, required: true, doc: "Name of the volume." }),
    devicePath: string(2, { always: true, required: true, doc: "Where it is attached." }),
  },
  { openapi: "io.k8s.api.core.v1.AttachedVolume" },
);
export interface AttachedVolume extends Infer<typeof AttachedVolume> {}

export const NodeStatus = message(
  "NodeStatus",
  {
    capacity: map(1, "quantity", { doc: "What the machine has." }),
    allocatable: map(2, "quantity", { doc: "What Pods may have of it." }),
    phase: string(3, { doc: "No longer used." }),
    conditions: list(4, (): Type<NodeCondition> => NodeCondition, {
      list: "map",
      keys: ["type"],
      patch: "merge",
      mergeKey: "type",
      doc: "What is true of the Node now.",
    }),
    addresses: list(5, (): Type<NodeAddress> => NodeAddress, {
      list: "map",
      keys: ["type"],
      patch: "merge",
      mergeKey: "type",
      doc: "Where it is reached.",
    }),
    daemonEndpoints: one(6, (): Type<NodeDaemonEndpoints> => NodeDaemonEndpoints, { doc: "Where its daemons listen." }),
    nodeInfo: one(7, (): Type<NodeSystemInfo> => NodeSystemInfo, { doc: "What the machine is." }),
    images: list(8, (): Type<ContainerImage> => ContainerImage, { list: "atomic", doc: "Images it has." }),
    volumesInUse: list(9, "string", { list: "atomic", doc: "Attached volumes that are mounted." }),
    volumesAttached: list(10, (): Type<AttachedVolume> => AttachedVolume, { list: "atomic", doc: "Volumes that are attached." }),
    config: one(11, (): Type<NodeConfigStatus> => NodeConfigStatus, { optional: true, doc: "No longer used." }),
    runtimeHandlers: list(12, (): Type<NodeRuntimeHandler> => NodeRuntimeHandler, {
      list: "atomic",
      doc: "Handlers of its container runtime.",
    }),
    features: one(13, (): Type<NodeFeatures> => NodeFeatures, { optional: true, doc: "What its container runtime can do." }),
    declaredFeatures: list(14, "string", { list: "atomic", doc: "Features that its kubelet declares." }),
  },
  { openapi: "io.k8s.api.core.v1.NodeStatus" },
);
export interface NodeStatus extends Infer<typeof NodeStatus> {}

export interface Node extends ObjectOf<typeof NodeSpec, typeof NodeStatus, {}> {}
export const Node = kind({
  group: "",
  version: "v1",
  name: "Node",
  plural: "nodes",
  doc: "A machine that runs Pods.",
  scope: "cluster",
  validate: nodeErrors,
  shortNames: ["no"],
  counted: false,
  keepsStatus: true,
  columns: nodeColumns,
  selectable: { "spec.unschedulable": ({ spec }) => String(spec.unschedulable ?? false) },
  openapi: "io.k8s.api.core.v1.Node",
  spec: NodeSpec,
  status: NodeStatus,
  subresources: { status: true },
  default: withAllocatable,
});

/** Who does not say what Pods may have gives them everything. */
function withAllocatable(node: Node): Node {
  const { capacity, allocatable } = node.status;
  if (capacity === undefined || allocatable !== undefined) return node;
  return { ...node, status: { ...node.status, allocatable: capacity } };
}
