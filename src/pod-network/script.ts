// A plan as a shell script that makes it so, whatever was there before: routes, tunnel, and the set of the packet rules that lets packets to
// the other nodes' Pods leave. Carried out now, and kept for the next boot, when there may be no API server to ask.
import type { NetworkPlan, Route } from "./plan.ts";

const tunnelId = 4097;
const tunnelPort = 8472;

export interface ScriptNames {
  /** The nftables table (family ip) with the set `elsewhere`. */
  readonly table: string;
  readonly tunnelDevice: string;
  /** By which our routes are told from others'. */
  readonly routeProtocol: number;
}

export function networkScript({ ownRange, ownAddress, routes }: NetworkPlan, names: ScriptNames): string {
  const { table, tunnelDevice, routeProtocol: protocol } = names;
  const tunnelled = routes.filter(({ through }) => through === "tunnel");
  const hasTunnel = tunnelled.length > 0 && ownRange !== undefined && ownAddress !== undefined;
  const direct = routes.filter(({ through }) => through !== "tunnel");
  const made = hasTunnel ? routes : direct;
  const ranges = made.map(({ range }) => range);
  return [
    "#!/bin/sh",
    "# Written by the kubelet: the ways to the Pods of the other nodes.",
    "set -eu",
    ...(hasTunnel ? tunnelLines(tunnelled, { ownRange, ownAddress }, names) : [`ip link del ${tunnelDevice} 2>/dev/null || true`]),
    ...direct.map(
      ({ range, node, through }) => `ip route replace ${range} via ${node} dev ${(through as { device: string }).device} proto ${protocol}`,
    ),
    `wanted=" ${ranges.join(" ")} "`,
    `ip -4 route show proto ${protocol} | while read -r range rest; do`,
    `  case "$wanted" in *" $range "*) ;; *) ip route del "$range" proto ${protocol} ;; esac`,
    "done",
    "nft -f - <<'rules'",
    `flush set ip ${table} elsewhere`,
    ...(ranges.length > 0 ? [`add element ip ${table} elsewhere { ${ranges.join(", ")} }`] : []),
    "rules",
    "",
  ].join("\n");
}

/** Every node knows where each of the others ends its tunnel, and under which hardware address: both follow from what the cluster says. */
function tunnelLines(
  tunnelled: readonly Route[],
  { ownRange, ownAddress }: { readonly ownRange: string; readonly ownAddress: string },
  { tunnelDevice, routeProtocol: protocol }: ScriptNames,
): readonly string[] {
  const wanted = tunnelled.map(({ node }) => hardwareAddress(node));
  return [
    `if ! ip -d link show ${tunnelDevice} 2>/dev/null | grep -q "local ${ownAddress} "; then`,
    `  ip link del ${tunnelDevice} 2>/dev/null || true`,
    `  ip link add ${tunnelDevice} address ${hardwareAddress(ownAddress)} type vxlan id ${tunnelId} dstport ${tunnelPort} local ${ownAddress} dev "$(${deviceOf(ownAddress)})" nolearning`,
    "fi",
    `ip address replace ${firstOf(ownRange)}/32 dev ${tunnelDevice}`,
    `ip link set ${tunnelDevice} up`,
    ...tunnelled.flatMap(({ range, node }) => [
      `bridge fdb replace ${hardwareAddress(node)} dev ${tunnelDevice} dst ${node}`,
      `ip neigh replace ${firstOf(range)} lladdr ${hardwareAddress(node)} dev ${tunnelDevice} nud permanent`,
      `ip route replace ${range} via ${firstOf(range)} dev ${tunnelDevice} onlink src ${firstOf(ownRange)} proto ${protocol}`,
    ]),
    `bridge fdb show dev ${tunnelDevice} | while read -r hardware rest; do`,
    `  case " ${wanted.join(" ")} " in *" $hardware "*) ;; *) bridge fdb del "$hardware" dev ${tunnelDevice} 2>/dev/null || true ;; esac`,
    "done",
  ];
}

const deviceOf = (address: string) => `ip -4 -o address show | awk '$4 ~ "^${address}/" { print $2; exit }'`;
const firstOf = (range: string) => range.slice(0, range.indexOf("/"));

/** Locally administered, and the node's address in it. */
function hardwareAddress(address: string): string {
  return ["0a", "58", ...address.split(".").map((part) => Number(part).toString(16).padStart(2, "0"))].join(":");
}
