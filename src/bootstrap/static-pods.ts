// The control plane as static Pods: the manifests that the kubelet keeps running, where and how users know them.
import { hex, sha256 } from "#base/sha256.ts";
import type { World } from "#platform/world.ts";
import { writeYaml } from "#wire/yaml/yaml.ts";
import { writeIfChanged } from "./kubeconfigs.ts";
import {
  apiPort,
  bracketed,
  type ClusterSettings,
  etcdFolder,
  etcdPkiFolder,
  etcdProgram,
  familiesOf,
  kubernetesFolder,
  manifestsFolder,
  nodeProgram,
  pkiFolder,
  storeFolder,
} from "./layout.ts";

export interface ControlPlaneImage {
  /** "keelson/control-plane:0.1.0". */
  readonly name: string;
  /** Digest of what is in it; a Pod made from another is replaced. */
  readonly digest: string;
}

interface StaticPod {
  readonly component: string;
  readonly flags: Readonly<Record<string, string>>;
  readonly port: number;
  /** What its probes speak; HTTPS where it is not said. */
  readonly scheme?: "HTTP" | "HTTPS";
  /** The address its probes ask. */
  readonly host: string;
  readonly cpu: string;
  readonly memory: string;
  readonly mounts: readonly Mount[];
  readonly probes: { readonly startup: string; readonly liveness: string; readonly readiness?: string };
}

interface Mount {
  readonly name: string;
  readonly path: string;
  readonly type: "DirectoryOrCreate" | "File" | "FileOrCreate";
  readonly readOnly: boolean;
}

const pki: Mount = { name: "k8s-certs", path: pkiFolder, type: "DirectoryOrCreate", readOnly: true };

/** The machine's own Node stands over the image's copy of it: one file, so that its pages are in memory once for the whole node. */
export const runtimeMount: Mount = { name: "runtime", path: nodeProgram, type: "File", readOnly: true };

const kubeconfig = (file: string): Mount => ({
  name: "kubeconfig",
  path: `${kubernetesFolder}/${file}`,
  type: "FileOrCreate",
  readOnly: true,
});

function staticPods(settings: ClusterSettings): readonly StaticPod[] {
  const { nodeAddress, serviceRange, podRange, domain, store } = settings;
  const kept: Readonly<Record<string, string>> =
    store === "disk"
      ? { "data-dir": storeFolder }
      : {
          "etcd-cafile": `${etcdPkiFolder}/ca.crt`,
          "etcd-certfile": `${pkiFolder}/apiserver-etcd-client.crt`,
          "etcd-keyfile": `${pkiFolder}/apiserver-etcd-client.key`,
          "etcd-servers": "https://127.0.0.1:2379",
        };
  const controllerManager = `${kubernetesFolder}/controller-manager.conf`;
  const scheduler = `${kubernetesFolder}/scheduler.conf`;
  return [
    ...(store === "etcd" ? [etcd(settings)] : []),
    {
      component: "kube-apiserver",
      flags: {
        "advertise-address": nodeAddress,
        "allow-privileged": "true",
        "authorization-mode": "Node,RBAC",
        ...(familiesOf(settings).includes("IPv6") && { "bind-address": "::" }),
        "client-ca-file": `${pkiFolder}/ca.crt`,
        ...kept,
        "enable-admission-plugins": "NodeRestriction",
        "enable-bootstrap-token-auth": "true",
        // Every kubelet serves with a certificate that this authority signed: the node's own, or one that the cluster issued.
        "kubelet-certificate-authority": `${pkiFolder}/ca.crt`,
        "kubelet-client-certificate": `${pkiFolder}/apiserver-kubelet-client.crt`,
        "kubelet-client-key": `${pkiFolder}/apiserver-kubelet-client.key`,
        "kubelet-preferred-address-types": "InternalIP,ExternalIP,Hostname",
        "proxy-client-cert-file": `${pkiFolder}/front-proxy-client.crt`,
        "proxy-client-key-file": `${pkiFolder}/front-proxy-client.key`,
        "requestheader-allowed-names": "front-proxy-client",
        "requestheader-client-ca-file": `${pkiFolder}/front-proxy-ca.crt`,
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-username-headers": "X-Remote-User",
        "secure-port": String(apiPort),
        "service-account-issuer": `https://kubernetes.default.svc.${domain}`,
        "service-account-key-file": `${pkiFolder}/sa.pub`,
        "service-account-signing-key-file": `${pkiFolder}/sa.key`,
        "service-cluster-ip-range": serviceRange,
        "tls-cert-file": `${pkiFolder}/apiserver.crt`,
        "tls-private-key-file": `${pkiFolder}/apiserver.key`,
      },
      port: apiPort,
      host: nodeAddress,
      cpu: "100m",
      memory: "96Mi",
      mounts: store === "etcd" ? [pki] : [pki, { name: "store", path: storeFolder, type: "DirectoryOrCreate", readOnly: false }],
      probes: { startup: "/livez", liveness: "/livez", readiness: "/readyz" },
    },
    {
      component: "kube-controller-manager",
      flags: {
        "allocate-node-cidrs": "true",
        "authentication-kubeconfig": controllerManager,
        "authorization-kubeconfig": controllerManager,
        "bind-address": "127.0.0.1",
        "client-ca-file": `${pkiFolder}/ca.crt`,
        "cluster-cidr": podRange,
        "cluster-name": "kubernetes",
        "cluster-signing-cert-file": `${pkiFolder}/ca.crt`,
        "cluster-signing-key-file": `${pkiFolder}/ca.key`,
        controllers: "*,bootstrapsigner,tokencleaner",
        kubeconfig: controllerManager,
        "leader-elect": "true",
        "root-ca-file": `${pkiFolder}/ca.crt`,
        "service-account-private-key-file": `${pkiFolder}/sa.key`,
        "service-cluster-ip-range": serviceRange,
        "use-service-account-credentials": "true",
      },
      port: 10_257,
      host: "127.0.0.1",
      cpu: "50m",
      memory: "64Mi",
      mounts: [pki, kubeconfig("controller-manager.conf")],
      probes: { startup: "/healthz", liveness: "/healthz" },
    },
    {
      component: "kube-scheduler",
      flags: {
        "authentication-kubeconfig": scheduler,
        "authorization-kubeconfig": scheduler,
        "bind-address": "127.0.0.1",
        kubeconfig: scheduler,
        "leader-elect": "true",
      },
      port: 10_259,
      host: "127.0.0.1",
      cpu: "50m",
      memory: "64Mi",
      mounts: [kubeconfig("scheduler.conf")],
      probes: { startup: "/healthz", liveness: "/healthz" },
    },
  ];
}

/** One member, as kubeadm makes it; the program is the machine's own, as Node is. */
function etcd({ nodeName, nodeAddress }: ClusterSettings): StaticPod {
  return {
    component: "etcd",
    flags: {
      "advertise-client-urls": `https://${bracketed(nodeAddress)}:2379`,
      "cert-file": `${etcdPkiFolder}/server.crt`,
      "client-cert-auth": "true",
      "data-dir": etcdFolder,
      "initial-advertise-peer-urls": `https://${bracketed(nodeAddress)}:2380`,
      "initial-cluster": `${nodeName}=https://${bracketed(nodeAddress)}:2380`,
      "key-file": `${etcdPkiFolder}/server.key`,
      "listen-client-urls": `https://127.0.0.1:2379,https://${bracketed(nodeAddress)}:2379`,
      "listen-metrics-urls": "http://127.0.0.1:2381",
      "listen-peer-urls": `https://${bracketed(nodeAddress)}:2380`,
      name: nodeName,
      "peer-cert-file": `${etcdPkiFolder}/peer.crt`,
      "peer-client-cert-auth": "true",
      "peer-key-file": `${etcdPkiFolder}/peer.key`,
      "peer-trusted-ca-file": `${etcdPkiFolder}/ca.crt`,
      "snapshot-count": "10000",
      "trusted-ca-file": `${etcdPkiFolder}/ca.crt`,
    },
    port: 2381,
    scheme: "HTTP",
    host: "127.0.0.1",
    cpu: "100m",
    memory: "100Mi",
    mounts: [
      { name: "etcd-data", path: etcdFolder, type: "DirectoryOrCreate", readOnly: false },
      { name: "etcd-certs", path: etcdPkiFolder, type: "DirectoryOrCreate", readOnly: true },
      { name: "etcd", path: etcdProgram, type: "File", readOnly: true },
    ],
    probes: { startup: "/health", liveness: "/health" },
  };
}

export interface StaticPodManifest {
  /** "kube-apiserver". */
  readonly component: string;
  /** The file's name. */
  readonly file: string;
  readonly text: string;
  /** By which a Pod that was made from another manifest, or reads other files, is told. */
  readonly digests: Readonly<Record<string, string>>;
}

/** `texts` are the files that the components' flags name: certificates, keys, kubeconfigs. */
export function staticPodManifests(
  settings: ClusterSettings,
  image: ControlPlaneImage,
  texts: ReadonlyMap<string, string>,
): readonly StaticPodManifest[] {
  return staticPods(settings).map((pod) => {
    const digests = {
      "keelson.dev/configuration-digest": digestOf(filesOf(pod).map((path) => texts.get(path) ?? "")),
      "keelson.dev/image-digest": image.digest,
    };
    const text = writeYaml(manifestOf(pod, digests, settings, image));
    return { component: pod.component, file: `${pod.component}.yaml`, text, digests };
  });
}

const filesOf = ({ flags }: StaticPod): readonly string[] =>
  Object.values(flags).filter((value) => value.startsWith(`${kubernetesFolder}/`));

/** Tells contents apart, and nothing about them. */
export function digestOf(texts: readonly string[]): string {
  return hex(sha256(new TextEncoder().encode(texts.join("\n")))).slice(0, 16);
}

function manifestOf(
  { component, flags, port, scheme = "HTTPS", host, cpu, memory, mounts: ownMounts, probes }: StaticPod,
  digests: StaticPodManifest["digests"],
  { nodeAddress }: ClusterSettings,
  image: ControlPlaneImage,
): object {
  const probe = (path: string, failureThreshold: number, periodSeconds: number) => ({
    failureThreshold,
    httpGet: { host, path, port, scheme },
    periodSeconds,
    timeoutSeconds: 15,
  });
  const mounts = [...ownMounts, runtimeMount];
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      annotations: {
        ...(component === "kube-apiserver" && {
          "kubeadm.kubernetes.io/kube-apiserver.advertise-address.endpoint": `${bracketed(nodeAddress)}:${apiPort}`,
        }),
        ...(component === "etcd" && { "kubeadm.kubernetes.io/etcd.advertise-client-urls": `https://${bracketed(nodeAddress)}:2379` }),
        ...digests,
      },
      labels: { component, tier: "control-plane" },
      name: component,
      namespace: "kube-system",
    },
    spec: {
      containers: [
        {
          command: [component, ...Object.entries(flags).map(([name, value]) => `--${name}=${value}`)],
          image: image.name,
          imagePullPolicy: "IfNotPresent",
          livenessProbe: { ...probe(probes.liveness, 8, 10), initialDelaySeconds: 10 },
          name: component,
          ports: [{ containerPort: port, name: "probe-port", protocol: "TCP" }],
          // Nothing waits for it: on one node, each of its handshakes is an idle machine's only work.
          ...(probes.readiness && { readinessProbe: probe(probes.readiness, 3, 5) }),
          resources: { requests: { cpu, memory } },
          startupProbe: probe(probes.startup, 60, 2),
          volumeMounts: mounts.map(({ name, path, readOnly }) => ({ mountPath: path, name, ...(readOnly && { readOnly }) })),
        },
      ],
      hostNetwork: true,
      priority: 2_000_001_000,
      priorityClassName: "system-node-critical",
      securityContext: { seccompProfile: { type: "RuntimeDefault" } },
      volumes: mounts.map(({ name, path, type }) => ({ hostPath: { path, type }, name })),
    },
  };
}

export async function writeStaticPods(
  world: World,
  settings: ClusterSettings,
  image: ControlPlaneImage,
): Promise<readonly StaticPodManifest[]> {
  await world.files.makeFolder(settings.store === "etcd" ? etcdFolder : storeFolder, { mode: 0o700 });
  const texts = new Map<string, string>();
  for (const path of staticPods(settings).flatMap(filesOf)) texts.set(path, await world.files.readText(path));
  const manifests = staticPodManifests(settings, image, texts);
  for (const { file, text } of manifests) await writeIfChanged(world, `${manifestsFolder}/${file}`, text, 0o600);
  return manifests;
}
