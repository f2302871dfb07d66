// Isolated Pods as an nftables table.
//
// What goes out and what comes in are decided one after the other, at hooks of their own: an `accept` ends the one and not the other.
// Only what is forwarded can be for a Pod from elsewhere: what this machine itself sends, such as the kubelet's probes, is not asked about.
import { addressesOf, type Family, rangesOf } from "../addresses.ts";
import type { Chain, NamedSet, Table, Verdict } from "../nftables/table.ts";
import { chainName } from "../nftables/names.ts";
import type { Direction, IsolatedPod, Peer, PolicyPart, Ports } from "./isolation.ts";

export const policyTableName = "kube-network-policies";

export function policyTable(pods: readonly IsolatedPod[], family: Family): Table {
  const ip = family === "IPv4" ? "ip" : "ip6";
  const addressType = family === "IPv4" ? "ipv4_addr" : "ipv6_addr";
  const chains = new Map<string, Chain>();
  const sets = new Map<string, NamedSet>();
  const elements = { ingress: new Map<string, Verdict>(), egress: new Map<string, Verdict>() };

  function peerMatch(peer: Peer, direction: Direction): string | undefined {
    const side = direction === "ingress" ? "saddr" : "daddr";
    if (peer === "everybody") return "";
    if ("block" in peer) {
      const { cidr, except = [] } = peer.block;
      const [range, without] = [rangesOf([cidr], family), rangesOf(except, family)];
      if (range.length === 0 || without === "everything") return undefined;
      const within = range === "everything" ? "" : `${ip} ${side} ${range[0]} `;
      // One by one: ranges may lie within each other.
      return `${within}${without.map((one) => `${ip} ${side} != ${one} `).join("")}`;
    }
    const ips = addressesOf(peer.pods.ips, family);
    const name = chainName("pods", peer.pods.key);
    sets.set(name, { definition: `type ${addressType};`, elements: new Set(ips) });
    return `${ip} ${side} @${name} `;
  }

  function portsMatch(ports: Ports): string | undefined {
    if (!("sockets" in ports)) {
      const { protocol, first, last } = ports;
      if (first === 0) return `meta l4proto ${protocol} `;
      return `meta l4proto ${protocol} th dport ${first === last ? first : `${first}-${last}`} `;
    }
    // Where a named port is, both ways round, at the receiving end.
    const keys = new Set(ports.sockets.flatMap(({ ip: own, port }) => addressesOf([own], family).map((address) => `${address} . ${port}`)));
    if (keys.size === 0) return undefined;
    return `meta l4proto ${ports.protocol} ${ip} daddr . th dport { ${[...keys].join(", ")} } `;
  }

  function policyChain(part: PolicyPart): string {
    const name = chainName(part.direction, part.name);
    if (chains.has(name)) return name;
    const rules = part.allowances.flatMap(({ peers, ports }) => {
      const whos = peers.map((peer) => peerMatch(peer, part.direction));
      const wheres = ports ? ports.map(portsMatch) : [""];
      return whos.flatMap((who) => wheres.flatMap((where) => (who === undefined || where === undefined ? [] : [`${who}${where}accept`])));
    });
    chains.set(name, { rules });
    return name;
  }

  for (const pod of pods) {
    const addresses = addressesOf(pod.ips, family);
    for (const direction of ["ingress", "egress"] as const) {
      const parts = pod[direction];
      if (!parts || addresses.length === 0) continue;
      const name = chainName(`pod-${direction}`, pod.name);
      // A Pod may always speak with itself, through a Service as well.
      const itself = addresses.map((address) => `${ip} ${direction === "ingress" ? "saddr" : "daddr"} ${address} accept`);
      const jumps = parts.map((part) => `jump ${policyChain(part)}`);
      chains.set(name, { rules: [...itself, ...jumps, "drop"] });
      for (const address of addresses) elements[direction].set(address, { verdict: `goto ${name}`, note: pod.name });
    }
  }

  // Answers always pass; neighbours are found whoever they are.
  const passes = [
    "ct state established,related accept",
    ...(family === "IPv6" ? ["icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit, nd-router-advert } accept"] : []),
  ];
  const decide = (direction: Direction) => [...passes, `${ip} ${direction === "ingress" ? "daddr" : "saddr"} vmap @${direction}`];
  chains.set("forward-egress", { hook: "type filter hook forward priority -2; policy accept;", rules: decide("egress") });
  chains.set("forward-ingress", { hook: "type filter hook forward priority -1; policy accept;", rules: decide("ingress") });
  // To this machine itself.
  chains.set("input-egress", { hook: "type filter hook input priority -2; policy accept;", rules: decide("egress") });
  return {
    family: ip,
    name: policyTableName,
    sets,
    maps: new Map((["ingress", "egress"] as const).map((direction) => [direction, { type: addressType, elements: elements[direction] }])),
    chains,
  };
}
