import { kind, type ObjectOf } from "#schema/kind.ts";
import { bool, int32, int64, list, map, one, string, time } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { nodeColumns } from "./node-columns.ts";
import { nodeErrors } from "./node-rules.ts";

export const ConfigMapNodeConfigSource = message(
  "ConfigMapNodeConfigSource",
  {
    namespace: string(1, { always: true, required: true }),
    name: string(2, { always: true, required: true }),
    uid: string(3),
    resourceVersion: string(4),
    kubeletConfigKey: string(5, { always: true, required: true }),
  },
  { openapi: "io.k8s.api.core.v1.ConfigMapNodeConfigSource" },
);
export interface ConfigMapNodeConfigSource extends Infer<typeof ConfigMapNodeConfigSource> {}

export const NodeConfigSource = message(
  "NodeConfigSource",
  {
    configMap: one(2, (): Type<ConfigMapNodeConfigSource> => ConfigMapNodeConfigSource, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.NodeConfigSource" },
);
export interface NodeConfigSource extends Infer<typeof NodeConfigSource> {}

export const Taint = message(
  "Taint",
  {
    key: string(1, { always: true, required: true }),
    value: string(2),
    effect: string(3, { always: true, required: true, enum: ["NoExecute", "NoSchedule", "PreferNoSchedule"] }),
    timeAdded: time(4, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.Taint" },
);
export interface Taint extends Infer<typeof Taint> {}

export const NodeSpec = message(
  "NodeSpec",
  {
    podCIDR: string(1),
    externalID: string(2),
    providerID: string(3),
    unschedulable: bool(4),
    taints: list(5, (): Type<Taint> => Taint, { list: "atomic" }),
    configSource: one(6, (): Type<NodeConfigSource> => NodeConfigSource, { optional: true }),
    podCIDRs: list(7, "string", { list: "set", patch: "merge" }),
  },
  { openapi: "io.k8s.api.core.v1.NodeSpec" },
);
export interface NodeSpec extends Infer<typeof NodeSpec> {}

export const NodeAddress = message(
  "NodeAddress",
  {
    type: string(1, { always: true, required: true }),
    address: string(2, { always: true, required: true }),
  },
  { openapi: "io.k8s.api.core.v1.NodeAddress" },
);
export interface NodeAddress extends Infer<typeof NodeAddress> {}

export const NodeCondition = message(
  "NodeCondition",
  {
    type: string(1, { always: true, required: true }),
    status: string(2, { always: true, required: true }),
    lastHeartbeatTime: time(3),
    lastTransitionTime: time(4),
    reason: string(5),
    message: string(6),
  },
  { openapi: "io.k8s.api.core.v1.NodeCondition" },
);
export interface NodeCondition extends Infer<typeof NodeCondition> {}

export const NodeConfigStatus = message(
  "NodeConfigStatus",
  {
    assigned: one(1, (): Type<NodeConfigSource> => NodeConfigSource, { optional: true }),
    active: one(2, (): Type<NodeConfigSource> => NodeConfigSource, { optional: true }),
    lastKnownGood: one(3, (): Type<NodeConfigSource> => NodeConfigSource, { optional: true }),
    error: string(4),
  },
  { openapi: "io.k8s.api.core.v1.NodeConfigStatus" },
);
export interface NodeConfigStatus extends Infer<typeof NodeConfigStatus> {}

export const DaemonEndpoint = message(
  "DaemonEndpoint",
  {
    Port: int32(1, { always: true, required: true }),
  },
  { openapi: "io.k8s.api.core.v1.DaemonEndpoint" },
);
export interface DaemonEndpoint extends Infer<typeof DaemonEndpoint> {}

export const NodeDaemonEndpoints = message(
  "NodeDaemonEndpoints",
  {
    kubeletEndpoint: one(1, (): Type<DaemonEndpoint> => DaemonEndpoint),
  },
  { openapi: "io.k8s.api.core.v1.NodeDaemonEndpoints" },
);
export interface NodeDaemonEndpoints extends Infer<typeof NodeDaemonEndpoints> {}

export const NodeFeatures = message(
  "NodeFeatures",
  {
    supplementalGroupsPolicy: bool(1, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.NodeFeatures" },
);
export interface NodeFeatures extends Infer<typeof NodeFeatures> {}

export const ContainerImage = message(
  "ContainerImage",
  {
    names: list(1, "string", { always: true, list: "atomic" }),
    sizeBytes: int64(2),
  },
  { openapi: "io.k8s.api.core.v1.ContainerImage" },
);
export interface ContainerImage extends Infer<typeof ContainerImage> {}

export const NodeSwapStatus = message(
  "NodeSwapStatus",
  {
    capacity: int64(1, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.NodeSwapStatus" },
);
export interface NodeSwapStatus extends Infer<typeof NodeSwapStatus> {}

export const NodeSystemInfo = message(
  "NodeSystemInfo",
  {
    machineID: string(1, { always: true, required: true }),
    systemUUID: string(2, { always: true, required: true }),
    bootID: string(3, { always: true, required: true }),
    kernelVersion: string(4, { always: true, required: true }),
    osImage: string(5, { always: true, required: true }),
    containerRuntimeVersion: string(6, { always: true, required: true }),
    kubeletVersion: string(7, { always: true, required: true }),
    kubeProxyVersion: string(8, { always: true, required: true }),
    operatingSystem: string(9, { always: true, required: true }),
    architecture: string(10, { always: true, required: true }),
    swap: one(11, (): Type<NodeSwapStatus> => NodeSwapStatus, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.NodeSystemInfo" },
);
export interface NodeSystemInfo extends Infer<typeof NodeSystemInfo> {}

export const NodeRuntimeHandlerFeatures = message(
  "NodeRuntimeHandlerFeatures",
  {
    recursiveReadOnlyMounts: bool(1, { optional: true }),
    userNamespaces: bool(2, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.NodeRuntimeHandlerFeatures" },
);
export interface NodeRuntimeHandlerFeatures extends Infer<typeof NodeRuntimeHandlerFeatures> {}

export const NodeRuntimeHandler = message(
  "NodeRuntimeHandler",
  {
    name: string(1, { always: true }),
    features: one(2, (): Type<NodeRuntimeHandlerFeatures> => NodeRuntimeHandlerFeatures, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.NodeRuntimeHandler" },
);
export interface NodeRuntimeHandler extends Infer<typeof NodeRuntimeHandler> {}

export const AttachedVolume = message(
  "AttachedVolume",
  {
    name: string(1, { always: true, required: true }),
    devicePath: string(2, { always: true, required: true }),
  },
  { openapi: "io.k8s.api.core.v1.AttachedVolume" },
);
export interface AttachedVolume extends Infer<typeof AttachedVolume> {}

export const NodeStatus = message(
  "NodeStatus",
  {
    capacity: map(1, "quantity"),
    allocatable: map(2, "quantity"),
    phase: string(3),
    conditions: list(4, (): Type<NodeCondition> => NodeCondition, { list: "map", keys: ["type"], patch: "merge", mergeKey: "type" }),
    addresses: list(5, (): Type<NodeAddress> => NodeAddress, { list: "map", keys: ["type"], patch: "merge", mergeKey: "type" }),
    daemonEndpoints: one(6, (): Type<NodeDaemonEndpoints> => NodeDaemonEndpoints),
    nodeInfo: one(7, (): Type<NodeSystemInfo> => NodeSystemInfo),
    images: list(8, (): Type<ContainerImage> => ContainerImage, { list: "atomic" }),
    volumesInUse: list(9, "string", { list: "atomic" }),
    volumesAttached: list(10, (): Type<AttachedVolume> => AttachedVolume, { list: "atomic" }),
    config: one(11, (): Type<NodeConfigStatus> => NodeConfigStatus, { optional: true }),
    runtimeHandlers: list(12, (): Type<NodeRuntimeHandler> => NodeRuntimeHandler, { list: "atomic" }),
    features: one(13, (): Type<NodeFeatures> => NodeFeatures, { optional: true }),
    declaredFeatures: list(14, "string", { list: "atomic" }),
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
