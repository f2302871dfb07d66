// Whether this machine can be a node, asked before anything is changed: each no says why and what to do.
import type { World } from "#platform/world.ts";
import { contains, type Family, overlap, rangeText, readAddress } from "#base/ip.ts";
import {
  addressesOf,
  apiPort,
  BootstrapError,
  checkedRanges,
  installFolder,
  kubeletConfigPath,
  kubeletPort,
  kubernetesFolder,
  manifestsFolder,
  type NodeSettings,
  pkiFolder,
} from "./layout.ts";
import { refuseForeignKubelet } from "./unit-files.ts";

const neededBytes = 1_500_000_000;
/** What our own daemons listen at. */
const ports = [
  { port: apiPort, owner: "the API server", onEveryNode: false },
  { port: kubeletPort, owner: "the kubelet", onEveryNode: true },
  { port: 10_248, owner: "the kubelet's health", onEveryNode: true },
  { port: 10_256, owner: "the proxy's health", onEveryNode: true },
  { port: 10_257, owner: "the controller manager", onEveryNode: false },
  { port: 10_259, owner: "the scheduler", onEveryNode: false },
];

export function checkRoot(world: World): void {
  const { platform, uid } = world.processes.self;
  if (platform !== "linux")
    throw new BootstrapError(
      `a node needs Linux, and this is ${platform}`,
      "keelson dev runs a whole control plane with simulated nodes on any system.",
    );
  if (uid !== 0) throw new BootstrapError("a node is made by root", "Run it again with sudo. keelson dev needs no root.");
}

/** Bits of a range's prefix, from the largest range to the smallest. Of IPv6, each node has 64 bits of the Pods' range for itself. */
const ipv6Prefixes = { "--pod-network-cidr": [48, 64], "--service-cidr": [108, 124] } as const;

export function checkSettings(settings: NodeSettings): void {
  const { podRange, serviceRange, nodeName, domain } = settings;
  const pods = checkedRanges(podRange);
  const services = checkedRanges(serviceRange);
  const inOrder = (all: readonly { readonly family: Family }[]) => all.map(({ family }) => family).join(" and ");
  if (inOrder(pods) !== inOrder(services))
    throw new BootstrapError(
      `--pod-network-cidr ${podRange} is of ${inOrder(pods)}, and --service-cidr ${serviceRange} of ${inOrder(services)}`,
      "Pods and Services have addresses of the same families: give both ranges of each, in the same order.",
    );
  const addresses = addressesOf(settings).map((text) => {
    const address = readAddress(text);
    if (address) return { ...address, text };
    throw new BootstrapError(`--node-ip ${JSON.stringify(text)} is not an IP address`);
  });
  if (inOrder(addresses) !== inOrder(pods))
    throw new BootstrapError(
      `--node-ip ${addressesOf(settings).join(",")} is of ${inOrder(addresses)}, and Pods have addresses of ${inOrder(pods)}`,
      "A node has an address of each family that its Pods have, in the same order.",
    );
  for (const [flag, ranges] of [
    ["--pod-network-cidr", pods],
    ["--service-cidr", services],
  ] as const)
    for (const range of ranges) {
      const text = rangeText(range);
      const inside = addresses.find((address) => contains(range, address));
      if (inside)
        throw new BootstrapError(
          `this machine's address ${inside.text} lies in ${text}, which the cluster wants for itself`,
          "Choose other ranges with --pod-network-cidr and --service-cidr.",
        );
      const [largest, smallest] = ipv6Prefixes[flag];
      if (range.family === "IPv6" && (range.prefix < largest || range.prefix > smallest))
        throw new BootstrapError(
          `${flag} ${text} is too ${range.prefix < largest ? "large" : "small"}`,
          `A range of IPv6 addresses has a prefix of ${largest} to ${smallest} bits here.`,
        );
    }
  if (services.some(({ family, prefix }) => family === "IPv4" && prefix > 28))
    throw new BootstrapError(`--service-cidr ${serviceRange} is too small`, "It needs at least 16 addresses: a prefix of 28 or less.");
  for (const one of pods)
    for (const other of services)
      if (overlap(one, other))
        throw new BootstrapError(
          `the ranges of Pods ${rangeText(one)} and of Services ${rangeText(other)} overlap`,
          "Choose others with --pod-network-cidr and --service-cidr.",
        );
  const label = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
  if (nodeName.length > 253 || !new RegExp(`^${label}(\\.${label})*$`).test(nodeName))
    throw new BootstrapError(
      `${JSON.stringify(nodeName)} cannot be a Node's name`,
      "Lower-case letters, digits, dashes and dots; give one with --node-name.",
    );
  if (domain.length > 200 || !new RegExp(`^${label}(\\.${label})*$`).test(domain))
    throw new BootstrapError(
      `${JSON.stringify(domain)} cannot be the cluster's domain`,
      "It looks like cluster.local; give one with --cluster-dns-domain.",
    );
}

/** `isUp`: our own daemons hold the ports already. */
export async function checkMachine(world: World, { isUp, hasControlPlane }: { isUp: boolean; hasControlPlane: boolean }): Promise<void> {
  await refuseForeignKubelet(world);
  if (!isUp) await refuseForeignCluster(world);
  await checkSpace(world);
  await checkKernel(world);
  if (!isUp) await checkPorts(world, hasControlPlane);
}

/** What `up` writes and `down` removes must not be another cluster's. */
async function refuseForeignCluster(world: World): Promise<void> {
  for (const path of [`${pkiFolder}/ca.crt`, manifestsFolder, `${kubernetesFolder}/kubelet.conf`, kubeletConfigPath]) {
    const info = await world.files.stat(path);
    if (!info || (info.kind === "folder" && (await world.files.list(path)).length === 0)) continue;
    throw new BootstrapError(
      `${path} is there already: this machine belongs to another cluster, or did`,
      "If it is not needed any more, remove it with whatever made it (kubeadm reset), or move it away, and run keelson up again.",
    );
  }
}

async function checkSpace(world: World): Promise<void> {
  if (await world.files.stat(`${installFolder}/keelson.js`)) return;
  for (const folder of ["/var/lib", "/usr/lib"]) {
    const { free, inodes, inodesFree } = await world.files.space(folder);
    if (free < neededBytes)
      throw new BootstrapError(
        `the disk that holds ${folder} is full: ${Math.floor(free / 1e6)} MB are free, ${neededBytes / 1e6} MB are needed`,
        "Free some space and run it again.",
      );
    if (inodes > 0 && inodesFree < 20_000)
      throw new BootstrapError(
        `the file system that holds ${folder} has only ${inodesFree} inodes left`,
        "Remove some files and run it again.",
      );
  }
}

async function checkKernel(world: World): Promise<void> {
  const { processes, files } = world;
  await processes.run("sh", ["-c", "for module in overlay br_netfilter nf_tables; do modprobe -q $module; done 2>/dev/null; true"]);
  const fileSystems = await files.readText("/proc/filesystems").catch(() => "");
  if (!/\boverlay$/m.test(fileSystems))
    throw new BootstrapError("the kernel has no overlay file system, in which containers have their files", "It needs CONFIG_OVERLAY_FS.");
  const mounts = await files.readText("/proc/self/mounts").catch(() => "");
  if (!/^\S+ \/sys\/fs\/cgroup\S* cgroup2? /m.test(mounts))
    throw new BootstrapError(
      "no cgroups are mounted at /sys/fs/cgroup, by which containers are limited",
      "Where this is a container itself, it has to be given them.",
    );
}

async function checkPorts(world: World, hasControlPlane: boolean): Promise<void> {
  const taken = listening(await Promise.all(["/proc/net/tcp", "/proc/net/tcp6"].map((path) => world.files.readText(path).catch(() => ""))));
  for (const { port, owner, onEveryNode } of ports)
    if ((hasControlPlane || onEveryNode) && taken.has(port))
      throw new BootstrapError(
        `port ${port} is taken, and ${owner} needs it`,
        `Find out by whom with: ss -ltnp 'sport = :${port}'. Is another cluster running on this machine?`,
      );
}

/** Ports that something listens at, from /proc/net/tcp. */
export function listening(tables: readonly string[]): ReadonlySet<number> {
  const listenState = "0A";
  return new Set(
    tables.flatMap((table) =>
      table.split("\n").flatMap((line) => {
        const [, local = "", , state] = line.trim().split(/\s+/);
        return state === listenState ? [Number.parseInt(local.split(":")[1] ?? "", 16)] : [];
      }),
    ),
  );
}
