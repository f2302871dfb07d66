// Services and their endpoints, as forwarding rules. Pure: what is observed in, rules out; nftables/ carries them out.
import type { EndpointSlice } from "#api/discovery.k8s.io/endpoint-slice/endpoint-slice.ts";
import type { Service } from "#api/core/service/service.ts";
import { addressesOf, type Family, rangesOf } from "./addresses.ts";
import { type Place, type Target, targetsOf } from "./endpoints.ts";

export type Protocol = "tcp" | "udp" | "sctp";

/** One port of one Service, and where its connections go. */
export interface ForwardedPort {
  /** "namespace/name:port". */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  /** The Service's own addresses in the cluster. */
  readonly clusterIps: readonly string[];
  /** Other addresses that lead here: external IPs. */
  readonly externalIps: readonly string[];
  /** Addresses of load balancers, and who may come through them. */
  readonly balancerIps: readonly string[];
  readonly sourceRanges: readonly string[] | "everything";
  /** The port on the node's addresses; 0 for none. */
  readonly nodePort: number;
  /** Targets on any machine, and those on this one. */
  readonly cluster: readonly Target[];
  readonly local: readonly Target[];
  /** All endpoints there are, ending ones too. Without any, connections are refused; with some, but elsewhere only, dropped. */
  readonly serving: readonly Target[];
  /** Connections from inside, or from outside, go to this machine's Pods only. Those from outside then keep their source address. */
  readonly insideStays: boolean;
  readonly outsideStays: boolean;
  /** How long a client stays with its endpoint, in seconds; 0 for every connection anew. */
  readonly affinitySeconds: number;
}

export interface Observed extends Place {
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
  readonly family: Family;
  /** Whether spec.externalIPs leads anywhere: whoever may write Services could else take others' addresses. */
  readonly allowsExternalIps: boolean;
}

const otherProxyLabel = "service.kubernetes.io/service-proxy-name";
const serviceNameLabel = "kubernetes.io/service-name";

export function slicesByService(slices: readonly EndpointSlice[], family: Family): ReadonlyMap<string, readonly EndpointSlice[]> {
  const found = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    const service = slice.metadata.labels?.[serviceNameLabel];
    if (!service || slice.addressType !== family) continue;
    const key = `${slice.metadata.namespace}/${service}`;
    const known = found.get(key);
    if (known) known.push(slice);
    else found.set(key, [slice]);
  }
  return found;
}

export function forwardedPorts({ services, slices, family, allowsExternalIps, ...place }: Observed): readonly ForwardedPort[] {
  const slicesOf = slicesByService(slices, family);
  const ports: ForwardedPort[] = [];
  for (const service of [...services].sort(byName)) {
    const clusterIps = addressesOf(clusterIpsOf(service), family);
    if (clusterIps.length === 0 || isOthers(service)) continue;
    const { spec, metadata, status } = service;
    const key = `${metadata.namespace}/${metadata.name}`;
    const balancerIps = (status.loadBalancer.ingress ?? []).flatMap(({ ip, ipMode }) => (ip && ipMode !== "Proxy" ? [ip] : []));
    const ranges = (spec.loadBalancerSourceRanges ?? []).map((range) => range.trim());
    for (const port of spec.ports ?? []) {
      const { cluster, local, serving } = targetsOf(port, slicesOf.get(key) ?? [], place);
      ports.push({
        name: port.name ? `${key}:${port.name}` : key,
        protocol: port.protocol.toLowerCase() as Protocol,
        port: port.port,
        clusterIps,
        externalIps: allowsExternalIps ? addressesOf(spec.externalIPs ?? [], family) : [],
        balancerIps: spec.type === "LoadBalancer" ? addressesOf(balancerIps, family) : [],
        sourceRanges: ranges.length === 0 ? "everything" : rangesOf(ranges, family),
        nodePort: port.nodePort ?? 0,
        cluster,
        local,
        serving,
        insideStays: spec.internalTrafficPolicy === "Local",
        outsideStays: spec.externalTrafficPolicy === "Local",
        affinitySeconds: spec.sessionAffinity === "ClientIP" ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800) : 0,
      });
    }
  }
  return ports;
}

/** What load balancers ask this machine: whether it has Pods of a Service whose traffic stays. */
export interface HealthCheck {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
  readonly localEndpoints: number;
}

export function healthChecks({ services, slices, family, ...place }: Omit<Observed, "allowsExternalIps">): readonly HealthCheck[] {
  const slicesOf = slicesByService(slices, family);
  return services.flatMap((service) => {
    const { spec, metadata } = service;
    const { healthCheckNodePort: port = 0, externalTrafficPolicy, type, ports = [] } = spec;
    const isFirstFamily = (spec.ipFamilies?.[0] ?? "IPv4") === family;
    if (port === 0 || type !== "LoadBalancer" || externalTrafficPolicy !== "Local" || isOthers(service) || !isFirstFamily) return [];
    const { namespace = "", name } = metadata;
    const local = new Set<string>();
    for (const slice of slicesOf.get(`${namespace}/${name}`) ?? []) {
      for (const { addresses, nodeName, conditions } of slice.endpoints)
        if (nodeName === place.node && (conditions.ready ?? true) && addresses[0] && ports.length > 0) local.add(addresses[0]);
    }
    return [{ namespace, name, port, localEndpoints: local.size }];
  });
}

function clusterIpsOf({ spec }: Service): readonly string[] {
  if (spec.type === "ExternalName") return [];
  const addresses = spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : []);
  return addresses.filter((ip) => ip !== "None" && ip !== "");
}

/** Another proxy is to look after it. */
function isOthers({ metadata }: Service): boolean {
  return metadata.labels?.[otherProxyLabel] !== undefined;
}

function byName(left: Service, right: Service): number {
  const [a, b] = [`${left.metadata.namespace}/${left.metadata.name}`, `${right.metadata.namespace}/${right.metadata.name}`];
  return a < b ? -1 : a > b ? 1 : 0;
}
