// The node's own part of the cluster network. First of all, that cluster addresses never leave this machine by accident; then the bridge
// that Pods hang on. Text from settings; a script carries it out, so that the same steps run after a reboot.
import type { World } from "#platform/world.ts";
import { writeIfChanged } from "./kubeconfigs.ts";
import {
  BootstrapError,
  bridge,
  type ClusterSettings,
  networkConfigPath,
  networkScriptPath,
  type NodeSettings,
  ourMark,
  podNetworkPath,
  podRoutesPath,
} from "./layout.ts";

const table = "keelson";
const tunnelDevice = "keelson-vxlan";
/** By which the routes to other nodes' Pods are told from others': a number that no routing daemon uses. */
const routeProtocol = 157;
/** The kernel's settings that are needed, and what they are to be. */
export const kernelSettings: readonly (readonly [path: string, value: string])[] = [
  ["net/ipv4/ip_forward", "1"],
  ["net/bridge/bridge-nf-call-iptables", "1"],
];

/**
 * Packets for cluster addresses that nobody claimed go nowhere but to this machine and its Pods, whatever routes lead elsewhere; those of
 * other nodes' Pods, once it is known that they are elsewhere, may leave. Pods reach the outside under the node's address. The table is
 * replaced as a whole.
 */
export function nodeRules({ podRange, serviceRange }: NodeSettings): string {
  return `add table ip ${table}
delete table ip ${table}
table ip ${table} {
  comment "${ourMark}"
  set elsewhere {
    type ipv4_addr; flags interval;
    comment "the Pods of other nodes"
  }
  chain stays-here {
    type filter hook postrouting priority 300; policy accept;
    oifname != { "lo", "${bridge}" } ip daddr ${serviceRange} drop
    oifname != { "lo", "${bridge}" } ip daddr ${podRange} ip daddr != @elsewhere drop
  }
  chain leaves-as-the-node {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${podRange} ip daddr != ${podRange} oifname != { "lo", "${bridge}" } masquerade fully-random
  }
}
`;
}

/** Takes "up" or "down". Every step may be repeated. */
export function networkScript(settings: NodeSettings): string {
  const { nodeAddress, podRange, serviceRange } = settings;
  return `#!/bin/sh
# ${ourMark}. Keeps cluster addresses on this machine, and leads Services to the proxy's rules.
set -eu
case \${1:-up} in
up)
  nft -f - <<'rules'
${nodeRules(settings)}rules
  # Connections to Services find a route here; the proxy's rules then turn them to Pods. The machine may have come back with another address.
  address=${nodeAddress}
  if ! ip -4 -o address show | grep -qF " $address/"; then
    address=$(ip -4 -o route get 1.0.0.0 2>/dev/null | sed -n 's/.* src \\([0-9.]*\\) .*/\\1/p')
  fi
  ip route replace ${serviceRange} dev lo \${address:+src $address}
  # Pods that no bridge leads to are nowhere, and say so at once.
  ip route replace unreachable ${podRange}
  modprobe -q br_netfilter 2>/dev/null || true
${kernelSettings.map(([path, value]) => `  [ ! -e /proc/sys/${path} ] || [ "$(cat /proc/sys/${path})" = ${value} ] || echo ${value} >/proc/sys/${path}`).join("\n")}
  if [ -e ${podRoutesPath} ]; then /bin/sh ${podRoutesPath} || echo "the ways to other nodes' Pods cannot be set yet" >&2; fi
  ;;
down)
  ip route del ${serviceRange} dev lo 2>/dev/null || true
  ip route del unreachable ${podRange} 2>/dev/null || true
  ip route flush proto ${routeProtocol} 2>/dev/null || true
  ip link del ${tunnelDevice} 2>/dev/null || true
  ip link del ${bridge} 2>/dev/null || true
  nft delete table ip ${table} 2>/dev/null || true
  ;;
esac
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
  return `${JSON.stringify(networkConfigWith({ ranges: [[{ subnet: nodePodRange }]] }), undefined, 2)}\n`;
}

/** For the kubelet, which fills in the range that the cluster gives the node, and makes the ways to the other nodes' Pods. */
export function podNetworkSettings({ podRange, serviceRange }: NodeSettings): string {
  return `${JSON.stringify(
    {
      podRange,
      serviceRange,
      table,
      tunnelDevice,
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
  await writeIfChanged(world, networkScriptPath, networkScript(settings), 0o755);
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
export async function readKernelSettings(world: World): Promise<Readonly<Record<string, string>>> {
  const entries = await Promise.all(
    kernelSettings.map(async ([path]) => [path, (await world.files.readText(`/proc/sys/${path}`).catch(() => "")).trim()] as const),
  );
  return Object.fromEntries(entries.filter(([, value]) => value !== ""));
}

/** This machine's address on the interface of its default route, else its first one that others can reach. */
export async function ownAddress(world: World): Promise<string | undefined> {
  const { stdout } = await world.processes.run("ip", ["-4", "-o", "route", "get", "1.0.0.0"], { timeoutMilliseconds: 5_000 });
  const source = / src (\d+\.\d+\.\d+\.\d+)/.exec(stdout)?.[1];
  if (source !== undefined && !source.startsWith("127.")) return source;
  return world.network.addresses().find(({ family, internal, interface: name }) => family === 4 && !internal && name !== bridge)?.address;
}
