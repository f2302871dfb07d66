// Plans as a shell script that makes them so, whatever was there before: of each family routes, a tunnel, and the set of the packet rules that
// lets packets to the other nodes' Pods leave. Carried out now, and kept for the next boot, when there may be no API server to ask.
import { hex, sha256 } from "#base/sha256.ts";
import { type Family, familyOf } from "#base/ip.ts";
import type { NetworkPlan, Route } from "./plan.ts";

const tunnelId = 4097;
const tunnelPort = 8472;

export interface ScriptNames {
  /** The nftables table (of the families ip and ip6) with the set `elsewhere`. */
  readonly table: string;
  readonly tunnelDevices: Readonly<Record<Family, string>>;
  /** By which our routes are told from others'. */
  readonly routeProtocol: number;
}

export function networkScript(plans: readonly NetworkPlan[], names: ScriptNames): string {
  return [
    "#!/bin/sh",
    "# Written by the kubelet: the ways to the Pods of the other nodes.",
    "set -eu",
    ...plans.flatMap((plan) => planLines(plan, names)),
    "",
  ].join("\n");
}

/** How the programs call the family. */
const option: Readonly<Record<Family, string>> = { IPv4: "ip -4", IPv6: "ip -6" };
const keyword: Readonly<Record<Family, string>> = { IPv4: "ip", IPv6: "ip6" };

function planLines({ family, ownRange, ownAddress, routes }: NetworkPlan, names: ScriptNames): readonly string[] {
  const { table, tunnelDevices, routeProtocol: protocol } = names;
  const ip = option[family];
  const tunnelled = routes.filter(({ through }) => through === "tunnel");
  const hasTunnel = tunnelled.length > 0 && ownRange !== undefined && ownAddress !== undefined;
  const direct = routes.filter(({ through }) => through !== "tunnel");
  const made = hasTunnel ? routes : direct;
  const ranges = made.map(({ range }) => range);
  return [
    ...(hasTunnel ? tunnelLines(tunnelled, { ownRange, ownAddress }, names) : [`ip link del ${tunnelDevices[family]} 2>/dev/null || true`]),
    ...direct.map(
      ({ range, node, through }) =>
        `${ip} route replace ${range} via ${node} dev ${(through as { device: string }).device} proto ${protocol}`,
    ),
    `wanted=" ${ranges.join(" ")} "`,
    `${ip} route show proto ${protocol} | while read -r range rest; do`,
    `  case "$wanted" in *" $range "*) ;; *) ${ip} route del "$range" proto ${protocol} ;; esac`,
    "done",
    "nft -f - <<'rules'",
    `flush set ${keyword[family]} ${table} elsewhere`,
    ...(ranges.length > 0 ? [`add element ${keyword[family]} ${table} elsewhere { ${ranges.join(", ")} }`] : []),
    "rules",
  ];
}

/** Every node knows where each of the others ends its tunnel, and under which hardware address: both follow from what the cluster says. */
function tunnelLines(
  tunnelled: readonly Route[],
  { ownRange, ownAddress }: { readonly ownRange: string; readonly ownAddress: string },
  { tunnelDevices, routeProtocol: protocol }: ScriptNames,
): readonly string[] {
  const family = familyOf(ownAddress);
  const ip = option[family];
  const device = tunnelDevices[family];
  const wanted = tunnelled.map(({ node }) => hardwareAddress(node));
  const whole = family === "IPv4" ? 32 : 128;
  return [
    `if ! ip -d link show ${device} 2>/dev/null | grep -q "local ${ownAddress} "; then`,
    `  ip link del ${device} 2>/dev/null || true`,
    `  ip link add ${device} address ${hardwareAddress(ownAddress)} type vxlan id ${tunnelId} dstport ${tunnelPort} local ${ownAddress} dev "$(${deviceOf(ownAddress)})" nolearning`,
    "fi",
    `${ip} address replace ${firstOf(ownRange)}/${whole} dev ${device}${family === "IPv6" ? " nodad" : ""}`,
    `ip link set ${device} up`,
    ...tunnelled.flatMap(({ range, node }) => [
      `bridge fdb replace ${hardwareAddress(node)} dev ${device} dst ${node}`,
      `ip neigh replace ${firstOf(range)} lladdr ${hardwareAddress(node)} dev ${device} nud permanent`,
      `${ip} route replace ${range} via ${firstOf(range)} dev ${device} onlink src ${firstOf(ownRange)} proto ${protocol}`,
    ]),
    `bridge fdb show dev ${device} | while read -r hardware rest; do`,
    `  case " ${wanted.join(" ")} " in *" $hardware "*) ;; *) bridge fdb del "$hardware" dev ${device} 2>/dev/null || true ;; esac`,
    "done",
  ];
}

const deviceOf = (address: string) => `${option[familyOf(address)]} -o address show | awk '$4 ~ "^${address}/" { print $2; exit }'`;
const firstOf = (range: string) => range.slice(0, range.indexOf("/"));

/** Locally administered, and the node's address in it; of the longer ones, as much of their digest as there is room for. */
function hardwareAddress(address: string): string {
  if (familyOf(address) === "IPv4")
    return ["0a", "58", ...address.split(".").map((part) => Number(part).toString(16).padStart(2, "0"))].join(":");
  return [
    "0e",
    ...(hex(sha256(new TextEncoder().encode(address)))
      .slice(0, 10)
      .match(/../g) ?? []),
  ].join(":");
}
