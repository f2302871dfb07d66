import { kind, type ObjectOf } from "#schema/kind.ts";
import { bool, int32, intOrString, list, map, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { Condition } from "#api/meta/condition.ts";
import { completeService } from "./service-defaults.ts";
import { serviceColumns } from "./service-columns.ts";
import { prepareService } from "./service-strategy.ts";
import { serviceErrors } from "./service-rules.ts";

export const ServicePort = message(
  "ServicePort",
  {
    name: string(1),
    protocol: string(2, { default: "TCP", enum: ["SCTP", "TCP", "UDP"] }),
    port: int32(3, { always: true, required: true }),
    targetPort: intOrString(4),
    nodePort: int32(5),
    appProtocol: string(6, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.ServicePort" },
);
export interface ServicePort extends Infer<typeof ServicePort> {}

export const ClientIPConfig = message(
  "ClientIPConfig",
  {
    timeoutSeconds: int32(1, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.ClientIPConfig" },
);
export interface ClientIPConfig extends Infer<typeof ClientIPConfig> {}

export const SessionAffinityConfig = message(
  "SessionAffinityConfig",
  {
    clientIP: one(1, (): Type<ClientIPConfig> => ClientIPConfig, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.SessionAffinityConfig" },
);
export interface SessionAffinityConfig extends Infer<typeof SessionAffinityConfig> {}

export const ServiceSpec = message(
  "ServiceSpec",
  {
    ports: list(1, (): Type<ServicePort> => ServicePort, { list: "map", keys: ["port", "protocol"], patch: "merge", mergeKey: "port" }),
    selector: map(2, "string", { atomic: true }),
    clusterIP: string(3),
    type: string(4, { default: "ClusterIP", enum: ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"] }),
    externalIPs: list(5, "string", { list: "atomic" }),
    sessionAffinity: string(7, { default: "None", enum: ["ClientIP", "None"] }),
    loadBalancerIP: string(8),
    loadBalancerSourceRanges: list(9, "string", { list: "atomic" }),
    externalName: string(10),
    externalTrafficPolicy: string(11, { enum: ["Cluster", "Local"] }),
    healthCheckNodePort: int32(12),
    publishNotReadyAddresses: bool(13),
    sessionAffinityConfig: one(14, (): Type<SessionAffinityConfig> => SessionAffinityConfig, { optional: true }),
    ipFamilyPolicy: string(17, { optional: true, enum: ["PreferDualStack", "RequireDualStack", "SingleStack"] }),
    clusterIPs: list(18, "string", { list: "atomic" }),
    ipFamilies: list(19, "string", { list: "atomic" }),
    allocateLoadBalancerNodePorts: bool(20, { optional: true }),
    loadBalancerClass: string(21, { optional: true }),
    internalTrafficPolicy: string(22, { optional: true, enum: ["Cluster", "Local"] }),
    trafficDistribution: string(23, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.ServiceSpec" },
);
export interface ServiceSpec extends Infer<typeof ServiceSpec> {}

export const PortStatus = message(
  "PortStatus",
  {
    port: int32(1, { always: true, required: true }),
    protocol: string(2, { always: true, required: true }),
    error: string(3, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.PortStatus" },
);
export interface PortStatus extends Infer<typeof PortStatus> {}

export const LoadBalancerIngress = message(
  "LoadBalancerIngress",
  {
    ip: string(1),
    hostname: string(2),
    ipMode: string(3, { optional: true }),
    ports: list(4, (): Type<PortStatus> => PortStatus, { list: "atomic" }),
  },
  { openapi: "io.k8s.api.core.v1.LoadBalancerIngress" },
);
export interface LoadBalancerIngress extends Infer<typeof LoadBalancerIngress> {}

export const LoadBalancerStatus = message(
  "LoadBalancerStatus",
  {
    ingress: list(1, (): Type<LoadBalancerIngress> => LoadBalancerIngress, { list: "atomic" }),
  },
  { openapi: "io.k8s.api.core.v1.LoadBalancerStatus" },
);
export interface LoadBalancerStatus extends Infer<typeof LoadBalancerStatus> {}

export const ServiceStatus = message(
  "ServiceStatus",
  {
    loadBalancer: one(1, (): Type<LoadBalancerStatus> => LoadBalancerStatus),
    conditions: list(2, (): Type<Condition> => Condition, { list: "map", keys: ["type"], patch: "merge", mergeKey: "type" }),
  },
  { openapi: "io.k8s.api.core.v1.ServiceStatus" },
);
export interface ServiceStatus extends Infer<typeof ServiceStatus> {}

export interface Service extends ObjectOf<typeof ServiceSpec, typeof ServiceStatus, {}> {}
export const Service = kind({
  group: "",
  version: "v1",
  name: "Service",
  plural: "services",
  scope: "namespaced",
  validate: serviceErrors,
  shortNames: ["svc"],
  categories: ["all"],
  nameFormat: "dns1035Label",
  counted: false,
  allowCreateOnUpdate: true,
  columns: serviceColumns,
  selectable: { "spec.clusterIP": ({ spec }) => spec.clusterIP ?? "", "spec.type": ({ spec }) => spec.type },
  prepare: prepareService,
  openapi: "io.k8s.api.core.v1.Service",
  spec: ServiceSpec,
  status: ServiceStatus,
  subresources: { status: true },
  default: completeService,
});
