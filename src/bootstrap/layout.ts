// Where a node's things are, and what a cluster is told apart by. Everything that `up` makes is found from here, by `down` as well.

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
  /** "10.244.0.0/16". */
  readonly podRange: string;
  /** "10.96.0.0/12". */
  readonly serviceRange: string;
  /** "cluster.local". */
  readonly domain: string;
}

/** The same for the node that has the control plane. */
export interface ClusterSettings extends NodeSettings {
  /** This node's share of the Pods' range: "10.244.0.0/24". */
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

/** The API server's address within the cluster: the first of the Service range. */
export function kubernetesServiceAddress({ serviceRange }: NodeSettings): string {
  return addressAt(serviceRange, 1);
}

/** The name server's: the tenth. */
export function dnsServiceAddress({ serviceRange }: Pick<NodeSettings, "serviceRange">): string {
  return addressAt(serviceRange, 10);
}

/** The first /24 of the Pod range: one node has it for itself. */
export function firstNodeRange(podRange: string): string {
  const { address, prefix } = readRange(podRange);
  return `${written(address)}/${Math.max(24, prefix)}`;
}

export function addressAt(range: string, position: number): string {
  return written(readRange(range).address + position);
}

export function contains(range: string, address: string): boolean {
  const { address: first, prefix } = readRange(range);
  const value = readAddress(address);
  return value !== undefined && value >= first && value < first + 2 ** (32 - prefix);
}

export function overlaps(left: string, right: string): boolean {
  return contains(left, right.split("/")[0] as string) || contains(right, left.split("/")[0] as string);
}

/** Throws BootstrapError for what is no IPv4 range. */
export function readRange(range: string): { readonly address: number; readonly prefix: number } {
  const [text = "", length = ""] = range.split("/");
  const address = readAddress(text);
  const prefix = /^\d{1,2}$/.test(length) ? Number(length) : Number.NaN;
  if (address === undefined || !(prefix >= 8 && prefix <= 29) || address % 2 ** (32 - prefix) !== 0)
    throw new BootstrapError(
      `${JSON.stringify(range)} is not a range of IPv4 addresses`,
      "Write it like 10.244.0.0/16: the first address of the range, and a prefix of 8 to 29 bits.",
    );
  return { address, prefix };
}

export function readAddress(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

function written(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}
