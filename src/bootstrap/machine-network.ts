// The node's own part of the cluster network. First of all, that cluster addresses never leave this machine by accident; then the bridge
// that Pods hang on. Text from settings; a script carries it out, so that the same steps run after a reboot.
import { ownIpv6Address } from "#component/machine-addresses.ts";
import type { World } from "#platform/world.ts";
import { type Family, familyOf } from "#base/ip.ts";
import { writeIfChanged } from "./kubeconfigs.ts";
import {
  addressesOf,
  BootstrapError,
  bridge,
  type ClusterSettings,
  familiesOf,
  networkConfigPath,
  networkScriptPath,
  type NodeSettings,
  ourMark,
  podNetworkPath,
  podRoutesPath,
  rangesIn,
} from "./layout.ts";
import { readRecord } from "./record.ts";

/** The settings that say whether an interface takes its default route from a router's advertisements. */
const advertisedDevices = "ip -6 -o route show default | sed -n 's|.* dev \\([^ ]*\\).*|net/ipv6/conf/\\1/accept_ra|p' | sort -u";

const table = "keelson";
const tunnelDevices: Readonly<Record<Family, string>> = { IPv4: "keelson-vxlan", IPv6: "keelson-vxlan6" };
/** By which the routes to other nodes' Pods are told from others': a number that no routing daemon uses. */
const routeProtocol = 157;
/** The kernel's settings that are needed, and what they are to be. */
const kernelSettings: Readonly<Record<Family, readonly (readonly [path: string, value: string])[]>> = {
  IPv4: [
    ["net/ipv4/ip_forward", "1"],
    ["net/bridge/bridge-nf-call-iptables", "1"],
  ],
  IPv6: [
    ["net/ipv6/conf/all/forwarding", "1"],
    ["net/bridge/bridge-nf-call-ip6tables", "1"],
  ],
};

/** A cluster has one range of a family at most. */
interface FamilyRanges {
  readonly family: Family;
  /** As the programs ip and nft call the family. */
  readonly option: "-4" | "-6";
  readonly keyword: "ip" | "ip6";
  readonly pods: string;
  readonly services: string;
  readonly address: string;
}

function byFamily(settings: NodeSettings): readonly FamilyRanges[] {
  const of = (family: Family, texts: readonly string[]) => texts.find((text) => familyOf(text) === family) as string;
  return familiesOf(settings).map((family) => ({
    family,
    option: family === "IPv4" ? "-4" : "-6",
    keyword: family === "IPv4" ? "ip" : "ip6",
    pods: of(family, rangesIn(settings.podRange)),
    services: of(family, rangesIn(settings.serviceRange)),
    address: of(family, addressesOf(settings)),
  }));
}

/**
 * Packets for cluster addresses that nobody claimed go nowhere but to this machine and its Pods, whatever routes lead elsewhere; those of
 * other nodes' Pods, once it is known that they are elsewhere, may leave. Pods reach the outside under the node's address. The tables are
 * replaced as a whole.
 */
export function nodeRules(settings: NodeSettings): string {
  return byFamily(settings).map(rulesOf).join("");
}

function rulesOf({ family, keyword, pods, services }: FamilyRanges): string {
  return `add table ${keyword} ${table}
delete table ${keyword} ${table}
table ${keyword} ${table} {
  comment "${ourMark}"
  set elsewhere {
    type ${family === "IPv4" ? "ipv4_addr" : "ipv6_addr"}; flags interval;
    comment "the Pods of other nodes"
  }
  chain stays-here {
    type filter hook postrouting priority 300; policy accept;
    oifname != { "lo", "${bridge}" } ${keyword} daddr ${services} drop
    oifname != { "lo", "${bridge}" } ${keyword} daddr ${pods} ${keyword} daddr != @elsewhere drop
  }
  chain leaves-as-the-node {
    type nat hook postrouting priority srcnat; policy accept;
    ${keyword} saddr ${pods} ${keyword} daddr != ${pods} oifname != { "lo", "${bridge}" } masquerade fully-random
  }
}
`;
}

/** Takes "up" or "down". Every step may be repeated. `uplinks` are the settings of interfaces that led out when the node was made. */
export function networkScript(settings: NodeSettings, uplinks: readonly string[] = []): string {
  const families = byFamily(settings);
  const kernel = families.flatMap(({ family }) => kernelSettings[family]);
  return `#!/bin/sh
# ${ourMark}. Keeps cluster addresses on this machine, and leads Services to the proxy's rules.
set -eu
case \${1:-up} in
up)
  nft -f - <<'rules'
${nodeRules(settings)}rules
${families.map(routesOf).join("\n")}
  modprobe -q br_netfilter 2>/dev/null || true
${families.some(({ family }) => family === "IPv6") ? ipv6Lines(uplinks) : ""}${kernel.map(([path, value]) => `  [ ! -e /proc/sys/${path} ] || [ "$(cat /proc/sys/${path})" = ${value} ] || echo ${value} >/proc/sys/${path}`).join("\n")}
  if [ -e ${podRoutesPath} ]; then /bin/sh ${podRoutesPath} || echo "the ways to other nodes' Pods cannot be set yet" >&2; fi
  ;;
down)
${families.map(undoneRoutesOf).join("\n")}
  ip link del ${bridge} 2>/dev/null || true
${families.map(({ keyword }) => `  nft delete table ${keyword} ${table} 2>/dev/null || true`).join("\n")}
  ;;
esac
`;
}

function routesOf({ option, family, pods, services, address }: FamilyRanges): string {
  const probe = family === "IPv4" ? "1.0.0.0" : "2000::";
  return `  # Connections to Services find a route here; the proxy's rules then turn them to Pods. The machine may have come back with another address.
  address=${address}
  if ! ip ${option} -o address show | grep -qF " $address/"; then
    address=$(ip ${option} -o route get ${probe} 2>/dev/null | sed -n 's/.* src \\([0-9a-f.:]*\\) .*/\\1/p')
  fi
  ip ${option} route replace ${services} dev lo \${address:+src $address}${family === "IPv6" ? ` 2>/dev/null || ip -6 route replace ${services} dev lo` : ""}
  # Pods that no bridge leads to are nowhere, and say so at once.
  ip ${option} route replace unreachable ${pods}`;
}

function undoneRoutesOf({ option, family, pods, services }: FamilyRanges): string {
  return `  ip ${option} route del ${services} dev lo 2>/dev/null || true
  ip ${option} route del unreachable ${pods} 2>/dev/null || true
  ip ${option} route flush proto ${routeProtocol} 2>/dev/null || true
  ip link del ${tunnelDevices[family]} 2>/dev/null || true`;
}

/**
 * Who forwards is a router, and hears no other router's advertisements unless told to: the way out would be lost, or not be found after a
 * boot. And the bridge's own addresses are not looked for elsewhere first, which would keep Pods waiting for their gateway.
 */
function ipv6Lines(uplinks: readonly string[]): string {
  return `  for path in ${uplinks.join(" ")} $(${advertisedDevices}); do
    [ ! -e "/proc/sys/$path" ] || [ "$(cat "/proc/sys/$path")" != 1 ] || echo 2 >"/proc/sys/$path"
  done
  [ -e /sys/class/net/${bridge} ] || ip link add ${bridge} type bridge
  echo 0 >/proc/sys/net/ipv6/conf/${bridge}/accept_dad
`;
}

/** The standard CNI plugins: a bridge, addresses of this node's range, and host ports. */
function networkConfigWith(ipam: object): object {
  return {
    cniVersion: "0.4.0",
    name: "keelson",
    plugins: [
      {
        type: "bridge",
        bridge,
        isGateway: true,
        isDefaultGateway: true,
        // The node's own rules do that, in one place, and leave nothing per Pod.
        ipMasq: false,
        hairpinMode: true,
        ipam: { type: "host-local", ...ipam },
      },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  };
}

/** For the first node, whose range is known before there is a cluster that could say so. */
export function networkConfig({ nodePodRange }: Pick<ClusterSettings, "nodePodRange">): string {
  return `${JSON.stringify(networkConfigWith({ ranges: rangesIn(nodePodRange).map((subnet) => [{ subnet }]) }), undefined, 2)}\n`;
}

/** For the kubelet, which fills in the range that the cluster gives the node, and makes the ways to the other nodes' Pods. */
export function podNetworkSettings({ podRange, serviceRange }: NodeSettings): string {
  return `${JSON.stringify(
    {
      podRange,
      serviceRange,
      table,
      tunnelDevices,
      routeProtocol,
      script: podRoutesPath,
      networkConfigPath,
      networkConfig: networkConfigWith({}),
    },
    undefined,
    2,
  )}\n`;
}

/** Writes the script and runs it: before anything else gets a cluster address. */
export async function secureNetwork(world: World, settings: NodeSettings): Promise<void> {
  const uplinks = Object.keys((await readRecord(world))?.kernel ?? {}).filter((path) => /^net\/ipv6\/conf\/[\w.-]+\/accept_ra$/.test(path));
  await writeIfChanged(world, networkScriptPath, networkScript(settings, uplinks), 0o755);
  const { code, stderr } = await world.processes.run("/bin/sh", [networkScriptPath, "up"], { timeoutMilliseconds: 30_000 });
  if (code !== 0)
    throw new BootstrapError(
      `the routes and rules that keep cluster addresses on this machine cannot be set: ${stderr.trim()}`,
      "The kernel needs nf_tables, and the programs ip and nft (packages iproute2 and nftables).",
    );
}

/** Gives whether the container runtime has to hear of it. What the kubelet wrote since stays. */
export async function writeNetworkConfig(world: World, settings: NodeSettings & Partial<ClusterSettings>): Promise<boolean> {
  await writeIfChanged(world, podNetworkPath, podNetworkSettings(settings));
  const { nodePodRange } = settings;
  if (nodePodRange === undefined || (await world.files.stat(podRoutesPath))) return false;
  return writeIfChanged(world, networkConfigPath, networkConfig({ nodePodRange }));
}

/** The kernel's settings as they are now, for the day they are put back. */
export async function readKernelSettings(world: World, settings: NodeSettings): Promise<Readonly<Record<string, string>>> {
  const families = familiesOf(settings);
  const advertised = families.includes("IPv6") ? (await world.processes.run("sh", ["-c", advertisedDevices])).stdout : "";
  const paths = [
    ...advertised.split("\n").filter((path) => path !== ""),
    ...families.flatMap((family) => kernelSettings[family].map(([path]) => path)),
  ];
  const entries = await Promise.all(
    paths.map(async (path) => [path, (await world.files.readText(`/proc/sys/${path}`).catch(() => "")).trim()] as const),
  );
  return Object.fromEntries(entries.filter(([, value]) => value !== ""));
}

/** This machine's address of each family that Pods have addresses of: those that were given, and for the rest its own. */
export async function nodeAddresses(
  world: World,
  settings: Pick<NodeSettings, "podRange" | "serviceRange">,
  given: string | undefined,
): Promise<Pick<NodeSettings, "nodeAddress" | "secondaryAddress"> & { readonly kubeletFlags: readonly string[] }> {
  const asked = given === undefined ? [] : given.split(",").map((text) => text.trim());
  if (asked.length > 1 && new Set(asked.map(familyOf)).size < asked.length)
    throw new BootstrapError(`--node-ip ${given} has more than one address of a family`, "A node has one of each family at most.");
  const own: Readonly<Record<Family, () => Promise<string | undefined>>> = {
    IPv4: () => ownAddress(world),
    IPv6: () => ownIpv6Address(world, [...rangesIn(settings.podRange), ...rangesIn(settings.serviceRange)]),
  };
  const families = familiesOf(settings);
  if (families.includes("IPv6")) await checkIpv6(world);
  const found = await Promise.all(families.map((family) => own[family]()));
  const chosen = families.map((family, at) => asked.find((text) => familyOf(text) === family) ?? found[at]);
  const wrong = asked.find((text, at) => familyOf(text) !== families[at]);
  if (wrong !== undefined)
    throw new BootstrapError(
      `--node-ip ${given} is of ${asked.map(familyOf).join(" and ")}, and Pods have addresses of ${families.join(" and ")}`,
      "A node has an address of each family that its Pods have, in the same order.",
    );
  const absent = families.find((_, at) => chosen[at] === undefined);
  if (absent !== undefined)
    throw new BootstrapError(
      `this machine has no ${absent === "IPv6" ? "IPv6 " : ""}address that others could reach`,
      `Give one with --node-ip${families.length > 1 ? ", or leave that family's ranges out" : ""}.`,
    );
  const [nodeAddress, secondaryAddress] = chosen as [string, string?];
  const isOwn = chosen.every((address, at) => address === found[at]);
  return {
    nodeAddress,
    ...(secondaryAddress !== undefined && { secondaryAddress }),
    kubeletFlags: isOwn ? [] : [`--node-ip=${chosen.join(",")}`],
  };
}

async function checkIpv6(world: World): Promise<void> {
  const read = (path: string) => world.files.readText(path).catch(() => undefined);
  if ((await read("/proc/net/if_inet6")) === undefined)
    throw new BootstrapError(
      "the kernel of this machine has no IPv6, and Pods are to have IPv6 addresses",
      "Start it without ipv6.disable=1, or leave the IPv6 ranges out.",
    );
  if ((await read("/proc/sys/net/ipv6/conf/all/disable_ipv6"))?.trim() === "1")
    throw new BootstrapError(
      "IPv6 is switched off on this machine, and Pods are to have IPv6 addresses",
      "Switch it on with sysctl -w net.ipv6.conf.all.disable_ipv6=0, or leave the IPv6 ranges out.",
    );
}

/** This machine's address on the interface of its default route, else its first one that others can reach. */
async function ownAddress(world: World): Promise<string | undefined> {
  const { stdout } = await world.processes.run("ip", ["-4", "-o", "route", "get", "1.0.0.0"], { timeoutMilliseconds: 5_000 });
  const source = / src (\d+\.\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  if (source !== undefined && !source.startsWith("127.")) return source;
  return world.network.addresses().find(({ family, internal, interface: name }) => family === 4 && !internal && name !== bridge)?.address;
}
