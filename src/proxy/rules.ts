// Services and their endpoints, as forwarding rules. Pure: what is observed in, rules out; nftables/ and simulated/ carry them out.
import type { EndpointSlice } from "#api/discovery.k8s.io/endpoint-slice/endpoint-slice.ts";
import type { Service, ServicePort } from "#api/core/service/service.ts";

export type Protocol = "tcp" | "udp" | "sctp";

export interface Target {
  readonly ip: string;
  readonly port: number;
  /** On this machine. */
  readonly isLocal: boolean;
}

/** One port of one Service, and where its connections go. */
export interface ForwardedPort {
  /** "namespace/name:port". */
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
  /** The Service's own addresses in the cluster. */
  readonly clusterIps: readonly string[];
  /** Addresses from outside: external IPs and load balancers. */
  readonly externalIps: readonly string[];
  /** The port on every node's address; 0 for none. */
  readonly nodePort: number;
  /** Where connections to the cluster's address go, and where those from outside go. */
  readonly inside: readonly Target[];
  readonly outside: readonly Target[];
  /** Outside traffic keeps its source address, and goes to this machine's Pods only. */
  readonly keepsSource: boolean;
  /** How long a client stays with its endpoint, in seconds; 0 for every connection anew. */
  readonly affinitySeconds: number;
}

export interface Observed {
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
  readonly node: string;
  readonly family: "IPv4" | "IPv6";
}

export function forwardedPorts({ services, slices, node, family }: Observed): readonly ForwardedPort[] {
  const slicesOf = new Map<string, EndpointSlice[]>();
  for (const slice of slices) {
    const service = slice.metadata.labels?.["kubernetes.io/service-name"];
    if (!service || slice.addressType !== family) continue;
    const key = `${slice.metadata.namespace}/${service}`;
    const known = slicesOf.get(key);
    if (known) known.push(slice);
    else slicesOf.set(key, [slice]);
  }
  const isOurs = (ip: string) => ip.includes(":") === (family === "IPv6");
  const ports: ForwardedPort[] = [];
  for (const service of [...services].sort(byName)) {
    const clusterIps = addressesOf(service).filter(isOurs);
    if (clusterIps.length === 0 || service.metadata.labels?.["service.kubernetes.io/service-proxy-name"]) continue;
    const { spec, metadata, status } = service;
    const key = `${metadata.namespace}/${metadata.name}`;
    const balancerIps = (status.loadBalancer.ingress ?? []).flatMap(({ ip, ipMode }) => (ip && ipMode !== "Proxy" ? [ip] : []));
    const affinitySeconds = spec.sessionAffinity === "ClientIP" ? (spec.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? 10_800) : 0;
    for (const port of spec.ports ?? []) {
      const targets = targetsOf(port, slicesOf.get(key) ?? [], node);
      const local = targets.filter(({ isLocal }) => isLocal);
      const keepsSource = spec.externalTrafficPolicy === "Local";
      ports.push({
        name: port.name ? `${key}:${port.name}` : key,
        protocol: port.protocol.toLowerCase() as Protocol,
        port: port.port,
        clusterIps,
        externalIps: [...(spec.externalIPs ?? []), ...balancerIps].filter(isOurs),
        nodePort: port.nodePort ?? 0,
        inside: spec.internalTrafficPolicy === "Local" ? local : targets,
        outside: keepsSource ? local : targets,
        keepsSource,
        affinitySeconds,
      });
    }
  }
  return ports;
}

function addressesOf({ spec }: Service): readonly string[] {
  if (spec.type === "ExternalName") return [];
  const addresses = spec.clusterIPs ?? (spec.clusterIP ? [spec.clusterIP] : []);
  return addresses.filter((ip) => ip !== "None" && ip !== "");
}

/** Ready endpoints; when there is none, those that still serve while they end. */
function targetsOf(port: ServicePort, slices: readonly EndpointSlice[], node: string): readonly Target[] {
  const ready = new Map<string, Target>();
  const ending = new Map<string, Target>();
  for (const slice of slices) {
    const matched = slice.ports.find(({ name, protocol }) => (name ?? "") === (port.name ?? "") && (protocol ?? "TCP") === port.protocol);
    if (!matched?.port) continue;
    for (const { addresses, conditions, nodeName } of slice.endpoints) {
      const ip = addresses[0];
      if (ip === undefined) continue;
      const target = { ip, port: matched.port, isLocal: nodeName === node };
      if (conditions.ready ?? true) ready.set(`${ip} ${matched.port}`, target);
      else if (conditions.serving && conditions.terminating) ending.set(`${ip} ${matched.port}`, target);
    }
  }
  const chosen = ready.size > 0 ? ready : ending;
  return [...chosen.values()].sort((left, right) => (left.ip < right.ip ? -1 : left.ip > right.ip ? 1 : left.port - right.port));
}

function byName(left: Service, right: Service): number {
  const [a, b] = [`${left.metadata.namespace}/${left.metadata.name}`, `${right.metadata.namespace}/${right.metadata.name}`];
  return a < b ? -1 : a > b ? 1 : 0;
}
