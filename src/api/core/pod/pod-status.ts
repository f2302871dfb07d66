import { bool, int32, int64, list, map, one, string, time } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { ResourceRequirements } from "./container.ts";
import { ContainerExtendedResourceRequest } from "./pod-spec.ts";

export const PodCondition = message(
  "PodCondition",
  {
    type: string(1, { always: true, required: true }),
    status: string(2, { always: true, required: true }),
    lastProbeTime: time(3),
    lastTransitionTime: time(4),
    reason: string(5),
    message: string(6),
    observedGeneration: int64(7),
  },
  { openapi: "io.k8s.api.core.v1.PodCondition" },
);
export interface PodCondition extends Infer<typeof PodCondition> {}

export const ResourceHealth = message(
  "ResourceHealth",
  {
    resourceID: string(1, { always: true, required: true }),
    health: string(2),
    message: string(6, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.ResourceHealth" },
);
export interface ResourceHealth extends Infer<typeof ResourceHealth> {}

export const ResourceStatus = message(
  "ResourceStatus",
  {
    name: string(1, { always: true, required: true }),
    resources: list(2, (): Type<ResourceHealth> => ResourceHealth, { list: "map", keys: ["resourceID"] }),
  },
  { openapi: "io.k8s.api.core.v1.ResourceStatus" },
);
export interface ResourceStatus extends Infer<typeof ResourceStatus> {}

export const ContainerStateRunning = message(
  "ContainerStateRunning",
  {
    startedAt: time(1),
  },
  { openapi: "io.k8s.api.core.v1.ContainerStateRunning" },
);
export interface ContainerStateRunning extends Infer<typeof ContainerStateRunning> {}

export const ContainerStateTerminated = message(
  "ContainerStateTerminated",
  {
    exitCode: int32(1, { always: true, required: true }),
    signal: int32(2),
    reason: string(3),
    message: string(4),
    startedAt: time(5),
    finishedAt: time(6),
    containerID: string(7),
  },
  { openapi: "io.k8s.api.core.v1.ContainerStateTerminated" },
);
export interface ContainerStateTerminated extends Infer<typeof ContainerStateTerminated> {}

export const ContainerStateWaiting = message(
  "ContainerStateWaiting",
  {
    reason: string(1),
    message: string(2),
  },
  { openapi: "io.k8s.api.core.v1.ContainerStateWaiting" },
);
export interface ContainerStateWaiting extends Infer<typeof ContainerStateWaiting> {}

export const ContainerState = message(
  "ContainerState",
  {
    waiting: one(1, (): Type<ContainerStateWaiting> => ContainerStateWaiting, { optional: true }),
    running: one(2, (): Type<ContainerStateRunning> => ContainerStateRunning, { optional: true }),
    terminated: one(3, (): Type<ContainerStateTerminated> => ContainerStateTerminated, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.ContainerState" },
);
export interface ContainerState extends Infer<typeof ContainerState> {}

export const LinuxContainerUser = message(
  "LinuxContainerUser",
  {
    uid: int64(1, { always: true, required: true }),
    gid: int64(2, { always: true, required: true }),
    supplementalGroups: list(3, "int64", { list: "atomic" }),
  },
  { openapi: "io.k8s.api.core.v1.LinuxContainerUser" },
);
export interface LinuxContainerUser extends Infer<typeof LinuxContainerUser> {}

export const ContainerUser = message(
  "ContainerUser",
  {
    linux: one(1, (): Type<LinuxContainerUser> => LinuxContainerUser, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.ContainerUser" },
);
export interface ContainerUser extends Infer<typeof ContainerUser> {}

export const ImageVolumeStatus = message(
  "ImageVolumeStatus",
  {
    imageRef: string(1, { required: true }),
  },
  { openapi: "io.k8s.api.core.v1.ImageVolumeStatus" },
);
export interface ImageVolumeStatus extends Infer<typeof ImageVolumeStatus> {}

export const VolumeStatus = message(
  "VolumeStatus",
  {
    image: one(1, (): Type<ImageVolumeStatus> => ImageVolumeStatus, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.VolumeStatus" },
);
export interface VolumeStatus extends Infer<typeof VolumeStatus> {}

export const VolumeMountStatus = message(
  "VolumeMountStatus",
  {
    name: string(1, { always: true, required: true }),
    mountPath: string(2, { always: true, required: true }),
    readOnly: bool(3),
    recursiveReadOnly: string(4, { optional: true }),
    volumeStatus: one(5, (): Type<VolumeStatus> => VolumeStatus, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.VolumeMountStatus" },
);
export interface VolumeMountStatus extends Infer<typeof VolumeMountStatus> {}

export const ContainerStatus = message(
  "ContainerStatus",
  {
    name: string(1, { always: true, required: true }),
    state: one(2, (): Type<ContainerState> => ContainerState),
    lastState: one(3, (): Type<ContainerState> => ContainerState),
    ready: bool(4, { always: true, required: true }),
    restartCount: int32(5, { always: true, required: true }),
    image: string(6, { always: true, required: true }),
    imageID: string(7, { always: true, required: true }),
    containerID: string(8),
    started: bool(9, { optional: true }),
    allocatedResources: map(10, "quantity"),
    resources: one(11, (): Type<ResourceRequirements> => ResourceRequirements, { optional: true }),
    volumeMounts: list(12, (): Type<VolumeMountStatus> => VolumeMountStatus, {
      list: "map",
      keys: ["mountPath"],
      patch: "merge",
      mergeKey: "mountPath",
    }),
    user: one(13, (): Type<ContainerUser> => ContainerUser, { optional: true }),
    allocatedResourcesStatus: list(14, (): Type<ResourceStatus> => ResourceStatus, {
      list: "map",
      keys: ["name"],
      patch: "merge",
      mergeKey: "name",
    }),
    stopSignal: string(15, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.ContainerStatus" },
);
export interface ContainerStatus extends Infer<typeof ContainerStatus> {}

export const PodExtendedResourceClaimStatus = message(
  "PodExtendedResourceClaimStatus",
  {
    requestMappings: list(1, (): Type<ContainerExtendedResourceRequest> => ContainerExtendedResourceRequest, {
      always: true,
      required: true,
      list: "atomic",
    }),
    resourceClaimName: string(2, { always: true, required: true }),
  },
  { openapi: "io.k8s.api.core.v1.PodExtendedResourceClaimStatus" },
);
export interface PodExtendedResourceClaimStatus extends Infer<typeof PodExtendedResourceClaimStatus> {}

export const HostIP = message(
  "HostIP",
  {
    ip: string(1, { always: true, required: true }),
  },
  { openapi: "io.k8s.api.core.v1.HostIP" },
);
export interface HostIP extends Infer<typeof HostIP> {}

export const NodeAllocatableResourceClaimStatus = message(
  "NodeAllocatableResourceClaimStatus",
  {
    resourceClaimName: string(1, { always: true, required: true }),
    containers: list(2, "string", { list: "set" }),
    resources: map(3, "quantity", { always: true, required: true }),
  },
  { openapi: "io.k8s.api.core.v1.NodeAllocatableResourceClaimStatus" },
);
export interface NodeAllocatableResourceClaimStatus extends Infer<typeof NodeAllocatableResourceClaimStatus> {}

export const PodIP = message(
  "PodIP",
  {
    ip: string(1, { always: true, required: true }),
  },
  { openapi: "io.k8s.api.core.v1.PodIP" },
);
export interface PodIP extends Infer<typeof PodIP> {}

export const PodResourceClaimStatus = message(
  "PodResourceClaimStatus",
  {
    name: string(1, { always: true, required: true }),
    resourceClaimName: string(2, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.PodResourceClaimStatus" },
);
export interface PodResourceClaimStatus extends Infer<typeof PodResourceClaimStatus> {}

export const PodStatus = message(
  "PodStatus",
  {
    phase: string(1, { enum: ["Failed", "Pending", "Running", "Succeeded", "Unknown"] }),
    conditions: list(2, (): Type<PodCondition> => PodCondition, { list: "map", keys: ["type"], patch: "merge", mergeKey: "type" }),
    message: string(3),
    reason: string(4),
    hostIP: string(5),
    podIP: string(6),
    startTime: time(7, { optional: true }),
    containerStatuses: list(8, (): Type<ContainerStatus> => ContainerStatus, { list: "atomic" }),
    qosClass: string(9, { enum: ["BestEffort", "Burstable", "Guaranteed"] }),
    initContainerStatuses: list(10, (): Type<ContainerStatus> => ContainerStatus, { list: "atomic" }),
    nominatedNodeName: string(11),
    podIPs: list(12, (): Type<PodIP> => PodIP, { list: "map", keys: ["ip"], patch: "merge", mergeKey: "ip" }),
    ephemeralContainerStatuses: list(13, (): Type<ContainerStatus> => ContainerStatus, { list: "atomic" }),
    resize: string(14),
    resourceClaimStatuses: list(15, (): Type<PodResourceClaimStatus> => PodResourceClaimStatus, {
      list: "map",
      keys: ["name"],
      patch: "merge,retainKeys",
      mergeKey: "name",
    }),
    hostIPs: list(16, (): Type<HostIP> => HostIP, { list: "atomic", patch: "merge", mergeKey: "ip" }),
    observedGeneration: int64(17),
    extendedResourceClaimStatus: one(18, (): Type<PodExtendedResourceClaimStatus> => PodExtendedResourceClaimStatus, { optional: true }),
    allocatedResources: map(19, "quantity"),
    resources: one(20, (): Type<ResourceRequirements> => ResourceRequirements, { optional: true }),
    nodeAllocatableResourceClaimStatuses: list(21, (): Type<NodeAllocatableResourceClaimStatus> => NodeAllocatableResourceClaimStatus, {
      list: "atomic",
    }),
  },
  { openapi: "io.k8s.api.core.v1.PodStatus" },
);
export interface PodStatus extends Infer<typeof PodStatus> {}
