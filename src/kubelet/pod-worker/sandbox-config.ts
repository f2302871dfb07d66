// The sandbox of a Pod, as the runtime is told to make it.
import type { Pod } from "#api/core/pod/pod.ts";
import type { NamespaceMode, Namespaces, PortMapping, SandboxConfig, SecurityProfile } from "#cri/runtime.ts";
import type { KubeletOptions } from "../kubelet.ts";
import { allContainers, labels, namespaceOf, podLogFolder } from "../layout.ts";

export interface Resolver {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

const hostnameMax = 63;

export function sandboxConfig(
  pod: Pod,
  attempt: number,
  { options, resolver, cgroupParent }: { readonly options: KubeletOptions; readonly resolver: Resolver; readonly cgroupParent: string },
): SandboxConfig {
  const { metadata, spec } = pod;
  const security = spec.securityContext ?? {};
  const seccomp = profileOf(security.seccompProfile);
  const privileged = allContainers(pod).some((container) => container.securityContext?.privileged === true);
  return {
    metadata: { name: metadata.name, namespace: namespaceOf(pod), uid: metadata.uid, attempt },
    hostname: spec.hostNetwork ? "" : hostnameOf(pod, options),
    logFolder: podLogFolder(options.podLogsFolder, pod),
    dns: dnsOf(pod, options, resolver),
    ports: portMappings(pod),
    labels: {
      ...metadata.labels,
      [labels.podName]: metadata.name,
      [labels.podNamespace]: namespaceOf(pod),
      [labels.podUid]: metadata.uid,
    },
    annotations: withoutLastApplied(metadata.annotations ?? {}),
    cgroupParent,
    sysctls: Object.fromEntries((security.sysctls ?? []).map(({ name, value }) => [name.replaceAll("/", "."), value])),
    namespaces: namespacesOf(pod),
    ...(security.runAsUser !== undefined && { runAsUser: Number(security.runAsUser) }),
    ...(security.runAsGroup !== undefined && { runAsGroup: Number(security.runAsGroup) }),
    supplementalGroups: groupsOf(pod),
    privileged,
    ...(seccomp && { seccomp }),
  };
}

export function namespacesOf({ spec }: Pod): Namespaces {
  const mode = (host: boolean | undefined, other: NamespaceMode): NamespaceMode => (host ? "node" : other);
  return {
    network: mode(spec.hostNetwork, "pod"),
    pid: mode(spec.hostPID, spec.shareProcessNamespace ? "pod" : "container"),
    ipc: mode(spec.hostIPC, "pod"),
  };
}

export function groupsOf({ spec }: Pod): readonly number[] {
  const { fsGroup, supplementalGroups = [] } = spec.securityContext ?? {};
  return [...(fsGroup === undefined ? [] : [Number(fsGroup)]), ...supplementalGroups.map(Number)];
}

export function profileOf(
  profile: { readonly type: string; readonly localhostProfile?: string | undefined } | undefined,
): SecurityProfile | undefined {
  switch (profile?.type) {
    case "RuntimeDefault":
      return { type: "runtime-default" };
    case "Unconfined":
      return { type: "unconfined" };
    case "Localhost":
      return { type: "localhost", path: `/var/lib/kubelet/seccomp/${profile.localhostProfile ?? ""}` };
    default:
      return undefined;
  }
}

export function hostnameOf({ metadata, spec }: Pod, options: Pick<KubeletOptions, "clusterDomain">): string {
  if (spec.hostnameOverride) return spec.hostnameOverride;
  const name = (spec.hostname || metadata.name).slice(0, hostnameMax).replace(/[-.]+$/, "");
  const full = domainOf({ metadata, spec }, options);
  return spec.setHostnameAsFQDN && full ? `${name}.${full}` : name;
}

/** "sub.namespace.svc.cluster.local" for Pods with a subdomain. */
export function domainOf(
  { metadata, spec }: Pick<Pod, "metadata" | "spec">,
  { clusterDomain }: Pick<KubeletOptions, "clusterDomain">,
): string {
  return spec.subdomain ? `${spec.subdomain}.${metadata.namespace ?? "default"}.svc.${clusterDomain}` : "";
}

/** What the Pod's resolv.conf says. */
export function dnsOf(
  pod: Pod,
  { clusterDns, clusterDomain }: Pick<KubeletOptions, "clusterDns" | "clusterDomain">,
  node: Resolver,
): Resolver {
  const { spec } = pod;
  const usesCluster =
    clusterDns.length > 0 && (spec.dnsPolicy === "ClusterFirstWithHostNet" || (spec.dnsPolicy === "ClusterFirst" && !spec.hostNetwork));
  const domains = clusterDomain ? [`${namespaceOf(pod)}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain] : [];
  const base: Resolver =
    spec.dnsPolicy === "None"
      ? { servers: [], searches: [], options: [] }
      : usesCluster
        ? { servers: clusterDns, searches: [...domains, ...node.searches], options: ["ndots:5"] }
        : node;
  const { nameservers = [], searches = [], options = [] } = spec.dnsConfig ?? {};
  const named = new Map(base.options.map((option) => [option.split(":")[0] as string, option]));
  for (const { name = "", value } of options) named.set(name, value === undefined ? name : `${name}:${value}`);
  return {
    servers: unique([...base.servers, ...nameservers]).slice(0, 3),
    searches: unique([...base.searches, ...searches]).slice(0, 32),
    options: [...named.values()],
  };
}

/** Reads resolv.conf. */
export function readResolver(text: string): Resolver {
  const servers: string[] = [];
  let searches: string[] = [];
  let options: string[] = [];
  for (const line of text.split("\n")) {
    const [word, ...rest] = line.trim().split(/\s+/);
    if (word === "nameserver" && rest[0]) servers.push(rest[0]);
    if (word === "search") searches = rest.filter((domain) => domain !== ".");
    if (word === "options") options = [...options, ...rest];
  }
  return { servers, searches, options };
}

function portMappings(pod: Pod): readonly PortMapping[] {
  if (pod.spec.hostNetwork) return [];
  return allContainers(pod)
    .flatMap(({ ports = [] }) => ports)
    .filter(({ hostPort }) => hostPort)
    .map(({ containerPort, hostPort = 0, protocol, hostIP = "" }) => ({ containerPort, hostPort, protocol, hostIP }));
}

function withoutLastApplied(all: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const { "kubectl.kubernetes.io/last-applied-configuration": _, ...rest } = all;
  return rest;
}

function unique(list: readonly string[]): readonly string[] {
  return [...new Set(list)];
}
