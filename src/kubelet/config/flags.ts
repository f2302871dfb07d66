// The kubelet's flags. Those that name a field of the config file win over it.
import { daemonFlags } from "#component/daemon-flags.ts";
import { readAddress } from "#base/ip.ts";
import { type Flag, FlagError, type FlagValues } from "#component/flags.ts";
import type { Json, JsonObject } from "#schema/field.ts";

const configFile = "set it in the file given by --config";

export const kubeletFlags = [
  ...daemonFlags,
  { name: "config", type: "string", doc: "The KubeletConfiguration file." },
  { name: "config-dir", type: "string", doc: "A folder of *.conf files that are laid over the file given by --config." },
  { name: "kubeconfig", type: "string", doc: "Where the API server is and who we are. Without it only static Pods run." },
  { name: "bootstrap-kubeconfig", type: "string", doc: "With this one a certificate is asked for when --kubeconfig does not exist yet." },
  { name: "cert-dir", type: "string", default: "/var/lib/kubelet/pki", doc: "Folder of the certificates that are asked for." },
  { name: "root-dir", type: "string", default: "/var/lib/kubelet", doc: "Folder of the Pods' volumes and the kubelet's own files." },
  { name: "hostname-override", type: "string", doc: "The Node's name instead of the machine's." },
  {
    name: "node-ip",
    type: "string",
    doc: "The Node's address, or one of each family; by default that of the interface with the default route.",
  },
  { name: "node-labels", type: "list", default: [], doc: "Labels for the Node when it is registered: key=value,..." },
  { name: "pod-network-config", type: "string", doc: "Settings of the built-in Pod network; without them another makes it." },
  { name: "container-runtime-endpoint", type: "string", doc: "The runtime's socket: unix:///run/containerd/containerd.sock." },
  { name: "image-service-endpoint", type: "string", doc: "", ignored: "images come from the runtime's own endpoint" },
  { name: "container-runtime", type: "string", doc: "", ignored: "runtimes are reached through --container-runtime-endpoint" },
  { name: "pod-infra-container-image", type: "string", doc: "", ignored: "the runtime knows its sandbox image" },
  { name: "cloud-provider", type: "string", doc: '"external" has a cloud controller make the Node ready for use.' },
  { name: "cloud-config", type: "string", doc: "", ignored: "cloud providers are external" },
  { name: "exit-on-lock-contention", type: "boolean", doc: "", ignored: "no lock file is used" },
  { name: "lock-file", type: "string", doc: "", ignored: "no lock file is used" },
  { name: "runtime-cgroups", type: "string", doc: "", ignored: "the runtime's cgroup is its own business" },
  { name: "image-credential-provider-config", type: "string", doc: "", ignored: "credentials come from pull secrets" },
  { name: "image-credential-provider-bin-dir", type: "string", doc: "", ignored: "credentials come from pull secrets" },
  { name: "seccomp-default", type: "boolean", doc: "", ignored: "Pods say themselves" },
  { name: "address", type: "string", doc: "Address to serve at." },
  { name: "port", type: "integer", doc: "Port to serve at." },
  { name: "read-only-port", type: "integer", doc: "", ignored: "nothing is served without authentication" },
  { name: "healthz-port", type: "integer", doc: "Port of /healthz on the loopback address; 0 for none." },
  { name: "healthz-bind-address", type: "string", doc: "Address of /healthz." },
  { name: "pod-manifest-path", type: "string", doc: "Folder of static Pods' manifests." },
  { name: "register-node", type: "boolean", doc: "Whether to create the Node." },
  { name: "register-with-taints", type: "list", default: [], doc: "Taints for the Node when it is registered: key=value:effect,..." },
  { name: "provider-id", type: "string", doc: "The machine's id at its provider." },
  { name: "cgroup-driver", type: "string", doc: 'How cgroups are made: "cgroupfs" or "systemd".' },
  { name: "cgroup-root", type: "string", doc: "The cgroup below which Pods' cgroups are." },
  { name: "cgroups-per-qos", type: "boolean", doc: "Whether each Pod has a cgroup." },
  { name: "cluster-dns", type: "list", default: [], doc: "Addresses of the cluster's DNS." },
  { name: "cluster-domain", type: "string", doc: "The cluster's domain: cluster.local." },
  { name: "resolv-conf", type: "string", doc: "The resolv.conf that Pods are given; empty for none." },
  { name: "max-pods", type: "integer", doc: "How many Pods may run here." },
  { name: "anonymous-auth", type: "boolean", doc: "Whether callers without credentials are let in as system:anonymous." },
  { name: "authentication-token-webhook", type: "boolean", doc: "Whether tokens are checked by the API server." },
  { name: "authorization-mode", type: "string", doc: '"Webhook" or "AlwaysAllow".' },
  { name: "client-ca-file", type: "string", doc: "CA bundle that callers' certificates must lead to." },
  { name: "tls-cert-file", type: "string", doc: "Certificate to serve with." },
  { name: "tls-private-key-file", type: "string", doc: "Key that belongs to --tls-cert-file." },
  { name: "rotate-certificates", type: "boolean", doc: "Whether to ask for a new client certificate before the old one ends." },
  { name: "rotate-server-certificates", type: "boolean", doc: "Whether to ask the cluster for the serving certificate." },
  { name: "node-status-update-frequency", type: "string", doc: "How often the node looks at itself." },
  { name: "container-log-max-size", type: "string", doc: "Size at which a container's log is rotated." },
  { name: "container-log-max-files", type: "integer", doc: "How many files of a container's log are kept." },
  { name: "eviction-hard", type: "list", default: [], doc: "Thresholds of pressure: memory.available<100Mi,..." },
  { name: "kube-reserved", type: "list", default: [], doc: "Kept for Kubernetes: cpu=100m,memory=200Mi." },
  { name: "system-reserved", type: "list", default: [], doc: "Kept for the system: cpu=100m,memory=200Mi." },
  { name: "fail-swap-on", type: "boolean", doc: "", ignored: "swap is no reason not to start" },
  { name: "hairpin-mode", type: "string", doc: "", ignored: "the network plugin decides" },
  { name: "serialize-image-pulls", type: "boolean", doc: "", ignored: configFile },
  { name: "protect-kernel-defaults", type: "boolean", doc: "", ignored: "kernel settings are not touched" },
  { name: "streaming-connection-idle-timeout", type: "string", doc: "", ignored: configFile },
  { name: "image-gc-high-threshold", type: "integer", doc: "", ignored: configFile },
  { name: "image-gc-low-threshold", type: "integer", doc: "", ignored: configFile },
  { name: "event-qps", type: "integer", doc: "", ignored: configFile },
  { name: "kube-api-qps", type: "integer", doc: "", ignored: "calls are not rationed here" },
  { name: "kube-api-burst", type: "integer", doc: "", ignored: "calls are not rationed here" },
  { name: "runtime-request-timeout", type: "string", doc: "", ignored: configFile },
  { name: "sync-frequency", type: "string", doc: "", ignored: configFile },
  { name: "file-check-frequency", type: "string", doc: "", ignored: "the folder is watched" },
  { name: "allowed-unsafe-sysctls", type: "list", default: [], doc: "", ignored: configFile },
  { name: "pod-max-pids", type: "integer", doc: "", ignored: configFile },
  { name: "cpu-cfs-quota", type: "boolean", doc: "", ignored: configFile },
  { name: "volume-plugin-dir", type: "string", doc: "", ignored: "there are no exec plugins" },
] as const satisfies readonly Flag[];

export type KubeletFlags = FlagValues<typeof kubeletFlags>;

/** The fields of KubeletConfiguration that flags gave. Throws FlagError. */
export function configurationFromFlags(values: KubeletFlags): JsonObject {
  const fields: Record<string, Json | undefined> = {
    address: values.address,
    port: values.port,
    healthzPort: values["healthz-port"],
    healthzBindAddress: values["healthz-bind-address"],
    staticPodPath: values["pod-manifest-path"],
    registerNode: values["register-node"],
    providerID: values["provider-id"],
    cgroupDriver: values["cgroup-driver"],
    cgroupRoot: values["cgroup-root"],
    cgroupsPerQOS: values["cgroups-per-qos"],
    clusterDNS: some(values["cluster-dns"]),
    clusterDomain: values["cluster-domain"],
    resolvConf: values["resolv-conf"],
    maxPods: values["max-pods"],
    tlsCertFile: values["tls-cert-file"],
    tlsPrivateKeyFile: values["tls-private-key-file"],
    rotateCertificates: values["rotate-certificates"],
    serverTLSBootstrap: values["rotate-server-certificates"],
    nodeStatusUpdateFrequency: values["node-status-update-frequency"],
    containerLogMaxSize: values["container-log-max-size"],
    containerLogMaxFiles: values["container-log-max-files"],
    containerRuntimeEndpoint: values["container-runtime-endpoint"],
    registerWithTaints: some(values["register-with-taints"].map(readTaint)),
    evictionHard: pairs("eviction-hard", values["eviction-hard"], "<"),
    kubeReserved: pairs("kube-reserved", values["kube-reserved"], "="),
    systemReserved: pairs("system-reserved", values["system-reserved"], "="),
    authentication: given({
      anonymous: given({ enabled: values["anonymous-auth"] }),
      webhook: given({ enabled: values["authentication-token-webhook"] }),
      x509: given({ clientCAFile: values["client-ca-file"] }),
    }),
    authorization: given({ mode: values["authorization-mode"] }),
  };
  return given(fields) ?? {};
}

/** Labels of --node-labels. Throws FlagError. */
export function nodeLabels(values: KubeletFlags): Readonly<Record<string, string>> {
  return pairs("node-labels", values["node-labels"], "=") ?? {};
}

/** What --node-ip says: one address, or one of each family. Throws FlagError. */
export function nodeIp(values: Pick<KubeletFlags, "node-ip">): string | undefined {
  const text = values["node-ip"];
  if (!text) return undefined;
  const addresses = text.split(",").map((part) => readAddress(part.trim()));
  const bad = text.split(",")[addresses.indexOf(undefined)];
  if (bad !== undefined) throw new FlagError(`invalid --node-ip ${JSON.stringify(text)}: ${JSON.stringify(bad)} is not an IP address`);
  const isPair = addresses.length === 2 && addresses[0]?.family !== addresses[1]?.family;
  if (addresses.length > 1 && !isPair)
    throw new FlagError(`invalid --node-ip ${JSON.stringify(text)}: must contain either a single IP or a dual-stack pair of IPs`);
  if (addresses.length > 1 && addresses.some((address) => address?.value === 0n))
    throw new FlagError(`invalid --node-ip ${JSON.stringify(text)}: dual-stack cannot include '0.0.0.0' or '::'`);
  return text;
}

function readTaint(text: string): JsonObject {
  const match = /^([^=:]+)(?:=([^:]*))?:(NoSchedule|PreferNoSchedule|NoExecute)$/.exec(text);
  if (!match)
    throw new FlagError(`invalid argument ${JSON.stringify(text)} for "--register-with-taints" flag: invalid taint spec: ${text}`);
  const [, key = "", value, effect = ""] = match;
  return { key, ...(value && { value }), effect };
}

function pairs(flag: string, items: readonly string[], mark: string): Readonly<Record<string, string>> | undefined {
  if (items.length === 0) return undefined;
  return Object.fromEntries(
    items.map((item) => {
      const at = item.indexOf(mark);
      if (at <= 0) throw new FlagError(`invalid argument ${JSON.stringify(item)} for "--${flag}" flag: must be key${mark}value`);
      return [item.slice(0, at).trim(), item.slice(at + 1).trim()];
    }),
  );
}

function some<T>(items: readonly T[]): readonly T[] | undefined {
  return items.length > 0 ? items : undefined;
}

function given(fields: Readonly<Record<string, Json | undefined>>): JsonObject | undefined {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return entries.length > 0 ? (Object.fromEntries(entries) as JsonObject) : undefined;
}
