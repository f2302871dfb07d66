// The rules of Services. Which addresses and ports are free is the registry's to say.
import { duplicate, forbidden, invalid, notSupported, required } from "#schema/derive/field-error.ts";
import { dns1123LabelProblems, dns1123SubdomainProblems } from "#schema/derive/formats.ts";
import { parseCidr, parseIp } from "#base/ip.ts";
import { labelErrors } from "#schema/derive/metadata-validation.ts";
import type { FieldError } from "#schema/kind.ts";
import { portErrors, portOrNameErrors } from "#api/meta/rules.ts";
import type { Service, ServicePort, ServiceSpec, ServiceStatus } from "./service.ts";
import { hasClusterIP, hasNodePorts } from "./service-strategy.ts";

const affinitySecondsMax = 86_400;

export function serviceErrors(
  { spec, status }: Service,
  { old, subresource }: { readonly old?: Service; readonly subresource: string },
): readonly FieldError[] {
  if (subresource === "status") return balancerErrors(status, spec);
  if (subresource !== "") return [];
  return [
    ...typeErrors(spec),
    ...portsErrors(spec),
    ...labelErrors(spec.selector, "spec.selector"),
    ...affinityErrors(spec),
    ...addressErrors(spec),
    ...familyErrors(spec),
    ...policyErrors(spec),
    ...(old === undefined ? [] : changeErrors(spec, old.spec)),
  ];
}

function isHeadless({ clusterIP, clusterIPs }: ServiceSpec): boolean {
  return (clusterIPs?.[0] ?? clusterIP) === "None";
}

function typeErrors(spec: ServiceSpec): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (spec.type === "ExternalName") {
    if ((spec.clusterIPs ?? []).length > 0 || spec.clusterIP) {
      errors.push(forbidden("spec.clusterIPs", "may not be set for ExternalName services"));
    }
    for (const field of ["ipFamilies", "ipFamilyPolicy"] as const) {
      if (spec[field] !== undefined) errors.push(forbidden(`spec.${field}`, "may not be set for ExternalName services"));
    }
    const name = (spec.externalName ?? "").replace(/\.$/, "");
    if (name === "") errors.push(required("spec.externalName"));
    else errors.push(...dns1123SubdomainProblems(name).map((problem) => invalid("spec.externalName", spec.externalName, problem)));
  } else if (isHeadless(spec) && spec.type !== "ClusterIP") {
    errors.push(invalid("spec.clusterIPs[0]", "None", `may not be set to 'None' for ${spec.type} services`));
  }
  return errors;
}

function portsErrors(spec: ServiceSpec): readonly FieldError[] {
  const { ports = [] } = spec;
  if (ports.length === 0 && !isHeadless(spec) && spec.type !== "ExternalName") return [required("spec.ports")];
  const names = new Set<string>();
  const nodePorts = new Set<string>();
  return ports.flatMap((port, index) => {
    const at = `spec.ports[${index}]`;
    const errors = [...onePortErrors(port, ports.length > 1, at)];
    if (port.name && names.has(port.name)) errors.push(duplicate(`${at}.name`, port.name));
    if (port.name) names.add(port.name);
    if (port.nodePort) {
      const key = `${port.protocol}/${port.nodePort}`;
      if (!hasNodePorts(spec)) errors.push(forbidden(`${at}.nodePort`, `may not be used when \`type\` is '${spec.type}'`));
      if (nodePorts.has(key)) errors.push(duplicate(`${at}.nodePort`, { protocol: port.protocol, nodePort: port.nodePort }));
      nodePorts.add(key);
    }
    return errors;
  });
}

function onePortErrors({ name, port, targetPort }: ServicePort, named: boolean, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (!name && named) errors.push(required(`${path}.name`));
  if (name) errors.push(...dns1123LabelProblems(name).map((problem) => invalid(`${path}.name`, name, problem)));
  errors.push(...portErrors(port, `${path}.port`));
  if (targetPort !== undefined) errors.push(...portOrNameErrors(targetPort, `${path}.targetPort`));
  return errors;
}

function affinityErrors({ sessionAffinity, sessionAffinityConfig }: ServiceSpec): readonly FieldError[] {
  if (sessionAffinity === "None") {
    return sessionAffinityConfig === undefined
      ? []
      : [forbidden("spec.sessionAffinityConfig", "must not be set when session affinity is None")];
  }
  const path = "spec.sessionAffinityConfig.clientIP.timeoutSeconds";
  const seconds = sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (seconds === undefined) return [required(path, "when session affinity type is ClientIP")];
  if (seconds > 0 && seconds <= affinitySecondsMax) return [];
  return [invalid(path, seconds, `must be greater than 0 and less than ${affinitySecondsMax}`)];
}

const wrongAddress = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";

function addressErrors(spec: ServiceSpec): readonly FieldError[] {
  const { clusterIP, clusterIPs = [], externalIPs = [], loadBalancerSourceRanges = [] } = spec;
  const errors: FieldError[] = [];
  if (clusterIP && clusterIPs.length > 0 && clusterIPs[0] !== clusterIP) {
    errors.push(invalid("spec.clusterIPs", clusterIPs, "first value must match `clusterIP`"));
  }
  const addresses = clusterIPs.length > 0 ? clusterIPs : clusterIP ? [clusterIP] : [];
  for (const [index, address] of addresses.entries()) {
    if (address === "None" && index === 0) continue;
    if (address !== "" && parseIp(address) === undefined) errors.push(invalid(`spec.clusterIPs[${index}]`, address, wrongAddress));
  }
  for (const [index, address] of externalIPs.entries()) {
    if (parseIp(address) === undefined) errors.push(invalid(`spec.externalIPs[${index}]`, address, wrongAddress));
  }
  if (loadBalancerSourceRanges.length > 0 && spec.type !== "LoadBalancer") {
    errors.push(forbidden("spec.LoadBalancerSourceRanges", "may only be used when `type` is 'LoadBalancer'"));
  }
  for (const [index, range] of loadBalancerSourceRanges.entries()) {
    if (parseCidr(range) !== undefined) continue;
    errors.push(
      invalid(`spec.loadBalancerSourceRanges[${index}]`, range, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)"),
    );
  }
  return errors;
}

const families = ["IPv4", "IPv6"];

function familyErrors({ ipFamilies = [], clusterIPs = [] }: ServiceSpec): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (clusterIPs.length > families.length) errors.push(invalid("spec.clusterIPs", clusterIPs, "may only hold up to 2 values"));
  for (const [index, family] of ipFamilies.entries()) {
    const at = `spec.ipFamilies[${index}]`;
    if (!families.includes(family)) errors.push(notSupported(at, family, families));
    else if (ipFamilies.indexOf(family) < index) errors.push(duplicate(at, family));
  }
  return errors;
}

const distributions = ["PreferClose", "PreferSameNode", "PreferSameZone"];

function policyErrors(spec: ServiceSpec): readonly FieldError[] {
  const { externalTrafficPolicy, healthCheckNodePort, loadBalancerClass, allocateLoadBalancerNodePorts, trafficDistribution, type } = spec;
  const errors: FieldError[] = [];
  const external = hasNodePorts(spec) || (hasClusterIP(spec) && (spec.externalIPs ?? []).length > 0);
  if (externalTrafficPolicy && !external) {
    errors.push(invalid("spec.externalTrafficPolicy", externalTrafficPolicy, "may only be set for externally-accessible services"));
  }
  if (healthCheckNodePort && !(type === "LoadBalancer" && externalTrafficPolicy === "Local")) {
    const detail = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    errors.push(invalid("spec.healthCheckNodePort", healthCheckNodePort, detail));
  }
  if (trafficDistribution !== undefined && !distributions.includes(trafficDistribution))
    errors.push(notSupported("spec.trafficDistribution", trafficDistribution, distributions));
  if (type !== "LoadBalancer") {
    if (loadBalancerClass !== undefined) errors.push(forbidden("spec.loadBalancerClass", "may only be used when `type` is 'LoadBalancer'"));
    if (allocateLoadBalancerNodePorts !== undefined) {
      errors.push(forbidden("spec.allocateLoadBalancerNodePorts", "may only be used when `type` is 'LoadBalancer'"));
    }
  }
  return errors;
}

function balancerErrors({ loadBalancer }: ServiceStatus, { type }: ServiceSpec): readonly FieldError[] {
  const path = "status.loadBalancer.ingress";
  const ingress = loadBalancer.ingress ?? [];
  if (type !== "LoadBalancer" && ingress.length > 0) return [forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")];
  return ingress.flatMap(({ ip, hostname, ipMode }, index) => {
    const at = `${path}[${index}]`;
    const errors: FieldError[] = [];
    if (ip && parseIp(ip) === undefined) errors.push(invalid(`${at}.ip`, ip, wrongAddress));
    if (!ip && ipMode !== undefined) errors.push(forbidden(`${at}.ipMode`, "may not be specified when `ip` is not set"));
    if (ip && ipMode === undefined) errors.push(required(`${at}.ipMode`, "must be specified when `ip` is set"));
    if (ipMode !== undefined && !ipModes.includes(ipMode)) errors.push(notSupported(`${at}.ipMode`, ipMode, ipModes));
    if (hostname) {
      errors.push(...dns1123SubdomainProblems(hostname).map((problem) => invalid(`${at}.hostname`, hostname, problem)));
      if (parseIp(hostname) !== undefined) errors.push(invalid(`${at}.hostname`, hostname, "must be a DNS name, not an IP address"));
    }
    return errors;
  });
}

const ipModes = ["Proxy", "VIP"];

/** The first address stays as long as the Service has one. */
function changeErrors(spec: ServiceSpec, old: ServiceSpec): readonly FieldError[] {
  const errors: FieldError[] = [];
  const [before, after] = [old.clusterIPs?.[0] ?? old.clusterIP, spec.clusterIPs?.[0] ?? spec.clusterIP];
  if (hasClusterIP(spec) && hasClusterIP(old) && before && before !== after) {
    errors.push(invalid("spec.clusterIPs[0]", spec.clusterIPs ?? [after ?? ""], "may not change once set"));
  }
  if (old.type === "LoadBalancer" && spec.type === "LoadBalancer" && old.loadBalancerClass !== spec.loadBalancerClass) {
    errors.push(invalid("spec.loadBalancerClass", spec.loadBalancerClass, "may not change once set"));
  }
  return errors;
}
