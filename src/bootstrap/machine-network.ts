// The node's own part of the cluster network. First of all, that cluster addresses never leave this machine by accident; then the bridge
// that Pods hang on. Text from settings; a script carries it out, so that the same steps run after a reboot.
import type { World } from "#platform/world.ts";
import { writeIfChanged } from "./kubeconfigs.ts";
import { BootstrapError, bridge, type ClusterSettings, networkConfigPath, networkScriptPath, ourMark } from "./layout.ts";

const table = "keelson";
/** The kernel's settings that are needed, and what they are to be. */
export const kernelSettings: readonly (readonly [path: string, value: string])[] = [
  ["net/ipv4/ip_forward", "1"],
  ["net/bridge/bridge-nf-call-iptables", "1"],
];

/**
 * Packets for cluster addresses that nobody claimed go nowhere but to this machine and its Pods, whatever routes lead elsewhere. Pods
 * reach the outside under the node's address. The table is replaced as a whole.
 */
export function nodeRules({ podRange, serviceRange }: ClusterSettings): string {
  return `add table ip ${table}
delete table ip ${table}
table ip ${table} {
  comment "${ourMark}"
  chain stays-here {
    type filter hook postrouting priority 300; policy accept;
    oifname != { "lo", "${bridge}" } ip daddr { ${serviceRange}, ${podRange} } drop
  }
  chain leaves-as-the-node {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${podRange} ip daddr != ${podRange} oifname != { "lo", "${bridge}" } masquerade fully-random
  }
}
`;
}

/** Takes "up" or "down". Every step may be repeated. */
export function networkScript(settings: ClusterSettings): string {
  const { nodeAddress, podRange, serviceRange } = settings;
  return `#!/bin/sh
# ${ourMark}. Keeps cluster addresses on this machine, and leads Services to the proxy's rules.
set -eu
case \${1:-up} in
up)
  nft -f - <<'rules'
${nodeRules(settings)}rules
  # Connections to Services find a route here; the proxy's rules then turn them to Pods.
  ip route replace ${serviceRange} dev lo src ${nodeAddress}
  # Pods that no bridge leads to are nowhere, and say so at once.
  ip route replace unreachable ${podRange}
  modprobe -q br_netfilter 2>/dev/null || true
${kernelSettings.map(([path, value]) => `  [ ! -e /proc/sys/${path} ] || [ "$(cat /proc/sys/${path})" = ${value} ] || echo ${value} >/proc/sys/${path}`).join("\n")}
  ;;
down)
  ip route del ${serviceRange} dev lo 2>/dev/null || true
  ip route del unreachable ${podRange} 2>/dev/null || true
  ip link del ${bridge} 2>/dev/null || true
  nft delete table ip ${table} 2>/dev/null || true
  ;;
esac
`;
}

/** The standard CNI plugins: a bridge, addresses of this node's range, and host ports. */
export function networkConfig({ nodePodRange }: ClusterSettings): string {
  const config = {
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
        ipam: { type: "host-local", ranges: [[{ subnet: nodePodRange }]] },
      },
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  };
  return `${JSON.stringify(config, undefined, 2)}\n`;
}

/** Writes the script and runs it: before anything else gets a cluster address. */
export async function secureNetwork(world: World, settings: ClusterSettings): Promise<void> {
  await writeIfChanged(world, networkScriptPath, networkScript(settings), 0o755);
  const { code, stderr } = await world.processes.run("/bin/sh", [networkScriptPath, "up"], { timeoutMilliseconds: 30_000 });
  if (code !== 0)
    throw new BootstrapError(
      `the routes and rules that keep cluster addresses on this machine cannot be set: ${stderr.trim()}`,
      "The kernel needs nf_tables, and the programs ip and nft (packages iproute2 and nftables).",
    );
}

export async function writeNetworkConfig(world: World, settings: ClusterSettings): Promise<boolean> {
  return writeIfChanged(world, networkConfigPath, networkConfig(settings));
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
