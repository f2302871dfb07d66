// What every cluster runs on itself: the proxy on each node, the name server, a class of volumes. Applied through the API, as a user would.
import type { Client, ObjectName } from "#client/client.ts";
import { ConfigMap } from "#api/core/config-map/config-map.ts";
import { Service } from "#api/core/service/service.ts";
import { isReason } from "#api/meta/status-error.ts";
import { ServiceAccount } from "#api/core/service-account/service-account.ts";
import { DaemonSet } from "#api/apps/daemon-set/daemon-set.ts";
import { Deployment } from "#api/apps/deployment/deployment.ts";
import { ClusterRole } from "#api/rbac.authorization.k8s.io/cluster-role/cluster-role.ts";
import { ClusterRoleBinding } from "#api/rbac.authorization.k8s.io/cluster-role-binding/cluster-role-binding.ts";
import type { Json } from "#schema/field.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import { writeYaml } from "#wire/yaml/yaml.ts";
import { apiPort, bracketed, type ClusterSettings, dnsServiceAddress, familiesOf } from "./layout.ts";
import { localPathAddOns } from "./local-path.ts";
import { metricsServerAddOns } from "./metrics-server.ts";
import { type ControlPlaneImage, digestOf, runtimeMount } from "./static-pods.ts";

export interface AddOn {
  readonly kind: Kind;
  /** Made once, and then left to who uses the cluster. */
  readonly isTheirs?: boolean;
  readonly object: {
    readonly metadata: {
      readonly name: string;
      readonly namespace?: string;
      readonly labels?: Readonly<Record<string, string>>;
      readonly annotations?: Readonly<Record<string, string>>;
    };
    readonly [field: string]: unknown;
  };
}

const system = "kube-system";
const accountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";
const everywhere = [{ operator: "Exists" }];
const { name: runtime, path: runtimePath, type: runtimeType } = runtimeMount;
const runtimeVolume = { name: runtime, hostPath: { path: runtimePath, type: runtimeType } };
const runtimeInside = { name: runtime, mountPath: runtimePath, readOnly: true };

/** In the order in which they are applied. */
export function addOns(settings: ClusterSettings, image: ControlPlaneImage): readonly AddOn[] {
  return [...proxy(settings, image), ...dns(settings, image), ...metricsServerAddOns(settings, image), ...localPathAddOns(image)];
}

/** Not by the Service's address: it is the proxy that makes it lead anywhere. */
function proxyKubeconfig({ nodeAddress }: ClusterSettings): string {
  return writeYaml({
    apiVersion: "v1",
    kind: "Config",
    clusters: [
      {
        name: "default",
        cluster: { "certificate-authority": `${accountFolder}/ca.crt`, server: `https://${bracketed(nodeAddress)}:${apiPort}` },
      },
    ],
    contexts: [{ name: "default", context: { cluster: "default", namespace: "default", user: "default" } }],
    "current-context": "default",
    users: [{ name: "default", user: { tokenFile: `${accountFolder}/token` } }],
  });
}

/** By which a proxy's Pod that was made from something else is told. */
export function proxyAnnotations(settings: ClusterSettings, image: ControlPlaneImage): Readonly<Record<string, string>> {
  return { ...imageDigest(image), "keelson.dev/configuration-digest": digestOf([proxyKubeconfig(settings)]) };
}

function proxy(settings: ClusterSettings, image: ControlPlaneImage): readonly AddOn[] {
  const { podRange } = settings;
  const labels = { "k8s-app": "kube-proxy" };
  const hasIpv6 = familiesOf(settings).includes("IPv6");
  const kubeconfig = proxyKubeconfig(settings);
  return [
    { kind: ServiceAccount, object: { metadata: { name: "kube-proxy", namespace: system } } },
    {
      kind: ClusterRoleBinding,
      object: {
        metadata: { name: "kubeadm:node-proxier" },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "system:node-proxier" },
        subjects: [{ kind: "ServiceAccount", name: "kube-proxy", namespace: system }],
      },
    },
    {
      kind: ClusterRole,
      object: {
        metadata: { name: "keelson:network-policies" },
        rules: [
          { apiGroups: [""], resources: ["namespaces", "pods"], verbs: ["list", "watch"] },
          { apiGroups: ["networking.k8s.io"], resources: ["networkpolicies"], verbs: ["list", "watch"] },
        ],
      },
    },
    {
      kind: ClusterRoleBinding,
      object: {
        metadata: { name: "keelson:network-policies" },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "keelson:network-policies" },
        subjects: [{ kind: "ServiceAccount", name: "kube-proxy", namespace: system }],
      },
    },
    {
      kind: ConfigMap,
      object: {
        metadata: { name: "kube-proxy", namespace: system, labels: { app: "kube-proxy" } },
        data: { "kubeconfig.conf": kubeconfig },
      },
    },
    {
      kind: DaemonSet,
      object: {
        metadata: { name: "kube-proxy", namespace: system, labels },
        spec: {
          selector: { matchLabels: labels },
          updateStrategy: { type: "RollingUpdate" },
          template: {
            metadata: { labels, annotations: proxyAnnotations(settings, image) },
            spec: {
              containers: [
                {
                  name: "kube-proxy",
                  image: image.name,
                  imagePullPolicy: "IfNotPresent",
                  command: [
                    "kube-proxy",
                    "--kubeconfig=/var/lib/kube-proxy/kubeconfig.conf",
                    "--hostname-override=$(NODE_NAME)",
                    `--cluster-cidr=${podRange}`,
                    ...(hasIpv6 ? ["--healthz-bind-address=[::]:10256"] : []),
                    "--network-policies",
                  ],
                  env: [{ name: "NODE_NAME", valueFrom: { fieldRef: { fieldPath: "spec.nodeName" } } }],
                  securityContext: { privileged: true },
                  volumeMounts: [{ name: "kube-proxy", mountPath: "/var/lib/kube-proxy" }, runtimeInside],
                },
              ],
              hostNetwork: true,
              nodeSelector: { "kubernetes.io/os": "linux" },
              priorityClassName: "system-node-critical",
              serviceAccountName: "kube-proxy",
              tolerations: everywhere,
              volumes: [{ name: "kube-proxy", configMap: { name: "kube-proxy" } }, runtimeVolume],
            },
          },
        },
      },
    },
  ];
}

function dns(settings: ClusterSettings, image: ControlPlaneImage): readonly AddOn[] {
  const labels = { "k8s-app": "kube-dns" };
  const hasIpv6 = familiesOf(settings).includes("IPv6");
  return [
    { kind: ServiceAccount, object: { metadata: { name: "coredns", namespace: system } } },
    {
      kind: ClusterRole,
      object: {
        metadata: { name: "system:coredns" },
        rules: [
          { apiGroups: [""], resources: ["endpoints", "services", "pods", "namespaces"], verbs: ["list", "watch"] },
          { apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"] },
        ],
      },
    },
    {
      kind: ClusterRoleBinding,
      object: {
        metadata: { name: "system:coredns" },
        roleRef: { apiGroup: "rbac.authorization.k8s.io", kind: "ClusterRole", name: "system:coredns" },
        subjects: [{ kind: "ServiceAccount", name: "coredns", namespace: system }],
      },
    },
    {
      kind: Service,
      object: {
        metadata: {
          name: "kube-dns",
          namespace: system,
          labels: { ...labels, "kubernetes.io/cluster-service": "true", "kubernetes.io/name": "CoreDNS" },
        },
        spec: {
          clusterIP: dnsServiceAddress(settings),
          selector: labels,
          ports: [
            { name: "dns", port: 53, protocol: "UDP", targetPort: 53 },
            { name: "dns-tcp", port: 53, protocol: "TCP", targetPort: 53 },
            { name: "metrics", port: 9153, protocol: "TCP", targetPort: 9153 },
          ],
        },
      },
    },
    {
      kind: ConfigMap,
      isTheirs: true,
      object: { metadata: { name: "coredns", namespace: system }, data: { Corefile: corefile(settings.domain) } },
    },
    {
      kind: Deployment,
      object: {
        metadata: { name: "coredns", namespace: system, labels },
        spec: {
          // How many there are is for who uses the cluster to say: kubectl scale.
          selector: { matchLabels: labels },
          strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 1 } },
          template: {
            metadata: { labels, annotations: imageDigest(image) },
            spec: {
              containers: [
                {
                  name: "coredns",
                  image: image.name,
                  imagePullPolicy: "IfNotPresent",
                  command: ["cluster-dns", "--conf=/etc/coredns/Corefile", ...(hasIpv6 ? ["--bind-address=::"] : [])],
                  ports: [
                    { name: "dns", containerPort: 53, protocol: "UDP" },
                    { name: "dns-tcp", containerPort: 53, protocol: "TCP" },
                    { name: "metrics", containerPort: 9153, protocol: "TCP" },
                  ],
                  livenessProbe: {
                    httpGet: { path: "/health", port: 8080 },
                    initialDelaySeconds: 30,
                    timeoutSeconds: 5,
                    failureThreshold: 5,
                  },
                  readinessProbe: { httpGet: { path: "/ready", port: 8181 }, periodSeconds: 5 },
                  resources: { requests: { cpu: "20m", memory: "48Mi" } },
                  securityContext: {
                    allowPrivilegeEscalation: false,
                    capabilities: { add: ["NET_BIND_SERVICE"], drop: ["ALL"] },
                    readOnlyRootFilesystem: true,
                  },
                  volumeMounts: [{ name: "config-volume", mountPath: "/etc/coredns", readOnly: true }, runtimeInside],
                },
              ],
              dnsPolicy: "Default",
              nodeSelector: { "kubernetes.io/os": "linux" },
              priorityClassName: "system-cluster-critical",
              serviceAccountName: "coredns",
              tolerations: [
                { key: "CriticalAddonsOnly", operator: "Exists" },
                { effect: "NoSchedule", key: "node-role.kubernetes.io/control-plane" },
              ],
              volumes: [{ name: "config-volume", configMap: { name: "coredns" } }, runtimeVolume],
            },
          },
        },
      },
    },
  ];
}

/** As kubeadm writes it: where users add the domains that others answer for. */
function corefile(domain: string): string {
  return `.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes ${domain} in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 5
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30
    loop
    reload
    loadbalance
}
`;
}

/** A change of the image replaces the Pods, though its name stays. */
function imageDigest(image: ControlPlaneImage): Readonly<Record<string, string>> {
  return { "keelson.dev/image-digest": image.digest };
}

/** Server-side apply: what users set beside our fields stays theirs. */
export async function applyAddOns(client: Client, all: readonly AddOn[]): Promise<void> {
  for (const { kind, isTheirs, object } of all) {
    const { name, namespace } = object.metadata;
    if (isTheirs && (await isThere(client, kind as Kind<KubernetesObject>, { name, namespace }))) continue;
    await client.patch(
      kind as Kind<KubernetesObject>,
      { name, namespace },
      { apiVersion: kind.apiVersion, kind: kind.name, ...object } as Json,
      {
        type: "apply",
        force: true,
        fieldManager: "keelson",
      },
    );
  }
}

async function isThere(client: Client, kind: Kind<KubernetesObject>, name: ObjectName): Promise<boolean> {
  try {
    await client.get(kind, name);
    return true;
  } catch (error) {
    if (isReason(error, "NotFound")) return false;
    throw error;
  }
}
