// Services as an nftables table.
//
// A connection to a Service's address is looked up once in a map, whatever the number of Services, and sent to a chain that picks a target:
//   service-…   to the cluster's address         goto cluster-… or local-…
//   balancer-…  who may come through a balancer  goto external-…
//   external-…  from outside                     goto cluster-… or local-…
//   cluster-…, local-…  picks among the targets  goto endpoint-…
//   endpoint-…  one target
import type { Target } from "../endpoints.ts";
import type { ForwardedPort } from "../rules.ts";
import { plainName } from "./names.ts";
import type { Chain, NamedSet, Table, Verdict } from "./table.ts";

export interface ServiceTableOptions {
  readonly family: "IPv4" | "IPv6";
  /** Where Pods have their addresses, of either family; traffic from elsewhere to a cluster address gets our source address. */
  readonly clusterCidrs: readonly string[];
  readonly masqueradesAll: boolean;
  /** Which bit of a packet's mark says that it is to get our source address. */
  readonly masqueradeBit: number;
}

/** What is to be forwarded. */
export interface Forwarding {
  readonly ports: readonly ForwardedPort[];
  /** Addresses or ranges of this machine at which node ports answer; undefined for all of them. */
  readonly nodePortAddresses: readonly string[] | undefined;
}

const mapNames = ["service-ips", "service-nodeports", "no-endpoint-services", "no-endpoint-nodeports"] as const;
type MapName = (typeof mapNames)[number];

export const serviceTableName = "kube-proxy";

export function serviceTable({ ports, nodePortAddresses }: Forwarding, options: ServiceTableOptions): Table {
  const { family, clusterCidrs } = options;
  const ip = family === "IPv4" ? "ip" : "ip6";
  const mark = `0x${(2 ** options.masqueradeBit).toString(16)}`;
  const masquerade = `meta mark set meta mark or ${mark}`;
  const cidrs = clusterCidrs.filter((cidr) => cidr.includes(":") === (family === "IPv6"));
  const fromPods = cidrs.length > 0 ? `{ ${cidrs.join(", ")} }` : undefined;
  const chains = new Map<string, Chain>();
  const addressType = family === "IPv4" ? "ipv4_addr" : "ipv6_addr";
  const sets = new Map<string, NamedSet>();
  const maps = Object.fromEntries(mapNames.map((name) => [name, new Map<string, Verdict>()])) as Record<MapName, Map<string, Verdict>>;

  /** A chain that picks one of the targets, and its name. */
  function picking(port: ForwardedPort, side: "cluster" | "local"): string {
    const targets = port[side];
    const name = `${side}-${identifier(port)}`;
    if (chains.has(name)) return name;
    const picks = targets.map((target) => endpoint(port, target));
    const stays =
      port.affinitySeconds > 0 ? targets.map((target, at) => `${ip} saddr @${affinitySet(port, target)} goto ${picks[at]}`) : [];
    const pick =
      picks.length === 1
        ? `goto ${picks[0]}`
        : `numgen random mod ${picks.length} vmap { ${picks.map((to, at) => `${at} : goto ${to}`).join(", ")} }`;
    chains.set(name, { rules: [...stays, pick] });
    return name;
  }

  function endpoint(port: ForwardedPort, target: Target): string {
    const name = `endpoint-${identifier(port)}-${addressName(target.ip)}-${target.port}`;
    const address = family === "IPv4" ? target.ip : `[${target.ip}]`;
    const staying = port.affinitySeconds > 0 ? [`update @${affinitySet(port, target)} { ${ip} saddr }`] : [];
    if (port.affinitySeconds > 0) {
      sets.set(affinitySet(port, target), { definition: `type ${addressType}; flags dynamic,timeout; timeout ${port.affinitySeconds}s;` });
    }
    chains.set(name, {
      // An endpoint that reaches itself through its Service must see another's address.
      rules: [`${ip} saddr ${target.ip} ${masquerade}`, ...staying, `meta l4proto ${port.protocol} dnat to ${address}:${target.port}`],
    });
    return name;
  }

  /** Where connections from outside go. Pods and this machine itself are inside, and reach all endpoints whatever holds for outside. */
  function external(port: ForwardedPort): string {
    const name = `external-${identifier(port)}`;
    if (chains.has(name)) return name;
    const cluster = picking(port, "cluster");
    const rules = port.outsideStays
      ? [
          ...(fromPods ? [`${ip} saddr ${fromPods} goto ${cluster}`] : []),
          `fib saddr type local ${masquerade}`,
          `fib saddr type local goto ${cluster}`,
          port.local.length > 0 ? `goto ${picking(port, "local")}` : "drop",
        ]
      : [masquerade, `goto ${cluster}`];
    chains.set(name, { rules });
    return name;
  }

  function inside(port: ForwardedPort): string {
    const name = `service-${identifier(port)}`;
    if (chains.has(name)) return name;
    const ours = options.masqueradesAll ? [masquerade] : fromPods ? [`${ip} saddr != ${fromPods} ${masquerade}`] : [];
    const targets = port.insideStays ? port.local : port.cluster;
    const to = targets.length > 0 ? `goto ${picking(port, port.insideStays ? "local" : "cluster")}` : "drop";
    chains.set(name, { rules: [...ours, to] });
    return name;
  }

  const clusterIps = new Set<string>();
  for (const port of ports) {
    const note = port.name;
    const add = (address: string, chain: () => string) => {
      const key = `${address} . ${port.protocol} . ${port.port}`;
      if (port.serving.length > 0) maps["service-ips"].set(key, { note, verdict: `goto ${chain()}` });
      else maps["no-endpoint-services"].set(key, { note, verdict: "goto refuse" });
    };
    for (const address of port.clusterIps) {
      clusterIps.add(address);
      add(address, () => inside(port));
    }
    for (const address of port.externalIps) add(address, () => external(port));
    for (const address of port.balancerIps) {
      add(address, () => {
        const { sourceRanges: ranges } = port;
        if (ranges === "everything") return external(port);
        const name = `balancer-${identifier(port)}`;
        // One by one: ranges may lie within each other.
        const allowed = ranges.map((range) => `${ip} saddr ${range} goto ${external(port)}`);
        chains.set(name, { rules: [...allowed, "drop"] });
        return name;
      });
    }
    if (port.nodePort > 0) {
      const key = `${port.protocol} . ${port.nodePort}`;
      if (port.serving.length > 0) maps["service-nodeports"].set(key, { note, verdict: `goto ${external(port)}` });
      else maps["no-endpoint-nodeports"].set(key, { note, verdict: "goto refuse" });
    }
  }

  const loopback = family === "IPv4" ? "127.0.0.0/8" : "::1";
  const local =
    nodePortAddresses === undefined
      ? [`fib daddr type local ${ip} daddr != ${loopback}`]
      : nodePortAddresses.map((range) => `${ip} daddr ${range} fib daddr type local`);
  const nodePort = (map: MapName) => local.map((addresses) => `${addresses} meta l4proto . th dport vmap @${map}`);
  const service = (map: MapName) => `${ip} daddr . meta l4proto . th dport vmap @${map}`;
  const unreachable = [
    `ct state new ${service("no-endpoint-services")}`,
    ...nodePort("no-endpoint-nodeports").map((rule) => `ct state new ${rule}`),
  ];
  // What is still for a Service's address after all Services were looked up is for no port of it.
  const wrongPort = `ct state new ${ip} daddr @cluster-ips goto refuse`;
  const before = new Map<string, Chain>([
    // The kernel rations what it answers by ICMP; a reset always comes.
    ["refuse", { rules: ["meta l4proto tcp reject with tcp reset", "reject"] }],
    ...chains,
    ["services", { rules: [service("service-ips"), ...nodePort("service-nodeports")] }],
    [
      "masquerade-marked",
      { rules: [`meta mark and ${mark} == 0 return`, `meta mark set meta mark xor ${mark}`, "masquerade fully-random"] },
    ],
    ["nat-prerouting", { hook: "type nat hook prerouting priority dstnat; policy accept;", rules: ["jump services"] }],
    ["nat-output", { hook: "type nat hook output priority -100; policy accept;", rules: ["jump services"] }],
    ["nat-postrouting", { hook: "type nat hook postrouting priority srcnat; policy accept;", rules: ["jump masquerade-marked"] }],
    ["filter-input", { hook: "type filter hook input priority -110; policy accept;", rules: [...unreachable, wrongPort] }],
    ["filter-forward", { hook: "type filter hook forward priority -110; policy accept;", rules: [...unreachable, wrongPort] }],
    ["filter-output", { hook: "type filter hook output priority -110; policy accept;", rules: unreachable }],
    ["filter-output-after-services", { hook: "type filter hook output priority -90; policy accept;", rules: [wrongPort] }],
  ]);
  sets.set("cluster-ips", { definition: `type ${addressType};`, elements: clusterIps });
  const typeOf = (name: MapName) =>
    name.endsWith("nodeports") ? "inet_proto . inet_service" : `${addressType} . inet_proto . inet_service`;
  return {
    family: ip,
    name: serviceTableName,
    sets,
    maps: new Map(mapNames.map((name) => [name, { type: typeOf(name), elements: maps[name] }])),
    chains: before,
  };
}

const identifier = ({ name, protocol, port }: ForwardedPort) => plainName(`${name}-${protocol}-${port}`);
const addressName = (ip: string) => ip.replace(/[.:]/g, "-");
/** Named by its time too: a set's time cannot be changed. */
const affinitySet = (port: ForwardedPort, target: Target) =>
  `affinity-${identifier(port)}-${addressName(target.ip)}-${target.port}-${port.affinitySeconds}`;
