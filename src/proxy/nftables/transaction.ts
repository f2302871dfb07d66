// The text that turns one table into another in a single transaction of nft: all of it, or only what differs.
import { type Chain, type MapName, mapNames, type Ruleset } from "./ruleset.ts";

const table = "kube-proxy";
const keyTypes: Readonly<Record<MapName, string>> = {
  "service-ips": "ADDRESS . inet_proto . inet_service",
  "service-nodeports": "inet_proto . inet_service",
  "no-endpoint-services": "ADDRESS . inet_proto . inet_service",
  "no-endpoint-nodeports": "inet_proto . inet_service",
};

const ipOf = ({ family }: Pick<Ruleset, "family">) => (family === "IPv4" ? "ip" : "ip6");

export function emptying(family: "IPv4" | "IPv6"): string {
  const ip = ipOf({ family });
  return `add table ${ip} ${table}\ndelete table ${ip} ${table}\n`;
}

/** Puts `next` in the place of whatever is there. */
export function replacing(next: Ruleset): string {
  return `${emptying(next.family)}${wholeTable(next)}`;
}

/** Writes `next` anew over what was `before`, if that still stands, keeping which client stays with which endpoint. */
export function renewing(before: Ruleset, next: Ruleset): string {
  const ip = ipOf(next);
  return [
    `flush table ${ip} ${table}`,
    `flush set ${ip} ${table} cluster-ips`,
    ...mapNames.map((name) => `flush map ${ip} ${table} ${name}`),
    ...gone(before.chains, next.chains).map((name) => `delete chain ${ip} ${table} ${name}`),
    ...gone(before.affinitySets, next.affinitySets).map((name) => `delete set ${ip} ${table} ${name}`),
    wholeTable(next),
  ].join("\n");
}

/** Only what differs; "" when nothing does. */
export function changing(before: Ruleset, next: Ruleset): string {
  const at = `${ipOf(next)} ${table}`;
  const lines: string[] = [];
  for (const [name, definition] of next.affinitySets)
    if (!before.affinitySets.has(name)) lines.push(`add set ${at} ${name} { ${definition} }`);
  const changed = [...next.chains].filter(([name, chain]) => !sameRules(before.chains.get(name), chain));
  for (const [name, { hook }] of changed) {
    if (before.chains.has(name)) lines.push(`flush chain ${at} ${name}`);
    else lines.push(`add chain ${at} ${name}${hook ? ` { ${hook} }` : ""}`);
  }
  for (const [name, { rules }] of changed) for (const rule of rules) lines.push(`add rule ${at} ${name} ${rule}`);
  for (const map of mapNames) {
    const [old, now] = [before.maps[map], next.maps[map]];
    const away = [...old].filter(([key, { verdict }]) => now.get(key)?.verdict !== verdict).map(([key]) => key);
    const come = [...now].filter(([key, { verdict }]) => old.get(key)?.verdict !== verdict);
    if (away.length > 0) lines.push(`delete element ${at} ${map} { ${away.join(", ")} }`);
    if (come.length > 0)
      lines.push(
        `add element ${at} ${map} { ${come.map(([key, { note, verdict }]) => `${key} comment "${note}" : ${verdict}`).join(", ")} }`,
      );
  }
  const addresses = [...next.clusterIps].filter((ip) => !before.clusterIps.has(ip));
  const noAddresses = [...before.clusterIps].filter((ip) => !next.clusterIps.has(ip));
  if (noAddresses.length > 0) lines.push(`delete element ${at} cluster-ips { ${noAddresses.join(", ")} }`);
  if (addresses.length > 0) lines.push(`add element ${at} cluster-ips { ${addresses.join(", ")} }`);
  // Emptied first: a chain that is called cannot go.
  const chainsGone = gone(before.chains, next.chains);
  for (const name of chainsGone) lines.push(`flush chain ${at} ${name}`);
  for (const name of chainsGone) lines.push(`delete chain ${at} ${name}`);
  for (const name of gone(before.affinitySets, next.affinitySets)) lines.push(`delete set ${at} ${name}`);
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

function wholeTable(next: Ruleset): string {
  const addressType = next.family === "IPv4" ? "ipv4_addr" : "ipv6_addr";
  const list = (elements: readonly string[]) =>
    elements.length === 0 ? "" : `    elements = {\n${elements.map((element) => `      ${element}`).join(",\n")}\n    }\n`;
  const maps = mapNames.map((name) => {
    const elements = [...next.maps[name]].map(([key, { note, verdict }]) => `${key} comment "${note}" : ${verdict}`);
    return `  map ${name} {\n    type ${keyTypes[name].replace("ADDRESS", addressType)} : verdict\n${list(elements)}  }\n`;
  });
  const sets = [...next.affinitySets].map(([name, definition]) => `  set ${name} { ${definition} }\n`);
  const chains = [...next.chains].map(
    ([name, { hook, rules }]) => `  chain ${name} {\n${[...(hook ? [hook] : []), ...rules].map((line) => `    ${line}\n`).join("")}  }\n`,
  );
  return `table ${ipOf(next)} ${table} {
${sets.join("")}  set cluster-ips {
    type ${addressType}
${list([...next.clusterIps])}  }
${maps.join("")}${chains.join("")}}
`;
}

function gone(before: ReadonlyMap<string, unknown>, next: ReadonlyMap<string, unknown>): readonly string[] {
  return [...before.keys()].filter((name) => !next.has(name));
}

function sameRules(left: Chain | undefined, right: Chain): boolean {
  return left !== undefined && left.rules.length === right.rules.length && left.rules.every((rule, at) => rule === right.rules[at]);
}
