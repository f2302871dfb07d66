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
    name: string(1, { doc: "Name of the port; needed where there are several." }),
    protocol: string(2, { default: "TCP", enum: ["SCTP", "TCP", "UDP"], doc: "TCP, UDP or SCTP." }),
    port: int32(3, { always: true, required: true, doc: "Port of the Service." }),
    targetPort: intOrString(4, { doc: "Port of the Pods, by number or name." }),
    nodePort: int32(5, { doc: "Port on every Node, for NodePort and LoadBalancer." }),
    appProtocol: string(6, { optional: true, doc: "What is spoken on the port." }),
  },
  { openapi: "io.k8s.api.core.v1.ServicePort" },
);
export interface ServicePort extends Infer<typeof ServicePort> {}

export const ClientIPConfig = message(
  "ClientIPConfig",
  {
    timeoutSeconds: int32(1, { optional: true, doc: "How long a client stays with its Pod." }),
  },
  { openapi: "io.k8s.api.core.v1.ClientIPConfig" },
);
export interface ClientIPConfig extends Infer<typeof ClientIPConfig> {}

export const SessionAffinityConfig = message(
  "SessionAffinityConfig",
  {
    clientIP: one(1, (): Type<ClientIPConfig> => ClientIPConfig, { optional: true, doc: "Settings of affinity by client address." }),
  },
  { openapi: "io.k8s.api.core.v1.SessionAffinityConfig" },
);
export interface SessionAffinityConfig extends Infer<typeof SessionAffinityConfig> {}

export const ServiceSpec = message(
  "ServiceSpec",
  {
    ports: list(1, (): Type<ServicePort> => ServicePort, {
      list: "map",
      keys: ["port", "protocol"],
      patch: "merge",
      mergeKey: "port",
      doc: "Ports the Service is reached on.",
    }),
    selector: map(2, "string", { atomic: true, doc: "Labels of the Pods that serve it." }),
    clusterIP: string(3, { doc: "First address within the cluster; None makes it headless." }),
    type: string(4, {
      default: "ClusterIP",
      enum: ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"],
      doc: "ClusterIP, NodePort, LoadBalancer or ExternalName.",
    }),
    externalIPs: list(5, "string", { list: "atomic", doc: "Addresses of Nodes under which it is reached too." }),
    sessionAffinity: string(7, {
      default: "None",
      enum: ["ClientIP", "None"],
      doc: "ClientIP keeps a client with one Pod; None does not.",
    }),
    loadBalancerIP: string(8, { doc: "Address wished for from the load balancer." }),
    loadBalancerSourceRanges: list(9, "string", { list: "atomic", doc: "Client addresses the load balancer lets in." }),
    externalName: string(10, { doc: "Name that the Service stands for." }),
    externalTrafficPolicy: string(11, {
      enum: ["Cluster", "Local"],
      doc: "Whether traffic from outside goes to all Pods or only those of its Node.",
    }),
    healthCheckNodePort: int32(12, { doc: "Port where load balancers ask whether a Node has Pods." }),
    publishNotReadyAddresses: bool(13, { doc: "Whether Pods that are not ready are published too." }),
    sessionAffinityConfig: one(14, (): Type<SessionAffinityConfig> => SessionAffinityConfig, {
      optional: true,
      doc: "Settings of session affinity.",
    }),
    ipFamilyPolicy: string(17, {
      optional: true,
      enum: ["PreferDualStack", "RequireDualStack", "SingleStack"],
      doc: "Whether it has addresses of one family or of both.",
    }),
    clusterIPs: list(18, "string", { list: "atomic", doc: "All addresses within the cluster." }),
    ipFamilies: list(19, "string", { list: "atomic", doc: "Families of its addresses: IPv4, IPv6." }),
    allocateLoadBalancerNodePorts: bool(20, { optional: true, doc: "Whether a LoadBalancer gets ports on the Nodes." }),
    loadBalancerClass: string(21, { optional: true, doc: "Which load balancer implementation serves it." }),
    internalTrafficPolicy: string(22, {
      optional: true,
      enum: ["Cluster", "Local"],
      doc: "Whether traffic from inside goes to all Pods or only those of its Node.",
    }),
    trafficDistribution: string(23, { optional: true, doc: "Which Pods are preferred, such as those that are close." }),
  },
  { openapi: "io.k8s.api.core.v1.ServiceSpec" },
);
export interface ServiceSpec extends Infer<typeof ServiceSpec> {}

export const PortStatus = message(
  "PortStatus",
  {
    port: int32(1, { always: true, required: true, doc: "Which port." }),
    protocol: string(2, { always: true, required: true, doc: "TCP, UDP or SCTP." }),
    error: string(3, { optional: true, doc: "What went wrong with it." }),
  },
  { openapi: "io.k8s.api.core.v1.PortStatus" },
);
export interface PortStatus extends Infer<typeof PortStatus> {}

export const LoadBalancerIngress = message(
  "LoadBalancerIngress",
  {
    ip: string(1, { doc: "Address of the load balancer." }),
    hostname: string(2, { doc: "Name of the load balancer." }),
    ipMode: string(3, { optional: true, doc: "VIP or Proxy: how traffic arrives at Nodes." }),
    ports: list(4, (): Type<PortStatus> => PortStatus, { list: "atomic", doc: "State of each port." }),
  },
  { openapi: "io.k8s.api.core.v1.LoadBalancerIngress" },
);
export interface LoadBalancerIngress extends Infer<typeof LoadBalancerIngress> {}

export const LoadBalancerStatus = message(
  "LoadBalancerStatus",
  {
    ingress: list(1, (): Type<LoadBalancerIngress> => LoadBalancerIngress, { list: "atomic", doc: "Where the load balancer is reached." }),
  },
  { openapi: "io.k8s.api.core.v1.LoadBalancerStatus" },
);
export interface LoadBalancerStatus extends Infer<typeof LoadBalancerStatus> {}

export const ServiceStatus = message(
  "ServiceStatus",
  {
    loadBalancer: one(1, (): Type<LoadBalancerStatus> => LoadBalancerStatus, { doc: "State of the load balancer." }),
    conditions: list(2, (): Type<Condition> => Condition, {
      list: "map",
      keys: ["type"],
      patch: "merge",
      mergeKey: "type",
      doc: "What is true of the Service now.",
    }),
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
  doc: "A stable address for a changing set of Pods.",
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
