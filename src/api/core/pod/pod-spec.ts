import { bool, int32, int64, list, map, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { Container, EphemeralContainer, ResourceRequirements } from "./container.ts";
import { Affinity, PodSchedulingGate, PodSchedulingGroup, Toleration, TopologySpreadConstraint } from "./scheduling.ts";
import { PodSecurityContext } from "./security.ts";
import { Volume } from "./volume.ts";
import { LocalObjectReference } from "#api/core/reference.ts";

export const PodDNSConfigOption = message(
  "PodDNSConfigOption",
  {
    name: string(1, { doc: "Name of the resolver option." }),
    value: string(2, { optional: true, doc: "Its value, if it has one." }),
  },
  { openapi: "io.k8s.api.core.v1.PodDNSConfigOption" },
);
export interface PodDNSConfigOption extends Infer<typeof PodDNSConfigOption> {}

export const PodDNSConfig = message(
  "PodDNSConfig",
  {
    nameservers: list(1, "string", { list: "atomic", doc: "Addresses of further name servers." }),
    searches: list(2, "string", { list: "atomic", doc: "Further search domains." }),
    options: list(3, (): Type<PodDNSConfigOption> => PodDNSConfigOption, { list: "atomic", doc: "Further resolver options." }),
  },
  { openapi: "io.k8s.api.core.v1.PodDNSConfig" },
);
export interface PodDNSConfig extends Infer<typeof PodDNSConfig> {}

export const HostAlias = message(
  "HostAlias",
  {
    ip: string(1, { always: true, required: true, format: "ip", doc: "Address." }),
    hostnames: list(2, "string", { list: "atomic", doc: "Names that the hosts file gives it." }),
  },
  { openapi: "io.k8s.api.core.v1.HostAlias" },
);
export interface HostAlias extends Infer<typeof HostAlias> {}

export const PodOS = message(
  "PodOS",
  {
    name: string(1, { always: true, required: true, enum: ["linux", "windows"], doc: "linux or windows." }),
  },
  { openapi: "io.k8s.api.core.v1.PodOS" },
);
export interface PodOS extends Infer<typeof PodOS> {}

export const PodReadinessGate = message(
  "PodReadinessGate",
  {
    conditionType: string(1, {
      always: true,
      required: true,
      format: "labelKey",
      doc: "Condition that must be True before the Pod counts as ready.",
    }),
  },
  { openapi: "io.k8s.api.core.v1.PodReadinessGate" },
);
export interface PodReadinessGate extends Infer<typeof PodReadinessGate> {}

export const PodResourceClaim = message(
  "PodResourceClaim",
  {
    name: string(1, { always: true, required: true, doc: "Name within the Pod." }),
    resourceClaimName: string(3, { optional: true, doc: "ResourceClaim that is used." }),
    resourceClaimTemplateName: string(4, { optional: true, doc: "Template from which a claim is made for this Pod." }),
  },
  { openapi: "io.k8s.api.core.v1.PodResourceClaim" },
);
export interface PodResourceClaim extends Infer<typeof PodResourceClaim> {}

export const PodSpec = message(
  "PodSpec",
  {
    volumes: list(1, (): Type<Volume> => Volume, {
      list: "map",
      keys: ["name"],
      patch: "merge,retainKeys",
      mergeKey: "name",
      doc: "Volumes that containers may mount.",
    }),
    containers: list(2, (): Type<Container> => Container, {
      always: true,
      required: true,
      minLength: 1,
      list: "map",
      keys: ["name"],
      patch: "merge",
      mergeKey: "name",
      doc: "Containers that run side by side.",
    }),
    restartPolicy: string(3, {
      default: "Always",
      enum: ["Always", "Never", "OnFailure"],
      doc: "When ended containers are restarted: Always, OnFailure or Never.",
    }),
    terminationGracePeriodSeconds: int64(4, {
      optional: true,
      default: 30,
      min: 0,
      doc: "Seconds between the request to end and the kill.",
    }),
    activeDeadlineSeconds: int64(5, { optional: true, doc: "Seconds after which the Pod is ended and counts as failed." }),
    dnsPolicy: string(6, {
      default: "ClusterFirst",
      enum: ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"],
      doc: "Where the Pod's DNS settings come from.",
    }),
    nodeSelector: map(7, "string", { atomic: true, doc: "Labels the Node must have." }),
    serviceAccountName: string(8, { format: "dns1123Subdomain", doc: "ServiceAccount whose identity the Pod has." }),
    serviceAccount: string(9, { doc: "Old name of serviceAccountName." }),
    nodeName: string(10, { format: "dns1123Subdomain", doc: "Node that runs the Pod; set by the scheduler." }),
    hostNetwork: bool(11, { doc: "Whether the Pod uses the Node's network." }),
    hostPID: bool(12, { doc: "Whether the Pod sees the Node's processes." }),
    hostIPC: bool(13, { doc: "Whether the Pod shares the Node's inter-process communication." }),
    securityContext: one(14, (): Type<PodSecurityContext> => PodSecurityContext, {
      optional: true,
      default: {},
      doc: "Rights and identity of all containers.",
    }),
    imagePullSecrets: list(15, (): Type<LocalObjectReference> => LocalObjectReference, {
      list: "map",
      keys: ["name"],
      duplicates: "allowed",
      patch: "merge",
      mergeKey: "name",
      doc: "Secrets with which images are pulled.",
    }),
    hostname: string(16, { format: "dns1123Label", doc: "Host name of the Pod; its name when empty." }),
    subdomain: string(17, { format: "dns1123Label", doc: "Subdomain of the Pod, the name of a headless Service." }),
    affinity: one(18, (): Type<Affinity> => Affinity, {
      optional: true,
      doc: "Which Nodes and which other Pods it should be near to or far from.",
    }),
    schedulerName: string(19, { default: "default-scheduler", format: "dns1123Subdomain", doc: "Which scheduler places the Pod." }),
    initContainers: list(20, (): Type<Container> => Container, {
      list: "map",
      keys: ["name"],
      patch: "merge",
      mergeKey: "name",
      doc: "Containers that run one after another before the others start.",
    }),
    automountServiceAccountToken: bool(21, { optional: true, doc: "Whether the ServiceAccount's token is mounted." }),
    tolerations: list(22, (): Type<Toleration> => Toleration, { list: "atomic", doc: "Taints of Nodes that the Pod puts up with." }),
    hostAliases: list(23, (): Type<HostAlias> => HostAlias, {
      list: "map",
      keys: ["ip"],
      duplicates: "allowed",
      patch: "merge",
      mergeKey: "ip",
      doc: "Lines added to the hosts file.",
    }),
    priorityClassName: string(24, { format: "dns1123Subdomain", doc: "PriorityClass of the Pod." }),
    priority: int32(25, { optional: true, doc: "Priority, filled in from the class." }),
    dnsConfig: one(26, (): Type<PodDNSConfig> => PodDNSConfig, { optional: true, doc: "Further DNS settings." }),
    shareProcessNamespace: bool(27, { optional: true, doc: "Whether containers see each other's processes." }),
    readinessGates: list(28, (): Type<PodReadinessGate> => PodReadinessGate, {
      list: "atomic",
      doc: "Conditions that must be True besides ready containers.",
    }),
    runtimeClassName: string(29, { optional: true, format: "dns1123Subdomain", doc: "RuntimeClass that runs the Pod." }),
    enableServiceLinks: bool(30, { optional: true, doc: "Whether Services appear as environment variables." }),
    preemptionPolicy: string(31, {
      optional: true,
      enum: ["Never", "PreemptLowerPriority"],
      doc: "Whether the Pod may take the place of others, filled in from the class.",
    }),
    overhead: map(32, "quantity", { doc: "What the Pod costs besides its containers, filled in from the RuntimeClass." }),
    topologySpreadConstraints: list(33, (): Type<TopologySpreadConstraint> => TopologySpreadConstraint, {
      list: "map",
      keys: ["topologyKey", "whenUnsatisfiable"],
      patch: "merge",
      mergeKey: "topologyKey",
      doc: "How evenly Pods like this one are spread.",
    }),
    ephemeralContainers: list(34, (): Type<EphemeralContainer> => EphemeralContainer, {
      list: "map",
      keys: ["name"],
      patch: "merge",
      mergeKey: "name",
      doc: "Containers added to a running Pod for debugging.",
    }),
    setHostnameAsFQDN: bool(35, { optional: true, doc: "Whether the host name is the full domain name." }),
    os: one(36, (): Type<PodOS> => PodOS, { optional: true, doc: "Operating system the containers need." }),
    hostUsers: bool(37, { optional: true, doc: "Whether the Pod uses the Node's user ids." }),
    schedulingGates: list(38, (): Type<PodSchedulingGate> => PodSchedulingGate, {
      list: "map",
      keys: ["name"],
      patch: "merge",
      mergeKey: "name",
      doc: "What must be done before the Pod may be scheduled.",
    }),
    resourceClaims: list(39, (): Type<PodResourceClaim> => PodResourceClaim, {
      list: "map",
      keys: ["name"],
      patch: "merge,retainKeys",
      mergeKey: "name",
      doc: "Claims of devices that containers may use.",
    }),
    resources: one(40, (): Type<ResourceRequirements> => ResourceRequirements, {
      optional: true,
      doc: "What the Pod as a whole asks for and may use.",
    }),
    hostnameOverride: string(41, { optional: true, doc: "Host name whatever the Pod's name, hostname and subdomain are." }),
    schedulingGroup: one(43, (): Type<PodSchedulingGroup> => PodSchedulingGroup, {
      optional: true,
      doc: "Group of Pods that are scheduled together.",
    }),
  },
  { openapi: "io.k8s.api.core.v1.PodSpec" },
);
export interface PodSpec extends Infer<typeof PodSpec> {}

export const ContainerExtendedResourceRequest = message(
  "ContainerExtendedResourceRequest",
  {
    containerName: string(1, { always: true, required: true, doc: "Which container." }),
    resourceName: string(2, { always: true, required: true, doc: "Which extended resource." }),
    requestName: string(3, { always: true, required: true, doc: "Which request of the claim stands for it." }),
  },
  { openapi: "io.k8s.api.core.v1.ContainerExtendedResourceRequest" },
);
export interface ContainerExtendedResourceRequest extends Infer<typeof ContainerExtendedResourceRequest> {}
