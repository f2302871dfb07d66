// `keelson join`: this machine becomes one more node of a cluster that is there. Repeatable as `up` is, and after it was killed anywhere.
import { ConfigMap } from "#api/core/config-map/config-map.ts";
import { Node } from "#api/core/node/node.ts";
import type { BootstrapToken } from "#api/core/secret/bootstrap-token.ts";
import { isReason } from "#api/meta/status-error.ts";
import type { Scope } from "#base/scope.ts";
import type { Client } from "#client/client.ts";
import { clientFor } from "#component/cluster-client.ts";
import { kubeconfigText, readKubeconfig } from "#component/kubeconfig.ts";
import type { World } from "#platform/world.ts";
import { readYaml } from "#wire/yaml/yaml.ts";
import { discoverCluster } from "./discovery.ts";
import { clusterConfigName, kubeletConfigName } from "./joining.ts";
import { writeIfChanged, writeKubeletConfiguration } from "./kubeconfigs.ts";
import {
  BootstrapError,
  bootScriptPath,
  bootstrapKubeconfigPath,
  kubeletKubeconfigPath,
  manifestsFolder,
  type NodeSettings,
  pkiFolder,
} from "./layout.ts";
import { checkRoot } from "./machine-check.ts";
import { nodeAddresses } from "./machine-network.ts";
import { prepareMachine, runKubelet, startContainerd, takeImages, allowKubelet } from "./prepare-node.ts";
import type { Progress } from "./progress.ts";
import { note, readRecord } from "./record.ts";
import type { Services } from "./services.ts";
import { isNodeReady, nodeConditions, until } from "./wait.ts";

export interface JoinOptions {
  /** "192.168.51.10:6443". */
  readonly address: string;
  readonly token: BootstrapToken;
  readonly caHashes: readonly string[];
  readonly nodeName: string;
  /** The node's address, or one of each family; its own where not given. */
  readonly nodeIp?: string;
  readonly services: Services;
  readonly progress: Progress;
  readonly kubeletFlags: readonly string[];
}

const certificateSeconds = 60;
const readySeconds = 120;

export async function join(scope: Scope, world: World, options: JoinOptions): Promise<void> {
  const { address, nodeName, services, progress } = options;
  const { step, say } = progress;
  checkRoot(world);
  const found = await step(`found the cluster at ${address}`, () => askCluster(scope, world, options));
  const { settings } = found;
  const preparation = { settings, role: "worker", services, progress } as const;
  const prepared = await prepareMachine(world, preparation);
  await note(world, { server: found.server });
  const isConfigured = await step("kubeconfig, configuration", async () => {
    if (found.kubelet === undefined) return false;
    await world.files.makeFolder(pkiFolder, { mode: 0o755 });
    await world.files.makeFolder(manifestsFolder, { mode: 0o755 });
    const caChanged = await writeIfChanged(world, `${pkiFolder}/ca.crt`, found.ca);
    return (await writeKubeletConfiguration(world, found.kubelet)) || caChanged;
  });
  const flags = [`--bootstrap-kubeconfig=${bootstrapKubeconfigPath}`, ...options.kubeletFlags, ...found.kubeletFlags];
  await startContainerd(scope, world, preparation);
  await takeImages(scope, world, prepared, preparation);
  // Not before: the first Pods come at once, and are made of these images.
  const isKubeletStale = await allowKubelet(world, preparation, flags);
  await step("the kubelet runs", () => runKubelet(preparation, { isStale: prepared.installed.changed || isConfigured || isKubeletStale }));
  const client = await step("the cluster gave the kubelet a certificate", async () => {
    await until(scope, world, {
      what: "the kubelet's certificate",
      seconds: certificateSeconds,
      holds: async () => (await world.files.stat(kubeletKubeconfigPath)) !== undefined,
      why: () => services.journal("kubelet.service", 15),
    });
    // The token has done its work.
    await world.files.remove(bootstrapKubeconfigPath);
    return clientFor(scope, world, await readKubeconfig(world, kubeletKubeconfigPath), "keelson");
  });
  await step("the Node is Ready", () =>
    until(scope, world, {
      what: `Node ${nodeName} to be Ready`,
      seconds: readySeconds,
      holds: () => isNodeReady(client, nodeName),
      why: async () => [...(await nodeConditions(client, nodeName)), ...(await services.journal("kubelet.service", 15))],
    }),
  );
  if (!services.survivesReboot) say(`systemd is not process 1 here: have ${bootScriptPath} run when the machine starts.`);
}

interface Asked {
  readonly settings: NodeSettings;
  readonly server: string;
  readonly ca: string;
  /** The kubelet's configuration; undefined where the kubelet is known to the cluster and has one. */
  readonly kubelet?: string;
  /** What this node's kubelet is told of its addresses. */
  readonly kubeletFlags: readonly string[];
}

async function askCluster(scope: Scope, world: World, options: JoinOptions): Promise<Asked> {
  const { nodeName, nodeIp, token } = options;
  const record = await readRecord(world);
  const isKnown = record?.role === "worker" && (await world.files.stat(kubeletKubeconfigPath)) !== undefined;
  if (isKnown && record.podRange && record.serviceRange && record.domain && record.server) {
    const { podRange, serviceRange, domain, server } = record;
    const ca = await world.files.readText(`${pkiFolder}/ca.crt`);
    const { kubeletFlags, ...addresses } = await nodeAddresses(world, { podRange, serviceRange }, nodeIp);
    return { settings: { nodeName, ...addresses, podRange, serviceRange, domain }, server, ca, kubeletFlags };
  }
  const { server, ca } = await discoverCluster(world, options);
  const access = { server, ca, token: `${token.id}.${token.secret}` };
  const client = clientFor(scope, world, access, "keelson");
  await refuseSecondNode(client, nodeName);
  const cluster = await clusterSettings(client);
  const { kubeletFlags, ...addresses } = await nodeAddresses(world, cluster, nodeIp);
  const settings = { nodeName, ...addresses, ...cluster };
  const { data } = await client.get(ConfigMap, { namespace: "kube-system", name: kubeletConfigName });
  const kubeconfig = kubeconfigText({ name: "keelson", user: "tls-bootstrap-token-user", ...access });
  await writeIfChanged(world, bootstrapKubeconfigPath, kubeconfig, 0o600);
  return { settings, server, ca, kubelet: data?.["kubelet"] ?? "", kubeletFlags };
}

/** Two machines under one name would take each other's Pods. */
async function refuseSecondNode(client: Client, name: string): Promise<void> {
  try {
    const { status } = await client.get(Node, { name });
    if (!status?.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True")) return;
  } catch (error) {
    if (isReason(error, "NotFound")) return;
    throw error;
  }
  throw new BootstrapError(
    `the cluster has a Node ${name} that is Ready: another machine goes by this name`,
    "Give this one another with --node-name.",
  );
}

async function clusterSettings(client: Client): Promise<Pick<NodeSettings, "podRange" | "serviceRange" | "domain">> {
  const { data } = await client.get(ConfigMap, { namespace: "kube-system", name: clusterConfigName });
  const { networking = {} } = readYaml(data?.["ClusterConfiguration"] ?? "") as unknown as {
    readonly networking?: { readonly podSubnet?: string; readonly serviceSubnet?: string; readonly dnsDomain?: string };
  };
  const { podSubnet, serviceSubnet, dnsDomain } = networking;
  if (!podSubnet || !serviceSubnet || !dnsDomain)
    throw new BootstrapError(`the cluster's ConfigMap ${clusterConfigName} does not say which addresses Pods and Services have`);
  return { podRange: podSubnet, serviceRange: serviceSubnet, domain: dnsDomain };
}
