// The defaults of a Service that depend on its type and its ports. Addresses are not here: the registry hands them out.
import type { Service, ServicePort, ServiceSpec, ServiceStatus } from "./service.ts";

/** How long a client stays with a Pod when ClientIP affinity says nothing else. */
const affinitySeconds = 10_800;

export function completeService(service: Service): Service {
  const spec = [withTargetPorts, withAffinityTimeout, withTrafficPolicies].reduce((spec, complete) => complete(spec), service.spec);
  const status = withIpModes(service);
  return spec === service.spec && status === service.status ? service : { ...service, spec, status };
}

function withIpModes({ spec, status }: Service): ServiceStatus {
  const { ingress = [] } = status.loadBalancer;
  if (spec.type !== "LoadBalancer" || ingress.every(({ ip, ipMode }) => !ip || ipMode !== undefined)) return status;
  const complete = ingress.map((one) => (one.ip && one.ipMode === undefined ? { ...one, ipMode: "VIP" } : one));
  return { ...status, loadBalancer: { ...status.loadBalancer, ingress: complete } };
}

function withTargetPorts(spec: ServiceSpec): ServiceSpec {
  if (!spec.ports?.some(lacksTarget)) return spec;
  return { ...spec, ports: spec.ports.map((port) => (lacksTarget(port) ? { ...port, targetPort: port.port } : port)) };
}

function lacksTarget({ targetPort }: ServicePort): boolean {
  return targetPort === undefined || targetPort === 0 || targetPort === "";
}

function withAffinityTimeout(spec: ServiceSpec): ServiceSpec {
  if (spec.sessionAffinity === "None" && spec.sessionAffinityConfig !== undefined) {
    const { sessionAffinityConfig: _, ...rest } = spec;
    return rest;
  }
  if (spec.sessionAffinity !== "ClientIP" || spec.sessionAffinityConfig?.clientIP?.timeoutSeconds !== undefined) return spec;
  return { ...spec, sessionAffinityConfig: { clientIP: { timeoutSeconds: affinitySeconds } } };
}

function withTrafficPolicies(before: ServiceSpec): ServiceSpec {
  let spec = before;
  const external = spec.type === "NodePort" || spec.type === "LoadBalancer";
  if (external && !spec.externalTrafficPolicy) spec = { ...spec, externalTrafficPolicy: "Cluster" };
  if (spec.type !== "ExternalName" && spec.internalTrafficPolicy === undefined) spec = { ...spec, internalTrafficPolicy: "Cluster" };
  if (spec.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts === undefined) {
    spec = { ...spec, allocateLoadBalancerNodePorts: true };
  }
  return spec;
}
