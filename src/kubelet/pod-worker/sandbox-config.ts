// The sandbox of a Pod, as the runtime is told to make it.
import type { Node } from "#api/core/node/node.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import { podLimits, podRequests, type ResourceList } from "#api/core/pod/resources.ts";
import type { PodSecurityContext, SecurityContext } from "#api/core/pod/security.ts";
import type {
  IdMapping,
  LinuxResources,
  NamespaceMode,
  Namespaces,
  PortMapping,
  SandboxConfig,
  SecurityProfile,
  SeLinuxLabel,
} from "#cri/runtime.ts";
import type { KubeletOptions } from "../kubelet.ts";
import { allContainers, fullName, labels, namespaceOf, podLogFolder } from "../layout.ts";
import { featuresOf } from "../runtime-classes.ts";
import { sysctlName } from "../sysctls.ts";
import { amountsOf } from "./resources.ts";

export interface Resolver {
  readonly servers: readonly string[];
  readonly searches: readonly string[];
  readonly options: readonly string[];
}

/** A host name, and one with its domain. */
const hostnameMax = 63;
const fullNameMax = 64;
const serversMax = 3;
const searchesMax = 32;
const searchCharactersMax = 2048;
/** What resolves nothing. */
const noResolver: Resolver = { servers: ["127.0.0.1"], searches: ["."], options: [] };

/** The sandbox cannot be made as its Pod says. */
export class SandboxConfigError extends Error {
  override readonly name = "SandboxConfigError";
}

export function sandboxConfig(
  pod: Pod,
  attempt: number,
  {
    options,
    resolver,
    cgroupParent,
    users,
  }: {
    readonly options: KubeletOptions;
    readonly resolver: Resolver;
    readonly cgroupParent: string;
    readonly users?: readonly IdMapping[] | undefined;
  },
): SandboxConfig {
  const { metadata, spec } = pod;
  const security = spec.securityContext ?? {};
  const { seLinuxOptions } = security;
  const privileged = allContainers(pod).some((container) => container.securityContext?.privileged === true);
  return {
    metadata: { name: metadata.name, namespace: namespaceOf(pod), uid: metadata.uid, attempt },
    hostname: spec.hostNetwork ? "" : hostnameOf(pod, options),
    logFolder: podLogFolder(options.podLogsFolder, pod),
    dns: dnsOf(pod, options, resolver).resolver,
    ports: portMappings(pod),
    labels: {
      ...metadata.labels,
      [labels.podName]: metadata.name,
      [labels.podNamespace]: namespaceOf(pod),
      [labels.podUid]: metadata.uid,
    },
    annotations: withoutLastApplied(metadata.annotations ?? {}),
    cgroupParent,
    sysctls: Object.fromEntries((security.sysctls ?? []).map(({ name, value }) => [sysctlName(name), value])),
    namespaces: namespacesOf(pod, users),
    ...(security.runAsUser !== undefined && { runAsUser: Number(security.runAsUser) }),
    ...(security.runAsGroup !== undefined && { runAsGroup: Number(security.runAsGroup) }),
    supplementalGroups: groupsOf(pod),
    ...(security.supplementalGroupsPolicy === "Strict" && { onlySupplementalGroups: true }),
    privileged,
    // Whatever the containers get: the sandbox's own process needs no more.
    seccomp: { type: "runtime-default" },
    ...(seLinuxOptions && { seLinux: seLinuxLabel(seLinuxOptions) }),
    overhead: amounts(spec.overhead ?? {}, spec.overhead ?? {}),
    resources: amounts(podRequests({ spec: { ...spec, overhead: undefined } }), podLimits({ spec: { ...spec, overhead: undefined } })),
  };
}

export function namespacesOf({ spec }: Pod, users?: readonly IdMapping[]): Namespaces {
  const mode = (host: boolean | undefined, other: NamespaceMode): NamespaceMode => (host ? "node" : other);
  return {
    network: mode(spec.hostNetwork, "pod"),
    pid: mode(spec.hostPID, spec.shareProcessNamespace ? "pod" : "container"),
    ipc: mode(spec.hostIPC, "pod"),
    ...(users && { users }),
  };
}

export function checkUserNamespaces(pod: Pod, handler: string, node: Node | undefined): void {
  if (pod.spec.hostUsers !== false || featuresOf(node, handler)?.userNamespaces) return;
  const what = handler === "" ? "runtime" : `RuntimeClass handler ${JSON.stringify(handler)}`;
  throw new SandboxConfigError(`can't set \`spec.hostUsers: false\`, ${what} does not support user namespaces`);
}

export function groupsOf({ spec }: Pod): readonly number[] {
  const { fsGroup, supplementalGroups = [] } = spec.securityContext ?? {};
  return [...(fsGroup === undefined ? [] : [Number(fsGroup)]), ...supplementalGroups.map(Number)];
}

type Profile = NonNullable<SecurityContext["seccompProfile"] | PodSecurityContext["appArmorProfile"]>;

/** Local profiles of the kind have this before their name: the folder that holds them, or nothing. */
export function profileOf(profile: Profile | undefined, prefix: string): SecurityProfile | undefined {
  switch (profile?.type) {
    case "RuntimeDefault":
      return { type: "runtime-default" };
    case "Unconfined":
      return { type: "unconfined" };
    case "Localhost":
      return { type: "localhost", path: `${prefix}${profile.localhostProfile ?? ""}` };
    default:
      return undefined;
  }
}

export function seLinuxLabel(of: NonNullable<SecurityContext["seLinuxOptions"]>): SeLinuxLabel {
  const { user = "", role = "", type = "", level = "" } = of;
  return { user, role, type, level };
}

/** For runtimes that size the sandbox itself by them. */
function amounts(requests: ResourceList, limits: ResourceList): LinuxResources {
  return amountsOf({ cpuRequest: requests["cpu"] ?? limits["cpu"], cpuLimit: limits["cpu"], memoryLimit: limits["memory"] });
}

export function hostnameOf({ metadata, spec }: Pod, options: Pick<KubeletOptions, "clusterDomain">): string {
  if (spec.hostnameOverride) return spec.hostnameOverride;
  const name = (spec.hostname || metadata.name).slice(0, hostnameMax).replace(/[-.]+$/, "");
  const domain = domainOf({ metadata, spec }, options);
  if (!spec.setHostnameAsFQDN || !domain) return name;
  const full = `${name}.${domain}`;
  if (full.length > fullNameMax) {
    throw new SandboxConfigError(
      `failed to construct FQDN from pod hostname and cluster domain, FQDN ${full} is too long (${fullNameMax} characters is the max, ${full.length} characters requested)`,
    );
  }
  return full;
}

/** "sub.namespace.svc.cluster.local" for Pods with a subdomain. */
export function domainOf(
  { metadata, spec }: Pick<Pod, "metadata" | "spec">,
  { clusterDomain }: Pick<KubeletOptions, "clusterDomain">,
): string {
  return spec.subdomain ? `${spec.subdomain}.${metadata.namespace ?? "default"}.svc.${clusterDomain}` : "";
}

/** What the Pod's resolv.conf says, and what had to be left out. */
export function dnsOf(
  pod: Pod,
  { clusterDns, clusterDomain }: Pick<KubeletOptions, "clusterDns" | "clusterDomain">,
  node: Resolver,
): { readonly resolver: Resolver; readonly warnings: readonly { readonly reason: string; readonly message: string }[] } {
  const { spec } = pod;
  const wantsCluster = spec.dnsPolicy === "ClusterFirstWithHostNet" || (spec.dnsPolicy === "ClusterFirst" && !spec.hostNetwork);
  const usesCluster = clusterDns.length > 0 && wantsCluster;
  const warnings: { reason: string; message: string }[] = [];
  if (wantsCluster && !usesCluster) {
    const why = `kubelet does not have ClusterDNS IP configured and cannot create Pod using "ClusterFirst" policy. Falling back to "Default" policy.`;
    warnings.push({ reason: "MissingClusterDNS", message: `pod: ${JSON.stringify(fullName(pod))}. ${why}` });
  }
  const domains = clusterDomain ? [`${namespaceOf(pod)}.svc.${clusterDomain}`, `svc.${clusterDomain}`, clusterDomain] : [];
  const base: Resolver =
    spec.dnsPolicy === "None"
      ? { servers: [], searches: [], options: [] }
      : usesCluster
        ? { servers: clusterDns, searches: [...domains, ...node.searches], options: ["ndots:5"] }
        : node.servers.length === 0 && node.searches.length === 0
          ? noResolver
          : node;
  const { nameservers = [], searches = [], options = [] } = spec.dnsConfig ?? {};
  const named = new Map(base.options.map((option) => [option.split(":")[0] as string, option]));
  for (const { name = "", value } of options) named.set(name, value === undefined ? name : `${name}:${value}`);
  const allServers = unique([...base.servers, ...nameservers]);
  const servers = allServers.slice(0, serversMax);
  const allSearches = unique([...base.searches, ...searches]);
  const fitting = searchesThatFit(allSearches);
  if (servers.length < allServers.length) {
    const message = `Nameserver limits were exceeded, some nameservers have been omitted, the applied nameserver line is: ${servers.join(" ")}`;
    warnings.push({ reason: "DNSConfigForming", message });
  }
  if (fitting.length < allSearches.length) {
    const message = `Search Line limits were exceeded, some search paths have been omitted, the applied search line is: ${fitting.join(" ")}`;
    warnings.push({ reason: "DNSConfigForming", message });
  }
  return { resolver: { servers, searches: fitting, options: [...named.values()] }, warnings };
}

/** As many domains and characters as resolvers read. */
function searchesThatFit(all: readonly string[]): readonly string[] {
  const fitting: string[] = [];
  let characters = 0;
  for (const domain of all.slice(0, searchesMax)) {
    characters += domain.length + (fitting.length > 0 ? 1 : 0);
    if (characters > searchCharactersMax) break;
    fitting.push(domain);
  }
  return fitting;
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
