// NetworkPolicies, as what the Pods of this machine may send and receive. Pure.
//
// A Pod that no policy selects for a direction may have every connection in it. One that some select may have those that one of them allows.
import type { Namespace } from "#api/core/namespace/namespace.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import { isTerminal } from "#api/core/pod/readiness.ts";
import { isSidecar } from "#api/core/pod/resources.ts";
import { selects } from "#api/meta/selects.ts";
import type { IPBlock, NetworkPolicy, NetworkPolicyPeer, NetworkPolicyPort } from "#api/networking.k8s.io/network-policy/network-policy.ts";

export type Direction = "ingress" | "egress";
export type Protocol = "tcp" | "udp" | "sctp";

/** Who is at the other end: everybody, a range of addresses, or Pods, by a set that several rules may share. */
export type Peer = "everybody" | { readonly block: IPBlock } | { readonly pods: PodSet };

export interface PodSet {
  /** The same for all peers that are described the same way. */
  readonly key: string;
  readonly ips: readonly string[];
}

/** Ports by number, or, named ones, the very Pods and ports that have the name. */
export type Ports =
  | { readonly protocol: Protocol; readonly first: number; readonly last: number }
  | { readonly protocol: Protocol; readonly sockets: readonly { readonly ip: string; readonly port: number }[] };

/** What one rule of a policy allows. No ports stands for all of them. */
export interface Allowance {
  readonly peers: readonly Peer[];
  readonly ports: readonly Ports[] | undefined;
}

/** A policy in one direction. */
export interface PolicyPart {
  /** "namespace/name". */
  readonly name: string;
  readonly direction: Direction;
  readonly allowances: readonly Allowance[];
}

/** A Pod of this machine that is isolated. */
export interface IsolatedPod {
  /** "namespace/name". */
  readonly name: string;
  readonly ips: readonly string[];
  /** Which policies allow it something, in each direction in which it is isolated. */
  readonly ingress: readonly PolicyPart[] | undefined;
  readonly egress: readonly PolicyPart[] | undefined;
}

export interface Observed {
  readonly policies: readonly NetworkPolicy[];
  readonly pods: readonly Pod[];
  readonly namespaces: readonly Namespace[];
  readonly node: string;
}

export function isolatedPods({ policies, pods, namespaces, node }: Observed): readonly IsolatedPod[] {
  const reachable = pods.filter((pod) => !pod.spec.hostNetwork && !isTerminal(pod) && ipsOf(pod).length > 0);
  const cluster = clusterOf(reachable, namespaces);
  const here = reachable.filter(({ spec }) => spec.nodeName === node);
  const found = new Map<Pod, { ingress: PolicyPart[] | undefined; egress: PolicyPart[] | undefined }>();
  for (const policy of [...policies].sort(byName)) {
    const { namespace } = policy.metadata;
    const selected = here.filter(({ metadata }) => metadata.namespace === namespace && selects(policy.spec.podSelector, metadata.labels));
    if (selected.length === 0) continue;
    for (const direction of directionsOf(policy)) {
      const part = partOf(policy, direction, selected, cluster);
      for (const pod of selected) {
        const known = found.get(pod) ?? { ingress: undefined, egress: undefined };
        known[direction] = [...(known[direction] ?? []), part];
        found.set(pod, known);
      }
    }
  }
  return [...found].map(([pod, parts]) => ({ name: `${pod.metadata.namespace}/${pod.metadata.name}`, ips: ipsOf(pod), ...parts }));
}

function directionsOf({ spec }: NetworkPolicy): readonly Direction[] {
  const types = spec.policyTypes ?? [];
  return (["ingress", "egress"] as const).filter((direction) => types.includes(direction === "ingress" ? "Ingress" : "Egress"));
}

function partOf(policy: NetworkPolicy, direction: Direction, selected: readonly Pod[], cluster: Cluster): PolicyPart {
  const { namespace = "", name } = policy.metadata;
  const rules =
    direction === "ingress"
      ? (policy.spec.ingress ?? []).map(({ from = [], ports = [] }) => ({ peers: from, ports }))
      : (policy.spec.egress ?? []).map(({ to = [], ports = [] }) => ({ peers: to, ports }));
  return {
    name: `${namespace}/${name}`,
    direction,
    allowances: rules.map(({ peers, ports }) => {
      const podsThere = direction === "ingress" ? selected : cluster.podsOf(namespace, peers);
      return {
        peers: peers.length === 0 ? ["everybody"] : peers.map((peer) => peerOf(namespace, peer, cluster)),
        ports: ports.length === 0 ? undefined : ports.map((port) => portsOf(port, podsThere)),
      };
    }),
  };
}

interface Cluster {
  /** Pods that peers of a policy in this namespace stand for; no peers stand for all of them. */
  podsOf(namespace: string, peers: readonly NetworkPolicyPeer[]): readonly Pod[];
}

function clusterOf(pods: readonly Pod[], namespaces: readonly Namespace[]): Cluster {
  const labelsOf = new Map(namespaces.map(({ metadata }) => [metadata.name, metadata.labels]));
  const known = new Map<string, readonly Pod[]>();
  const matching = (namespace: string, peer: NetworkPolicyPeer): readonly Pod[] => {
    if (peer.ipBlock) return [];
    const key = keyOf(namespace, peer);
    const before = known.get(key);
    if (before) return before;
    const { podSelector = {}, namespaceSelector } = peer;
    const inNamespace = ({ metadata }: Pod) =>
      namespaceSelector
        ? labelsOf.has(metadata.namespace ?? "") && selects(namespaceSelector, labelsOf.get(metadata.namespace ?? ""))
        : metadata.namespace === namespace;
    const found = pods.filter((pod) => inNamespace(pod) && selects(podSelector, pod.metadata.labels));
    known.set(key, found);
    return found;
  };
  return {
    podsOf: (namespace, peers) => (peers.length === 0 ? pods : [...new Set(peers.flatMap((peer) => matching(namespace, peer)))]),
  };
}

/** Namespaces are said where they are not the policy's own to say. */
function keyOf(namespace: string, { podSelector, namespaceSelector }: NetworkPolicyPeer): string {
  return JSON.stringify([namespaceSelector ?? namespace, podSelector ?? {}]);
}

function peerOf(namespace: string, peer: NetworkPolicyPeer, cluster: Cluster): Peer {
  if (peer.ipBlock) return { block: peer.ipBlock };
  return { pods: { key: keyOf(namespace, peer), ips: cluster.podsOf(namespace, [peer]).flatMap(ipsOf) } };
}

function portsOf({ protocol: spelled = "TCP", port, endPort }: NetworkPolicyPort, pods: readonly Pod[]): Ports {
  const protocol = spelled.toLowerCase() as Protocol;
  if (port === undefined) return { protocol, first: 0, last: 65_535 };
  if (typeof port === "number") return { protocol, first: port, last: endPort ?? port };
  const sockets = pods.flatMap((pod) => {
    const numbers = namedPorts(pod, port, spelled);
    return ipsOf(pod).flatMap((ip) => numbers.map((number) => ({ ip, port: number })));
  });
  return { protocol, sockets };
}

function namedPorts({ spec }: Pod, wanted: string, protocol: string): readonly number[] {
  return [...spec.containers, ...(spec.initContainers ?? []).filter(isSidecar)]
    .flatMap(({ ports = [] }) => ports)
    .filter(({ name, protocol: its = "TCP" }) => name === wanted && its === protocol)
    .map(({ containerPort }) => containerPort);
}

function ipsOf({ status }: Pod): readonly string[] {
  const ips = (status.podIPs ?? []).flatMap(({ ip }) => (ip ? [ip] : []));
  return ips.length > 0 ? ips : status.podIP ? [status.podIP] : [];
}

function byName(left: NetworkPolicy, right: NetworkPolicy): number {
  const [a, b] = [left, right].map(({ metadata }) => `${metadata.namespace}/${metadata.name}`) as [string, string];
  return a < b ? -1 : a > b ? 1 : 0;
}
