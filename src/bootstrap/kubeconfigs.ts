// The kubeconfigs of whoever speaks to the API server from this machine, and the kubelet's configuration.
import { kubeconfigText } from "#component/kubeconfig.ts";
import type { World } from "#platform/world.ts";
import { writeYaml } from "#wire/yaml/yaml.ts";
import type { Certificates } from "./certificates.ts";
import {
  apiPort,
  bracketed,
  type ClusterSettings,
  containerdSocket,
  dnsServiceAddress,
  familiesOf,
  kubeletConfigPath,
  kubeletFolder,
  kubernetesFolder,
  manifestsFolder,
  type NodeSettings,
  pkiFolder,
} from "./layout.ts";

export const adminKubeconfigPath = `${kubernetesFolder}/admin.conf`;

/** File name, the certificate it holds, and the user it names. */
const kubeconfigs = [
  { file: "admin.conf", certificate: "admin", user: "kubernetes-admin" },
  { file: "controller-manager.conf", certificate: "controller-manager", user: "system:kube-controller-manager" },
  { file: "scheduler.conf", certificate: "scheduler", user: "system:kube-scheduler" },
  { file: "kubelet.conf", certificate: "kubelet-client", user: "system:node" },
] as const;

/** Writes those whose content changed; gives their names. */
export async function writeKubeconfigs(world: World, settings: ClusterSettings, { ca, leafs }: Certificates): Promise<readonly string[]> {
  const written: string[] = [];
  for (const { file, certificate: name, user } of kubeconfigs) {
    const leaf = leafs.get(name);
    if (!leaf) continue;
    const text = kubeconfigText({
      name: "keelson",
      user: file === "kubelet.conf" ? `system:node:${settings.nodeName}` : user,
      server: `https://${bracketed(settings.nodeAddress)}:${apiPort}`,
      ca,
      certificate: leaf.certificate,
      key: leaf.key,
    });
    if (await writeIfChanged(world, `${kubernetesFolder}/${file}`, text, 0o600)) written.push(file);
  }
  return written;
}

/** KubeletConfiguration as kubeadm leaves it. Where it comes from the cluster, so does the certificate that it serves with. */
export function kubeletConfiguration(
  settings: Pick<NodeSettings, "podRange" | "serviceRange" | "domain">,
  serving: "own" | "issued",
): string {
  return writeYaml({
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    ...(familiesOf(settings).includes("IPv6") && { address: "::" }),
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true, cacheTTL: "2m0s" },
      x509: { clientCAFile: `${pkiFolder}/ca.crt` },
    },
    authorization: { mode: "Webhook", webhook: { cacheAuthorizedTTL: "5m0s", cacheUnauthorizedTTL: "30s" } },
    cgroupDriver: "cgroupfs",
    clusterDNS: [dnsServiceAddress(settings)],
    clusterDomain: settings.domain,
    containerRuntimeEndpoint: `unix://${containerdSocket}`,
    failSwapOn: false,
    healthzBindAddress: "127.0.0.1",
    healthzPort: 10_248,
    rotateCertificates: true,
    staticPodPath: manifestsFolder,
    ...(serving === "own"
      ? { tlsCertFile: `${pkiFolder}/kubelet.crt`, tlsPrivateKeyFile: `${pkiFolder}/kubelet.key` }
      : { serverTLSBootstrap: true }),
  });
}

export async function writeKubeletConfiguration(world: World, text: string): Promise<boolean> {
  await world.files.makeFolder(kubeletFolder, { mode: 0o750 });
  return writeIfChanged(world, kubeletConfigPath, text, 0o600);
}

/** Leaves a file alone that already says so, whose date others may go by. */
export async function writeIfChanged(world: World, path: string, text: string, mode = 0o644): Promise<boolean> {
  const present = await world.files.readText(path).catch(() => undefined);
  if (present === text) return false;
  await world.files.makeFolder(path.slice(0, path.lastIndexOf("/")));
  await world.files.replace(path, text, { mode });
  return true;
}
