// Forwarding rules as one nftables table, replaced in a single transaction. Over rules that are known the sets that say which client stays
// with which endpoint are kept; all else is emptied and written anew.
//
// A connection to a Service's address is looked up once in a map, whatever the number of Services, and sent to a chain that picks a target.
import type { ForwardedPort, Target } from "../rules.ts";

export interface RulesetOptions {
  readonly family: "IPv4" | "IPv6";
  /** Where Pods have their addresses; traffic from elsewhere to a cluster address gets our source address. */
  readonly clusterCidrs: readonly string[];
}

const table = "kube-proxy";
const markMasquerade = "0x4000";

export function emptyRuleset(family: "IPv4" | "IPv6"): string {
  const ip = family === "IPv4" ? "ip" : "ip6";
  return `add table ${ip} ${table}\ndelete table ${ip} ${table}\n`;
}

/** What a table holds, and the names in it, so that the next one can take its place. */
export interface Ruleset {
  readonly family: "IPv4" | "IPv6";
  readonly text: string;
  readonly chains: readonly string[];
  readonly affinitySets: readonly string[];
}

const maps = ["service-ips", "service-nodeports", "no-endpoint-services"] as const;

/** Puts `next` in the place of `before`; without it, in the place of whatever is there. */
export function replacing(before: Ruleset | undefined, next: Ruleset): string {
  if (!before) return `${emptyRuleset(next.family)}${next.text}`;
  const ip = next.family === "IPv4" ? "ip" : "ip6";
  const chains = new Set(next.chains);
  const sets = new Set(next.affinitySets);
  return [
    `flush table ${ip} ${table}`,
    ...maps.map((name) => `flush map ${ip} ${table} ${name}`),
    ...before.chains.filter((name) => !chains.has(name)).map((name) => `delete chain ${ip} ${table} ${name}`),
    ...before.affinitySets.filter((name) => !sets.has(name)).map((name) => `delete set ${ip} ${table} ${name}`),
    next.text,
  ].join("\n");
}

export function ruleset(ports: readonly ForwardedPort[], { family, clusterCidrs }: RulesetOptions): Ruleset {
  const ip = family === "IPv4" ? "ip" : "ip6";
  const addressType = family === "IPv4" ? "ipv4_addr" : "ipv6_addr";
  const chains: string[] = [];
  const services: string[] = [];
  const nodePorts: string[] = [];
  const unreachable: string[] = [];
  const made = new Set<string>();

  const chain = (name: string, rules: readonly string[]) => {
    if (made.has(name)) return;
    made.add(name);
    chains.push(`  chain ${name} {\n${rules.map((rule) => `    ${rule}\n`).join("")}  }`);
  };

  /** A chain that picks one of the targets, and its name. */
  function picking(port: ForwardedPort, side: "inside" | "outside", targets: readonly Target[]): string {
    const id = `${side}-${identifier(port)}`;
    const picks = targets.map((target) => {
      const name = `endpoint-${identifier(port)}-${addressName(target.ip)}-${target.port}`;
      const address = family === "IPv4" ? target.ip : `[${target.ip}]`;
      chain(name, [
        `${ip} saddr ${target.ip} meta mark set meta mark or ${markMasquerade}`,
        ...(port.affinitySeconds > 0 ? [`update @${affinitySet(port, target)} { ${ip} saddr }`] : []),
        `meta l4proto ${port.protocol} dnat to ${address}:${target.port}`,
      ]);
      return name;
    });
    const stays =
      port.affinitySeconds > 0 ? targets.map((target, at) => `${ip} saddr @${affinitySet(port, target)} goto ${picks[at]}`) : [];
    const first = picks[0] as string;
    const pick =
      picks.length === 1
        ? `goto ${first}`
        : `numgen random mod ${picks.length} vmap { ${picks.map((name, at) => `${at} : goto ${name}`).join(", ")} }`;
    chain(id, [...stays, pick]);
    return id;
  }

  const sets: string[] = [];
  const affinitySets: string[] = [];
  for (const port of ports) {
    if (port.affinitySeconds > 0) {
      for (const target of unique([...port.inside, ...port.outside])) {
        affinitySets.push(affinitySet(port, target));
        sets.push(`  set ${affinitySet(port, target)} { type ${addressType}; flags dynamic,timeout; timeout ${port.affinitySeconds}s; }`);
      }
    }
    const note = `comment "${port.name}"`;
    for (const address of port.clusterIps) {
      const key = `${address} . ${port.protocol} . ${port.port}`;
      if (port.inside.length === 0) {
        unreachable.push(`${key} ${note} : goto refuse`);
        continue;
      }
      const picked = picking(port, "inside", port.inside);
      const name = `service-${identifier(port)}`;
      const ours =
        clusterCidrs.length > 0 ? [`${ip} saddr != { ${clusterCidrs.join(", ")} } meta mark set meta mark or ${markMasquerade}`] : [];
      chain(name, [...ours, `goto ${picked}`]);
      services.push(`${key} ${note} : goto ${name}`);
    }
    if (port.externalIps.length === 0 && port.nodePort === 0) continue;
    const entry = `external-${identifier(port)}`;
    if (port.outside.length > 0) {
      const picked = picking(port, "outside", port.outside);
      chain(entry, [...(port.keepsSource ? [] : [`meta mark set meta mark or ${markMasquerade}`]), `goto ${picked}`]);
    }
    for (const address of port.externalIps) {
      const key = `${address} . ${port.protocol} . ${port.port}`;
      if (port.outside.length === 0) unreachable.push(`${key} ${note} : ${port.keepsSource ? "drop" : "goto refuse"}`);
      else services.push(`${key} ${note} : goto ${entry}`);
    }
    if (port.nodePort > 0 && port.outside.length > 0) nodePorts.push(`${port.protocol} . ${port.nodePort} ${note} : goto ${entry}`);
  }

  const map = (name: string, type: string, elements: readonly string[]) =>
    `  map ${name} {\n    type ${type} : verdict\n${elements.length === 0 ? "" : `    elements = {\n${elements.map((element) => `      ${element}`).join(",\n")}\n    }\n`}  }`;

  const lookUp = `${ip} daddr . meta l4proto . th dport vmap`;
  const loopback = family === "IPv4" ? "127.0.0.0/8" : "::1";
  const text = `table ${ip} ${table} {
${sets.map((set) => `${set}\n`).join("")}${map("service-ips", `${addressType} . inet_proto . inet_service`, services)}
${map("service-nodeports", "inet_proto . inet_service", nodePorts)}
${map("no-endpoint-services", `${addressType} . inet_proto . inet_service`, unreachable)}
  chain refuse {
    reject
  }
${chains.join("\n")}
  chain services {
    ${lookUp} @service-ips
    fib daddr type local ${ip} daddr != ${loopback} meta l4proto . th dport vmap @service-nodeports
  }
  chain masquerade-marked {
    meta mark and ${markMasquerade} == 0 return
    meta mark set meta mark xor ${markMasquerade}
    masquerade fully-random
  }
  chain nat-prerouting {
    type nat hook prerouting priority dstnat; policy accept;
    jump services
  }
  chain nat-output {
    type nat hook output priority -100; policy accept;
    jump services
  }
  chain nat-postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    jump masquerade-marked
  }
  chain filter-forward {
    type filter hook forward priority -110; policy accept;
    ct state new ${lookUp} @no-endpoint-services
  }
  chain filter-input {
    type filter hook input priority -110; policy accept;
    ct state new ${lookUp} @no-endpoint-services
  }
  chain filter-output {
    type filter hook output priority -110; policy accept;
    ct state new ${lookUp} @no-endpoint-services
  }
}
`;
  return { family, text, chains: [...made], affinitySets };
}

/** Chain names hold letters, digits and dashes, and at most 128 characters: long names keep their start and gain a digest. */
function identifier({ name, protocol, port }: ForwardedPort): string {
  const text = `${name}-${protocol}-${port}`;
  const plain = text.replace(/[^A-Za-z0-9]/g, "-");
  return `${plain.slice(0, 60)}-${digest(text)}`;
}

const addressName = (ip: string) => ip.replace(/[.:]/g, "-");
/** Named by its time too: a set's time cannot be changed. */
const affinitySet = (port: ForwardedPort, target: Target) =>
  `affinity-${identifier(port)}-${addressName(target.ip)}-${target.port}-${port.affinitySeconds}`;

function unique(targets: readonly Target[]): readonly Target[] {
  return [...new Map(targets.map((target) => [`${target.ip} ${target.port}`, target])).values()];
}

/** FNV-1a, 32 bits, in base 36: tells names apart that look alike once reduced to letters. */
function digest(text: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash >>> 0).toString(36);
}
