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
    name: string(1),
    value: string(2, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.PodDNSConfigOption" },
);
export interface PodDNSConfigOption extends Infer<typeof PodDNSConfigOption> {}

export const PodDNSConfig = message(
  "PodDNSConfig",
  {
    nameservers: list(1, "string", { list: "atomic" }),
    searches: list(2, "string", { list: "atomic" }),
    options: list(3, (): Type<PodDNSConfigOption> => PodDNSConfigOption, { list: "atomic" }),
  },
  { openapi: "io.k8s.api.core.v1.PodDNSConfig" },
);
export interface PodDNSConfig extends Infer<typeof PodDNSConfig> {}

export const HostAlias = message(
  "HostAlias",
  {
    ip: string(1, { always: true, required: true, format: "ip" }),
    hostnames: list(2, "string", { list: "atomic" }),
  },
  { openapi: "io.k8s.api.core.v1.HostAlias" },
);
export interface HostAlias extends Infer<typeof HostAlias> {}

export const PodOS = message(
  "PodOS",
  {
    name: string(1, { always: true, required: true, enum: ["linux", "windows"] }),
  },
  { openapi: "io.k8s.api.core.v1.PodOS" },
);
export interface PodOS extends Infer<typeof PodOS> {}

export const PodReadinessGate = message(
  "PodReadinessGate",
  {
    conditionType: string(1, { always: true, required: true, format: "labelKey" }),
  },
  { openapi: "io.k8s.api.core.v1.PodReadinessGate" },
);
export interface PodReadinessGate extends Infer<typeof PodReadinessGate> {}

export const PodResourceClaim = message(
  "PodResourceClaim",
  {
    name: string(1, { always: true, required: true }),
    resourceClaimName: string(3, { optional: true }),
    resourceClaimTemplateName: string(4, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.PodResourceClaim" },
);
export interface PodResourceClaim extends Infer<typeof PodResourceClaim> {}

export const PodSpec = message(
  "PodSpec",
  {
    volumes: list(1, (): Type<Volume> => Volume, { list: "map", keys: ["name"], patch: "merge,retainKeys", mergeKey: "name" }),
    containers: list(2, (): Type<Container> => Container, {
      always: true,
      required: true,
      minLength: 1,
      list: "map",
      keys: ["name"],
      patch: "merge",
      mergeKey: "name",
    }),
    restartPolicy: string(3, { default: "Always", enum: ["Always", "Never", "OnFailure"] }),
    terminationGracePeriodSeconds: int64(4, { optional: true, default: 30, min: 0 }),
    activeDeadlineSeconds: int64(5, { optional: true }),
    dnsPolicy: string(6, { default: "ClusterFirst", enum: ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"] }),
    nodeSelector: map(7, "string", { atomic: true }),
    serviceAccountName: string(8, { format: "dns1123Subdomain" }),
    serviceAccount: string(9),
    nodeName: string(10, { format: "dns1123Subdomain" }),
    hostNetwork: bool(11),
    hostPID: bool(12),
    hostIPC: bool(13),
    securityContext: one(14, (): Type<PodSecurityContext> => PodSecurityContext, { optional: true, default: {} }),
    imagePullSecrets: list(15, (): Type<LocalObjectReference> => LocalObjectReference, {
      list: "map",
      keys: ["name"],
      duplicates: "allowed",
      patch: "merge",
      mergeKey: "name",
    }),
    hostname: string(16, { format: "dns1123Label" }),
    subdomain: string(17, { format: "dns1123Label" }),
    affinity: one(18, (): Type<Affinity> => Affinity, { optional: true }),
    schedulerName: string(19, { default: "default-scheduler", format: "dns1123Subdomain" }),
    initContainers: list(20, (): Type<Container> => Container, { list: "map", keys: ["name"], patch: "merge", mergeKey: "name" }),
    automountServiceAccountToken: bool(21, { optional: true }),
    tolerations: list(22, (): Type<Toleration> => Toleration, { list: "atomic" }),
    hostAliases: list(23, (): Type<HostAlias> => HostAlias, {
      list: "map",
      keys: ["ip"],
      duplicates: "allowed",
      patch: "merge",
      mergeKey: "ip",
    }),
    priorityClassName: string(24, { format: "dns1123Subdomain" }),
    priority: int32(25, { optional: true }),
    dnsConfig: one(26, (): Type<PodDNSConfig> => PodDNSConfig, { optional: true }),
    shareProcessNamespace: bool(27, { optional: true }),
    readinessGates: list(28, (): Type<PodReadinessGate> => PodReadinessGate, { list: "atomic" }),
    runtimeClassName: string(29, { optional: true, format: "dns1123Subdomain" }),
    enableServiceLinks: bool(30, { optional: true }),
    preemptionPolicy: string(31, { optional: true, enum: ["Never", "PreemptLowerPriority"] }),
    overhead: map(32, "quantity"),
    topologySpreadConstraints: list(33, (): Type<TopologySpreadConstraint> => TopologySpreadConstraint, {
      list: "map",
      keys: ["topologyKey", "whenUnsatisfiable"],
      patch: "merge",
      mergeKey: "topologyKey",
    }),
    ephemeralContainers: list(34, (): Type<EphemeralContainer> => EphemeralContainer, {
      list: "map",
      keys: ["name"],
      patch: "merge",
      mergeKey: "name",
    }),
    setHostnameAsFQDN: bool(35, { optional: true }),
    os: one(36, (): Type<PodOS> => PodOS, { optional: true }),
    hostUsers: bool(37, { optional: true }),
    schedulingGates: list(38, (): Type<PodSchedulingGate> => PodSchedulingGate, {
      list: "map",
      keys: ["name"],
      patch: "merge",
      mergeKey: "name",
    }),
    resourceClaims: list(39, (): Type<PodResourceClaim> => PodResourceClaim, {
      list: "map",
      keys: ["name"],
      patch: "merge,retainKeys",
      mergeKey: "name",
    }),
    resources: one(40, (): Type<ResourceRequirements> => ResourceRequirements, { optional: true }),
    hostnameOverride: string(41, { optional: true }),
    schedulingGroup: one(43, (): Type<PodSchedulingGroup> => PodSchedulingGroup, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.PodSpec" },
);
export interface PodSpec extends Infer<typeof PodSpec> {}

export const ContainerExtendedResourceRequest = message(
  "ContainerExtendedResourceRequest",
  {
    containerName: string(1, { always: true, required: true }),
    resourceName: string(2, { always: true, required: true }),
    requestName: string(3, { always: true, required: true }),
  },
  { openapi: "io.k8s.api.core.v1.ContainerExtendedResourceRequest" },
);
export interface ContainerExtendedResourceRequest extends Infer<typeof ContainerExtendedResourceRequest> {}
