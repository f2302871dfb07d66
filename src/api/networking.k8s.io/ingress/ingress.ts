import { kind, type ObjectOf } from "#schema/kind.ts";
import { int32, list, one, string } from "#schema/field.ts";
import { embedded, type Infer, message, type Type } from "#schema/message.ts";
import { TypedLocalObjectReference } from "#api/core/reference.ts";
import { ingressColumns } from "./ingress-columns.ts";
import { ingressErrors } from "./ingress-rules.ts";
import { ingressV1beta1 } from "./v1beta1.ts";

export const ServiceBackendPort = message(
  "ServiceBackendPort",
  {
    name: string(1, { doc: "Name of the Service's port." }),
    number: int32(2, { doc: "Number of the Service's port." }),
  },
  { openapi: "io.k8s.api.networking.v1.ServiceBackendPort", atomic: true },
);
export interface ServiceBackendPort extends Infer<typeof ServiceBackendPort> {}

export const IngressServiceBackend = message(
  "IngressServiceBackend",
  {
    name: string(1, { always: true, required: true, minLength: 0, doc: "Name of the Service." }),
    port: one(2, (): Type<ServiceBackendPort> => ServiceBackendPort, { doc: "Port of the Service." }),
  },
  { openapi: "io.k8s.api.networking.v1.IngressServiceBackend" },
);
export interface IngressServiceBackend extends Infer<typeof IngressServiceBackend> {}

export const IngressBackend = message(
  "IngressBackend",
  {
    resource: one(3, (): Type<TypedLocalObjectReference> => TypedLocalObjectReference, {
      optional: true,
      doc: "Another object of the namespace that answers.",
    }),
    service: one(4, (): Type<IngressServiceBackend> => IngressServiceBackend, { optional: true, doc: "Service that answers." }),
  },
  { openapi: "io.k8s.api.networking.v1.IngressBackend" },
);
export interface IngressBackend extends Infer<typeof IngressBackend> {}

export const HTTPIngressPath = message(
  "HTTPIngressPath",
  {
    path: string(1, { doc: "Path of the request." }),
    backend: one(2, (): Type<IngressBackend> => IngressBackend, { required: true, doc: "Who answers." }),
    pathType: string(3, { optional: true, always: true, doc: "Exact, Prefix or ImplementationSpecific." }),
  },
  { openapi: "io.k8s.api.networking.v1.HTTPIngressPath" },
);
export interface HTTPIngressPath extends Infer<typeof HTTPIngressPath> {}

export const HTTPIngressRuleValue = message(
  "HTTPIngressRuleValue",
  {
    paths: list(1, (): Type<HTTPIngressPath> => HTTPIngressPath, {
      always: true,
      required: true,
      list: "atomic",
      doc: "Paths and who answers.",
    }),
  },
  { openapi: "io.k8s.api.networking.v1.HTTPIngressRuleValue" },
);
export interface HTTPIngressRuleValue extends Infer<typeof HTTPIngressRuleValue> {}

export const IngressRule = message(
  "IngressRule",
  {
    host: string(1, { doc: "Host name of the request; any when absent." }),
    ...embedded(2, {
      http: one(1, (): Type<HTTPIngressRuleValue> => HTTPIngressRuleValue, { optional: true, doc: "What HTTP requests come to." }),
    }),
  },
  { openapi: "io.k8s.api.networking.v1.IngressRule" },
);
export interface IngressRule extends Infer<typeof IngressRule> {}

export const IngressTLS = message(
  "IngressTLS",
  {
    hosts: list(1, "string", { list: "atomic", doc: "Host names in the certificate." }),
    secretName: string(2, { doc: "Secret that holds it." }),
  },
  { openapi: "io.k8s.api.networking.v1.IngressTLS" },
);
export interface IngressTLS extends Infer<typeof IngressTLS> {}

export const IngressSpec = message(
  "IngressSpec",
  {
    defaultBackend: one(1, (): Type<IngressBackend> => IngressBackend, { optional: true, doc: "Who answers what no rule matches." }),
    tls: list(2, (): Type<IngressTLS> => IngressTLS, { list: "atomic", doc: "Certificates for host names." }),
    rules: list(3, (): Type<IngressRule> => IngressRule, { list: "atomic", doc: "Who answers for which hosts and paths." }),
    ingressClassName: string(4, { optional: true, doc: "IngressClass whose controller serves it." }),
  },
  { openapi: "io.k8s.api.networking.v1.IngressSpec" },
);
export interface IngressSpec extends Infer<typeof IngressSpec> {}

export const IngressPortStatus = message(
  "IngressPortStatus",
  {
    port: int32(1, { always: true, required: true, doc: "Which port." }),
    protocol: string(2, { always: true, required: true, doc: "TCP, UDP or SCTP." }),
    error: string(3, { optional: true, doc: "What went wrong with it." }),
  },
  { openapi: "io.k8s.api.networking.v1.IngressPortStatus" },
);
export interface IngressPortStatus extends Infer<typeof IngressPortStatus> {}

export const IngressLoadBalancerIngress = message(
  "IngressLoadBalancerIngress",
  {
    ip: string(1, { doc: "Address of the load balancer." }),
    hostname: string(2, { doc: "Name of the load balancer." }),
    ports: list(4, (): Type<IngressPortStatus> => IngressPortStatus, { list: "atomic", doc: "State of each port." }),
  },
  { openapi: "io.k8s.api.networking.v1.IngressLoadBalancerIngress" },
);
export interface IngressLoadBalancerIngress extends Infer<typeof IngressLoadBalancerIngress> {}

export const IngressLoadBalancerStatus = message(
  "IngressLoadBalancerStatus",
  {
    ingress: list(1, (): Type<IngressLoadBalancerIngress> => IngressLoadBalancerIngress, { list: "atomic", doc: "Where it is reached." }),
  },
  { openapi: "io.k8s.api.networking.v1.IngressLoadBalancerStatus" },
);
export interface IngressLoadBalancerStatus extends Infer<typeof IngressLoadBalancerStatus> {}

export const IngressStatus = message(
  "IngressStatus",
  {
    loadBalancer: one(1, (): Type<IngressLoadBalancerStatus> => IngressLoadBalancerStatus, { doc: "State of the load balancer." }),
  },
  { openapi: "io.k8s.api.networking.v1.IngressStatus" },
);
export interface IngressStatus extends Infer<typeof IngressStatus> {}

export interface Ingress extends ObjectOf<typeof IngressSpec, typeof IngressStatus, {}> {}
export const Ingress = kind({
  group: "networking.k8s.io",
  version: "v1",
  former: () => [ingressV1beta1()],
  name: "Ingress",
  plural: "ingresses",
  doc: "Leads HTTP requests from outside to Services.",
  scope: "namespaced",
  validate: ingressErrors,
  shortNames: ["ing"],
  columns: ingressColumns,
  openapi: "io.k8s.api.networking.v1.Ingress",
  spec: IngressSpec,
  status: IngressStatus,
  subresources: { status: true },
});
