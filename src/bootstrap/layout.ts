// Where a node's things are, and what a cluster is told apart by. Everything that `up` makes is found from here, by `down` as well.
import { addressText, type Family, familyOf, type IpRange, rangeText, readRange } from "#base/ip.ts";

export const installFolder = "/usr/lib/keelson";
export const nodeProgram = `${installFolder}/node`;
export const entryProgram = `${installFolder}/keelson.js`;
export const kubeletProgram = "/usr/bin/kubelet";
export const dataFolder = "/var/lib/keelson";
export const storeFolder = `${dataFolder}/store`;
export const imagesFolder = `${dataFolder}/images`;
export const etcdProgram = "/usr/bin/etcd";
export const etcdFolder = "/var/lib/etcd";
export const recordPath = `${dataFolder}/up.json`;
export const kubernetesFolder = "/etc/kubernetes";
export const pkiFolder = `${kubernetesFolder}/pki`;
export const etcdPkiFolder = `${pkiFolder}/etcd`;
export const manifestsFolder = `${kubernetesFolder}/manifests`;
export const kubeletFolder = "/var/lib/kubelet";
export const kubeletConfigPath = `${kubeletFolder}/config.yaml`;
export const unitFolder = "/etc/systemd/system";
export const systemUnitFolder = "/lib/systemd/system";
export const targetName = "keelson.target";
export const containerdConfigPath = "/etc/containerd/config.toml";
export const containerdSocket = "/run/containerd/containerd.sock";
export const registryHostsFolder = "/etc/containerd/certs.d";
export const networkConfigPath = "/etc/cni/net.d/10-keelson.conflist";
/** Settings of the built-in Pod network, for the kubelet. */
export const podNetworkPath = `${dataFolder}/pod-network.json`;
/** Written by the kubelet: the ways to other nodes' Pods. */
export const podRoutesPath = `${dataFolder}/pod-routes.sh`;
/** Starts what keeps the node running, where systemd does not. */
export const bootScriptPath = `${installFolder}/boot`;
export const networkScriptPath = `${installFolder}/pod-network.sh`;
export const bridge = "cni0";
export const bootstrapKubeconfigPath = `${kubernetesFolder}/bootstrap-kubelet.conf`;
export const kubeletKubeconfigPath = `${kubernetesFolder}/kubelet.conf`;

export const apiPort = 6443;
export const kubeletPort = 10_250;
/** Where the kubelet's process serves the images that came with the installation, on 127.0.0.1. */
export const imageRegistryPort = 10_247;

/** Written into every file that `up` makes and could meet again; a file without it is somebody else's. */
export const ourMark = "Made by keelson up";

/** What a machine has to know of the cluster and itself to be a node. */
export interface NodeSettings {
  readonly nodeName: string;
  /** Where this node is reached by others: "192.168.51.10". */
  readonly nodeAddress: string;
  /** Its address of the other family, where Pods have addresses of both: "fd00:51::10". */
  readonly secondaryAddress?: string;
  /** "10.244.0.0/16", or a range of each family, the cluster's first one first: "10.244.0.0/16,fd00:42::/56". */
  readonly podRange: string;
  /** "10.96.0.0/12", or likewise "10.96.0.0/12,fd00:43::/112". */
  readonly serviceRange: string;
  /** "cluster.local". */
  readonly domain: string;
}

/** The same for the node that has the control plane. */
export interface ClusterSettings extends NodeSettings {
  /** This node's share of the Pods' range, or of each of them: "10.244.0.0/24". */
  readonly nodePodRange: string;
  /** Where the cluster is kept: in the API server's process, or in an etcd on this node. */
  readonly store: "disk" | "etcd";
}

/** A mistake of whoever called, or a machine that cannot be a node: what, and what to do about it. */
export class BootstrapError extends Error {
  override readonly name = "BootstrapError";
  readonly advice: string | undefined;
  constructor(message: string, advice?: string) {
    super(message);
    this.advice = advice;
  }
}

/** The ranges of one that may be of both families. */
export function rangesIn(text: string): readonly string[] {
  return text.split(",");
}

/** The families that Pods have addresses of, the cluster's first one first. */
export function familiesOf({ podRange }: Pick<NodeSettings, "podRange">): readonly Family[] {
  return rangesIn(podRange).map(familyOf);
}

/** The node's addresses, the primary one first. */
export function addressesOf({ nodeAddress, secondaryAddress }: NodeSettings): readonly string[] {
  return secondaryAddress === undefined ? [nodeAddress] : [nodeAddress, secondaryAddress];
}

/** An address as it stands in URLs and before ports. */
export function bracketed(address: string): string {
  return familyOf(address) === "IPv6" ? `[${address}]` : address;
}

/** The API server's address within the cluster: the first of the Service range. */
export function kubernetesServiceAddress({ serviceRange }: NodeSettings): string {
  return addressAt(rangesIn(serviceRange)[0] as string, 1);
}

/** The name server's: the tenth. */
export function dnsServiceAddress({ serviceRange }: Pick<NodeSettings, "serviceRange">): string {
  return addressAt(rangesIn(serviceRange)[0] as string, 10);
}

/** The ranges in the form that is always the same, however they were written. Throws BootstrapError. */
export function canonicalRanges(text: string): string {
  return checkedRanges(text).map(rangeText).join(",");
}

/** How many bits the part of the Pod range has that one node has for itself. */
const nodePrefix: Readonly<Record<Family, number>> = { IPv4: 24, IPv6: 64 };

/** The first part of each Pod range. */
export function firstNodeRange(podRange: string): string {
  return checkedRanges(podRange)
    .map((range) => rangeText({ ...range, prefix: Math.max(nodePrefix[range.family], range.prefix) }))
    .join(",");
}

export function addressAt(range: string, position: number): string {
  const [{ family, first }] = checkedRanges(range);
  return addressText(family, first + BigInt(position));
}

/** One range, or one of each family. Throws BootstrapError for what is none. */
export function checkedRanges(text: string): readonly [IpRange, ...IpRange[]] {
  const ranges = rangesIn(text).map((untrimmed) => {
    const part = untrimmed.trim();
    const range = readRange(part);
    if (!range || (range.family === "IPv4" && (range.prefix < 8 || range.prefix > 29)))
      throw new BootstrapError(
        `${JSON.stringify(part)} is not a range of ${part.includes(":") ? "IPv6" : "IPv4"} addresses`,
        part.includes(":")
          ? "Write it like fd00:42::/56: the first address of the range, and its prefix."
          : "Write it like 10.244.0.0/16: the first address of the range, and a prefix of 8 to 29 bits.",
      );
    return range;
  });
  const [one, other, ...more] = ranges as [IpRange, IpRange?, ...IpRange[]];
  if (more.length > 0 || one.family === other?.family)
    throw new BootstrapError(
      `${JSON.stringify(text)} has more than one range of a family`,
      "A cluster has one range of IPv4 addresses, or one of each family: 10.244.0.0/16,fd00:42::/56.",
    );
  return other ? [one, other] : [one];
}
