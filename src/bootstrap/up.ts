// `keelson up`: this machine becomes a node with a control plane. Every step looks at what is there and makes only what is missing, so that
// it can be repeated, and go on after it was killed anywhere.
import type { Scope } from "#base/scope.ts";
import { Node } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import type { Client } from "#client/client.ts";
import { clientFor } from "#component/cluster-client.ts";
import { readKubeconfig } from "#component/kubeconfig.ts";
import type { World } from "#platform/world.ts";
import { addOns, applyAddOns, proxyAnnotations } from "./add-ons.ts";
import { ensureCertificates } from "./certificates.ts";
import { joiningAddOns } from "./joining.ts";
import { adminKubeconfigPath, kubeletConfiguration, writeKubeconfigs, writeKubeletConfiguration } from "./kubeconfigs.ts";
import { bootScriptPath, type ClusterSettings, kubeletProgram } from "./layout.ts";
import { prepareMachine, runKubelet, startContainerd, takeImages, allowKubelet } from "./prepare-node.ts";
import type { Progress } from "./progress.ts";
import type { Services } from "./services.ts";
import { type ControlPlaneImage, type StaticPodManifest, writeStaticPods } from "./static-pods.ts";
import { isNodeReady, nodeConditions, until } from "./wait.ts";

export interface UpOptions {
  readonly settings: ClusterSettings;
  readonly services: Services;
  readonly progress: Progress;
  /** Whether the Node's name and address are others than the kubelet finds by itself. */
  readonly kubeletFlags: readonly string[];
}

const apiSeconds = 90;
const readySeconds = 120;

export async function up(scope: Scope, world: World, { settings, services, progress, kubeletFlags }: UpOptions): Promise<void> {
  const { step, say } = progress;
  const preparation = { settings, role: "control plane", services, progress } as const;
  const prepared = await prepareMachine(world, preparation);
  const changed = await step("certificates, kubeconfigs, configuration", async (found) => {
    const certificates = await ensureCertificates(world, settings);
    const kubeconfigs = await writeKubeconfigs(world, settings, certificates);
    found(certificates.made.length > 0 ? `made ${certificates.made.join(", ")}` : "all good");
    return {
      ca: certificates.ca,
      certificates: certificates.made,
      kubelet: (await writeKubeletConfiguration(world, kubeletConfiguration(settings, "own"))) || kubeconfigs.includes("kubelet.conf"),
    };
  });
  const isKubeletStale = await allowKubelet(world, preparation, kubeletFlags);
  await startContainerd(scope, world, preparation);
  const image = await takeImages(scope, world, prepared, preparation);
  const manifests = await step("the kubelet runs", async () => {
    const written = await writeStaticPods(world, settings, image);
    const isStale =
      prepared.installed.changed || changed.kubelet || isKubeletStale || changed.certificates.some((name) => name.startsWith("kubelet"));
    await runKubelet(preparation, { isStale });
    return written;
  });

  const client = await step("the API server is ready", async () => {
    const admin = clientFor(scope, world, await readKubeconfig(world, adminKubeconfigPath), "keelson");
    await until(scope, world, {
      what: "the API server",
      seconds: apiSeconds,
      // One that is about to be replaced answers too.
      holds: async () =>
        (await answers(admin)) && (await staleStaticPods(admin, settings, manifests)).every((name) => name !== "kube-apiserver"),
      why: () => explain(world, services, "kube-apiserver"),
    });
    return admin;
  });
  await step("the proxy and the name server are applied", async () => {
    let last = "";
    await until(scope, world, {
      what: "the API server to take the add-ons",
      seconds: 60,
      async holds() {
        try {
          await applyAddOns(client, [...joiningAddOns(settings, changed.ca), ...addOns(settings, image)]);
          return true;
        } catch (error) {
          last = error instanceof Error ? error.message : String(error);
          return false;
        }
      },
      why: async () => [last],
    });
  });
  await step("the Node is Ready", () =>
    until(scope, world, {
      what: `Node ${settings.nodeName} to be Ready`,
      seconds: readySeconds,
      holds: () => isNodeReady(client, settings.nodeName),
      why: async () => [...(await nodeConditions(client, settings.nodeName)), ...(await services.journal("kubelet.service", 15))],
    }),
  );
  // A kubelet may not give itself this label; it is how users tell control-plane nodes.
  await client.patch(Node, { name: settings.nodeName }, { metadata: { labels: { [controlPlaneLabel]: "" } } }, { type: "merge" });
  await step("all of kube-system runs", () =>
    until(scope, world, {
      what: "the Pods of kube-system",
      seconds: readySeconds,
      holds: async () =>
        (await notRunning(client, settings)).length + (await staleStaticPods(client, settings, manifests)).length === 0 &&
        (await hasNewProxy(client, settings, image)),
      why: async () => [
        ...(await notRunning(client, settings)),
        ...(await staleStaticPods(client, settings, manifests)).map((name) => `${name}: the one of before still runs`),
        ...(await services.journal("kubelet.service", 10)),
      ],
    }),
  );
  say("");
  say(`export KUBECONFIG=${adminKubeconfigPath}`);
  say("kubectl create deployment hello --image=keelson/hello --replicas=3");
  say("keelson token create prints how other machines join.");
  if (!services.survivesReboot) say(`systemd is not process 1 here: have ${bootScriptPath} run when the machine starts.`);
}

async function answers(client: Client): Promise<boolean> {
  try {
    await client.list(Node, { limit: 1 });
    return true;
  } catch {
    return false;
  }
}

/** Components that still run as they were made before their manifests or files changed. */
async function staleStaticPods(
  client: Client,
  { nodeName }: Pick<ClusterSettings, "nodeName">,
  manifests: readonly StaticPodManifest[],
): Promise<readonly string[]> {
  try {
    const { items } = await client.list(Pod, { namespace: "kube-system" });
    return manifests.flatMap(({ component, digests }) => {
      const annotations = items.find(({ metadata }) => metadata.name === `${component}-${nodeName}`)?.metadata.annotations;
      const isStale = annotations && Object.entries(digests).some(([name, digest]) => annotations[name] !== digest);
      return isStale ? [component] : [];
    });
  } catch {
    return manifests.map(({ component }) => component);
  }
}

/** Whether this node's proxy was made as it is to be now: with another address of the API server it is replaced. */
async function hasNewProxy(client: Client, settings: ClusterSettings, image: ControlPlaneImage): Promise<boolean> {
  try {
    const { items } = await client.list(Pod, { namespace: "kube-system", labelSelector: "k8s-app=kube-proxy" });
    const wanted = Object.entries(proxyAnnotations(settings, image));
    return items.some(
      ({ metadata, spec }) =>
        spec.nodeName === settings.nodeName &&
        !metadata.deletionTimestamp &&
        wanted.every(([name, digest]) => metadata.annotations?.[name] === digest),
    );
  } catch {
    return false;
  }
}

const controlPlaneLabel = "node-role.kubernetes.io/control-plane";

/** Words about each add-on or control-plane Pod that is not ready, or not there. */
export async function notRunning(client: Client, { store }: Pick<ClusterSettings, "store">): Promise<readonly string[]> {
  try {
    const { items } = await client.list(Pod, { namespace: "kube-system" });
    const expected = [
      "kube-apiserver",
      "kube-controller-manager",
      "kube-scheduler",
      "kube-proxy",
      "coredns",
      ...(store === "etcd" ? ["etcd"] : []),
    ];
    const absent = expected
      .filter((name) => !items.some(({ metadata }) => metadata.name.startsWith(`${name}-`)))
      .map((name) => `${name}: there is no Pod yet`);
    const waiting = items.flatMap(({ metadata, status }) => {
      if (metadata.deletionTimestamp || status?.conditions?.some(({ type, status: state }) => type === "Ready" && state === "True"))
        return [];
      const container = status?.containerStatuses?.[0]?.state;
      const why = container?.waiting?.reason ?? container?.terminated?.reason ?? status?.phase ?? "unknown";
      return [`${metadata.name}: ${why}${container?.waiting?.message ? ` (${container.waiting.message})` : ""}`];
    });
    return [...absent, ...waiting];
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

/** The last words of the newest log of a control-plane container, and of the kubelet. */
async function explain(world: World, services: Services, component: string): Promise<readonly string[]> {
  const script =
    'cd /var/log/pods 2>/dev/null && file=$(ls -t kube-system_"$0"-*/*/*.log 2>/dev/null | head -1) && [ -n "$file" ] && tail -n 12 "$file"';
  const { stdout } = await world.processes.run("sh", ["-c", script, component]);
  const logs = stdout.trim() === "" ? [`${component} has written no log: ${kubeletProgram} has not started it`] : stdout.trim().split("\n");
  return [...logs, ...(await services.journal("kubelet.service", 12))];
}
