import { bool, int32, int64, list, map, one, string, time } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { ResourceRequirements } from "./container.ts";
import { ContainerExtendedResourceRequest } from "./pod-spec.ts";

export const PodCondition = message(
  "PodCondition",
  {
    type: string(1, { always: true, required: true, doc: "What the condition tells, such as Ready." }),
    status: string(2, { always: true, required: true, doc: "True, False or Unknown." }),
    lastProbeTime: time(3, { doc: "When it was last looked at." }),
    lastTransitionTime: time(4, { doc: "When the status last changed." }),
    reason: string(5, { doc: "Why, in one word." }),
    message: string(6, { doc: "Why, for people." }),
    observedGeneration: int64(7, { doc: "Generation of the Pod this was told for." }),
  },
  { openapi: "io.k8s.api.core.v1.PodCondition" },
);
export interface PodCondition extends Infer<typeof PodCondition> {}

export const ResourceHealth = message(
  "ResourceHealth",
  {
    resourceID: string(1, { always: true, required: true, doc: "Which device." }),
    health: string(2, { doc: "Healthy, Unhealthy or Unknown." }),
    message: string(6, { optional: true, doc: "More about it, for people." }),
  },
  { openapi: "io.k8s.api.core.v1.ResourceHealth" },
);
export interface ResourceHealth extends Infer<typeof ResourceHealth> {}

export const ResourceStatus = message(
  "ResourceStatus",
  {
    name: string(1, { always: true, required: true, doc: "Which resource." }),
    resources: list(2, (): Type<ResourceHealth> => ResourceHealth, {
      list: "map",
      keys: ["resourceID"],
      doc: "Health of each of its devices.",
    }),
  },
  { openapi: "io.k8s.api.core.v1.ResourceStatus" },
);
export interface ResourceStatus extends Infer<typeof ResourceStatus> {}

export const ContainerStateRunning = message(
  "ContainerStateRunning",
  {
    startedAt: time(1, { doc: "When the container started." }),
  },
  { openapi: "io.k8s.api.core.v1.ContainerStateRunning" },
);
export interface ContainerStateRunning extends Infer<typeof ContainerStateRunning> {}

export const ContainerStateTerminated = message(
  "ContainerStateTerminated",
  {
    exitCode: int32(1, { always: true, required: true, doc: "What the process returned." }),
    signal: int32(2, { doc: "Which signal ended it, if one did." }),
    reason: string(3, { doc: "Why it ended, in one word." }),
    message: string(4, { doc: "Its last message." }),
    startedAt: time(5, { doc: "When it started." }),
    finishedAt: time(6, { doc: "When it ended." }),
    containerID: string(7, { doc: "Which container of the runtime it was." }),
  },
  { openapi: "io.k8s.api.core.v1.ContainerStateTerminated" },
);
export interface ContainerStateTerminated extends Infer<typeof ContainerStateTerminated> {}

export const ContainerStateWaiting = message(
  "ContainerStateWaiting",
  {
    reason: string(1, { doc: "Why it does not run, in one word." }),
    message: string(2, { doc: "Why it does not run, for people." }),
  },
  { openapi: "io.k8s.api.core.v1.ContainerStateWaiting" },
);
export interface ContainerStateWaiting extends Infer<typeof ContainerStateWaiting> {}

export const ContainerState = message(
  "ContainerState",
  {
    waiting: one(1, (): Type<ContainerStateWaiting> => ContainerStateWaiting, {
      optional: true,
      doc: "Not running yet, or not again yet.",
    }),
    running: one(2, (): Type<ContainerStateRunning> => ContainerStateRunning, { optional: true, doc: "Running." }),
    terminated: one(3, (): Type<ContainerStateTerminated> => ContainerStateTerminated, { optional: true, doc: "Ended." }),
  },
  { openapi: "io.k8s.api.core.v1.ContainerState" },
);
export interface ContainerState extends Infer<typeof ContainerState> {}

export const LinuxContainerUser = message(
  "LinuxContainerUser",
  {
    uid: int64(1, { always: true, required: true, doc: "User id of the first process." }),
    gid: int64(2, { always: true, required: true, doc: "Group id of the first process." }),
    supplementalGroups: list(3, "int64", { list: "atomic", doc: "Its further group ids." }),
  },
  { openapi: "io.k8s.api.core.v1.LinuxContainerUser" },
);
export interface LinuxContainerUser extends Infer<typeof LinuxContainerUser> {}

export const ContainerUser = message(
  "ContainerUser",
  {
    linux: one(1, (): Type<LinuxContainerUser> => LinuxContainerUser, { optional: true, doc: "Identity on Linux." }),
  },
  { openapi: "io.k8s.api.core.v1.ContainerUser" },
);
export interface ContainerUser extends Infer<typeof ContainerUser> {}

export const ImageVolumeStatus = message(
  "ImageVolumeStatus",
  {
    imageRef: string(1, { required: true, doc: "Digest of the image that is mounted." }),
  },
  { openapi: "io.k8s.api.core.v1.ImageVolumeStatus" },
);
export interface ImageVolumeStatus extends Infer<typeof ImageVolumeStatus> {}

export const VolumeStatus = message(
  "VolumeStatus",
  {
    image: one(1, (): Type<ImageVolumeStatus> => ImageVolumeStatus, { optional: true, doc: "State of an image volume." }),
  },
  { openapi: "io.k8s.api.core.v1.VolumeStatus" },
);
export interface VolumeStatus extends Infer<typeof VolumeStatus> {}

export const VolumeMountStatus = message(
  "VolumeMountStatus",
  {
    name: string(1, { always: true, required: true, doc: "Which of the Pod's volumes." }),
    mountPath: string(2, { always: true, required: true, doc: "Where it appears in the container." }),
    readOnly: bool(3, { doc: "Whether it is read-only." }),
    recursiveReadOnly: string(4, { optional: true, doc: "Whether mounts below it are read-only too." }),
    volumeStatus: one(5, (): Type<VolumeStatus> => VolumeStatus, { optional: true, doc: "State of the volume itself." }),
  },
  { openapi: "io.k8s.api.core.v1.VolumeMountStatus" },
);
export interface VolumeMountStatus extends Infer<typeof VolumeMountStatus> {}

export const ContainerStatus = message(
  "ContainerStatus",
  {
    name: string(1, { always: true, required: true, doc: "Which container." }),
    state: one(2, (): Type<ContainerState> => ContainerState, { doc: "What it does now." }),
    lastState: one(3, (): Type<ContainerState> => ContainerState, { doc: "How it ended the last time." }),
    ready: bool(4, { always: true, required: true, doc: "Whether it can serve." }),
    restartCount: int32(5, { always: true, required: true, doc: "How often it was restarted." }),
    image: string(6, { always: true, required: true, doc: "Image it runs." }),
    imageID: string(7, { always: true, required: true, doc: "Digest of that image." }),
    containerID: string(8, { doc: "Which container of the runtime it is." }),
    started: bool(9, { optional: true, doc: "Whether its start is done, by its startup probe." }),
    allocatedResources: map(10, "quantity", { doc: "What the Node has set aside for it." }),
    resources: one(11, (): Type<ResourceRequirements> => ResourceRequirements, { optional: true, doc: "What it really may use." }),
    volumeMounts: list(12, (): Type<VolumeMountStatus> => VolumeMountStatus, {
      list: "map",
      keys: ["mountPath"],
      patch: "merge",
      mergeKey: "mountPath",
      doc: "State of its mounts.",
    }),
    user: one(13, (): Type<ContainerUser> => ContainerUser, { optional: true, doc: "Identity of its first process." }),
    allocatedResourcesStatus: list(14, (): Type<ResourceStatus> => ResourceStatus, {
      list: "map",
      keys: ["name"],
      patch: "merge",
      mergeKey: "name",
      doc: "Health of its devices.",
    }),
    stopSignal: string(15, { optional: true, doc: "Signal that asks it to end." }),
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
      doc: "Which request of the claim stands for which extended resource.",
    }),
    resourceClaimName: string(2, { always: true, required: true, doc: "Claim that was made for extended resources." }),
  },
  { openapi: "io.k8s.api.core.v1.PodExtendedResourceClaimStatus" },
);
export interface PodExtendedResourceClaimStatus extends Infer<typeof PodExtendedResourceClaimStatus> {}

export const HostIP = message(
  "HostIP",
  {
    ip: string(1, { always: true, required: true, doc: "Address of the Node." }),
  },
  { openapi: "io.k8s.api.core.v1.HostIP" },
);
export interface HostIP extends Infer<typeof HostIP> {}

export const NodeAllocatableResourceClaimStatus = message(
  "NodeAllocatableResourceClaimStatus",
  {
    resourceClaimName: string(1, { always: true, required: true, doc: "Which claim." }),
    containers: list(2, "string", { list: "set", doc: "Containers that use it." }),
    resources: map(3, "quantity", { always: true, required: true, doc: "What of the Node's resources it takes." }),
  },
  { openapi: "io.k8s.api.core.v1.NodeAllocatableResourceClaimStatus" },
);
export interface NodeAllocatableResourceClaimStatus extends Infer<typeof NodeAllocatableResourceClaimStatus> {}

export const PodIP = message(
  "PodIP",
  {
    ip: string(1, { always: true, required: true, doc: "Address of the Pod." }),
  },
  { openapi: "io.k8s.api.core.v1.PodIP" },
);
export interface PodIP extends Infer<typeof PodIP> {}

export const PodResourceClaimStatus = message(
  "PodResourceClaimStatus",
  {
    name: string(1, { always: true, required: true, doc: "Which of the Pod's resourceClaims." }),
    resourceClaimName: string(2, { optional: true, doc: "ResourceClaim that was made for it." }),
  },
  { openapi: "io.k8s.api.core.v1.PodResourceClaimStatus" },
);
export interface PodResourceClaimStatus extends Infer<typeof PodResourceClaimStatus> {}

export const PodStatus = message(
  "PodStatus",
  {
    phase: string(1, {
      enum: ["Failed", "Pending", "Running", "Succeeded", "Unknown"],
      doc: "Pending, Running, Succeeded, Failed or Unknown.",
    }),
    conditions: list(2, (): Type<PodCondition> => PodCondition, {
      list: "map",
      keys: ["type"],
      patch: "merge",
      mergeKey: "type",
      doc: "What is true of the Pod now.",
    }),
    message: string(3, { doc: "Why it is in this state, for people." }),
    reason: string(4, { doc: "Why it is in this state, in one word." }),
    hostIP: string(5, { doc: "First address of its Node." }),
    podIP: string(6, { doc: "First address of the Pod." }),
    startTime: time(7, { optional: true, doc: "When the kubelet took it over." }),
    containerStatuses: list(8, (): Type<ContainerStatus> => ContainerStatus, { list: "atomic", doc: "State of each container." }),
    qosClass: string(9, { enum: ["BestEffort", "Burstable", "Guaranteed"], doc: "Guaranteed, Burstable or BestEffort." }),
    initContainerStatuses: list(10, (): Type<ContainerStatus> => ContainerStatus, { list: "atomic", doc: "State of each init container." }),
    nominatedNodeName: string(11, { doc: "Node where room is being made for it." }),
    podIPs: list(12, (): Type<PodIP> => PodIP, {
      list: "map",
      keys: ["ip"],
      patch: "merge",
      mergeKey: "ip",
      doc: "All addresses of the Pod.",
    }),
    ephemeralContainerStatuses: list(13, (): Type<ContainerStatus> => ContainerStatus, {
      list: "atomic",
      doc: "State of each ephemeral container.",
    }),
    resize: string(14, { doc: "How far a change of resources has got." }),
    resourceClaimStatuses: list(15, (): Type<PodResourceClaimStatus> => PodResourceClaimStatus, {
      list: "map",
      keys: ["name"],
      patch: "merge,retainKeys",
      mergeKey: "name",
      doc: "Claims that were made for the Pod.",
    }),
    hostIPs: list(16, (): Type<HostIP> => HostIP, { list: "atomic", patch: "merge", mergeKey: "ip", doc: "All addresses of its Node." }),
    observedGeneration: int64(17, { doc: "Generation of the spec this status tells of." }),
    extendedResourceClaimStatus: one(18, (): Type<PodExtendedResourceClaimStatus> => PodExtendedResourceClaimStatus, {
      optional: true,
      doc: "Claim that stands for extended resources.",
    }),
    allocatedResources: map(19, "quantity", { doc: "What the Node has set aside for the Pod." }),
    resources: one(20, (): Type<ResourceRequirements> => ResourceRequirements, {
      optional: true,
      doc: "What the Pod as a whole really may use.",
    }),
    nodeAllocatableResourceClaimStatuses: list(21, (): Type<NodeAllocatableResourceClaimStatus> => NodeAllocatableResourceClaimStatus, {
      list: "atomic",
      doc: "Claims that take from the Node's resources.",
    }),
  },
  { openapi: "io.k8s.api.core.v1.PodStatus" },
);
export interface PodStatus extends Infer<typeof PodStatus> {}
