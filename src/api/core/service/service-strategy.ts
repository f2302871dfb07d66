// What an update of a Service keeps of what the server gave it, and what a change of type takes away. Handing out is the registry's.
import type { Service, ServicePort, ServiceSpec } from "./service.ts";

export function prepareService(service: Service, { old, subresource }: { readonly old?: Service; readonly subresource: string }): Service {
  if (old === undefined || subresource !== "") return service;
  const spec = withoutOtherTypesFields(withGivenValues(service.spec, old.spec), old.spec);
  const isBalanced = spec.type === "LoadBalancer" || (service.status.loadBalancer.ingress ?? []).length === 0;
  if (!isBalanced) return { ...service, spec, status: { ...service.status, loadBalancer: {} } };
  return spec === service.spec ? service : { ...service, spec };
}

/** Who writes a Service without its addresses and ports does not mean to change them. */
function withGivenValues(before: ServiceSpec, old: ServiceSpec): ServiceSpec {
  let spec = before;
  if (hasClusterIP(spec) && hasClusterIP(old)) {
    if (!spec.clusterIP && spec.clusterIPs === undefined) spec = { ...spec, clusterIP: old.clusterIP, clusterIPs: old.clusterIPs };
    else if (spec.clusterIP === old.clusterIP && spec.clusterIPs === undefined) spec = { ...spec, clusterIPs: old.clusterIPs };
    if (spec.ipFamilies === undefined && spec.ipFamilyPolicy === undefined) {
      spec = { ...spec, ipFamilies: old.ipFamilies, ipFamilyPolicy: old.ipFamilyPolicy };
    }
  }
  if (hasNodePorts(spec) && hasNodePorts(old)) {
    const given = new Map((old.ports ?? []).map((port) => [portKey(port), port.nodePort]));
    const used = new Set((spec.ports ?? []).map(({ nodePort }) => nodePort));
    const ports = (spec.ports ?? []).map((port) => {
      const nodePort = given.get(portKey(port));
      return port.nodePort || !nodePort || used.has(nodePort) ? port : { ...port, nodePort };
    });
    if (ports.some((port, index) => port !== spec.ports?.[index])) spec = { ...spec, ports };
  }
  if (hasHealthCheck(spec) && hasHealthCheck(old) && !spec.healthCheckNodePort) {
    spec = { ...spec, healthCheckNodePort: old.healthCheckNodePort };
  }
  return spec;
}

/** What the old type had and the new one has not goes, unless the writer changed it: then validation says what is wrong. */
function withoutOtherTypesFields(before: ServiceSpec, old: ServiceSpec): ServiceSpec {
  let spec = before;
  if (hasClusterIP(old) && !hasClusterIP(spec) && spec.clusterIP === old.clusterIP) {
    const { clusterIP, clusterIPs, ipFamilies, ipFamilyPolicy, ...rest } = spec;
    spec = rest;
  }
  if (hasNodePorts(old) && !hasNodePorts(spec)) {
    const given = new Map((old.ports ?? []).map((port) => [portKey(port), port.nodePort]));
    spec = { ...spec, ports: spec.ports?.map((port) => (port.nodePort && port.nodePort === given.get(portKey(port)) ? bare(port) : port)) };
  }
  if (hasHealthCheck(old) && !hasHealthCheck(spec) && spec.healthCheckNodePort === old.healthCheckNodePort) {
    const { healthCheckNodePort, ...rest } = spec;
    spec = rest;
  }
  if (old.type === "LoadBalancer" && spec.type !== "LoadBalancer") {
    const { allocateLoadBalancerNodePorts, loadBalancerClass, ...rest } = spec;
    spec = {
      ...rest,
      ...(allocateLoadBalancerNodePorts !== old.allocateLoadBalancerNodePorts && { allocateLoadBalancerNodePorts }),
      ...(loadBalancerClass !== old.loadBalancerClass && { loadBalancerClass }),
    };
  }
  if (hasNodePorts(old) && !hasNodePorts(spec) && spec.externalTrafficPolicy === old.externalTrafficPolicy) {
    const { externalTrafficPolicy, ...rest } = spec;
    spec = rest;
  }
  return spec;
}

export function hasClusterIP({ type }: ServiceSpec): boolean {
  return type !== "ExternalName";
}

export function hasNodePorts({ type }: ServiceSpec): boolean {
  return type === "NodePort" || type === "LoadBalancer";
}

export function hasHealthCheck({ type, externalTrafficPolicy }: ServiceSpec): boolean {
  return type === "LoadBalancer" && externalTrafficPolicy === "Local";
}

function portKey({ protocol, port }: ServicePort): string {
  return `${protocol}/${port}`;
}

function bare({ nodePort: _, ...port }: ServicePort): ServicePort {
  return port;
}
