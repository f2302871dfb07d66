// `keelson up`: this machine becomes a node with a control plane. Every step looks at what is there and makes only what is missing, so that
// it can be repeated, and go on after it was killed anywhere.
import type { Scope } from "#base/scope.ts";
import { Node } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import type { Client } from "#client/client.ts";
import { clientFor } from "#component/cluster-client.ts";
import { readKubeconfig } from "#component/kubeconfig.ts";
import type { World } from "#platform/world.ts";
import { addOns, applyAddOns } from "./add-ons.ts";
import { ensureCertificates } from "./certificates.ts";
import {
  configureContainerd,
  containerdAnswers,
  containerdFacts,
  installPackages,
  missingPrograms,
  writeContainerdUnit,
} from "./containerd.ts";
import { buildImages, controlPlaneImage, importImages, pauseImage } from "./images/installed-images.ts";
import { install, warmUp } from "./install.ts";
import { adminKubeconfigPath, writeIfChanged, writeKubeconfigs, writeKubeletConfiguration } from "./kubeconfigs.ts";
import { BootstrapError, type ClusterSettings, containerdConfigPath, kubeletProgram, targetName, unitFolder } from "./layout.ts";
import { checkMachine, checkRoot, checkSettings } from "./machine-check.ts";
import { readKernelSettings, secureNetwork, writeNetworkConfig } from "./machine-network.ts";
import type { Progress } from "./progress.ts";
import { foldersBefore, note, packetTables, readRecord } from "./record.ts";
import type { Services } from "./services.ts";
import { writeStaticPods } from "./static-pods.ts";
import { kubeletDropIn, writeUnits } from "./unit-files.ts";

export interface UpOptions {
  readonly settings: ClusterSettings;
  readonly services: Services;
  readonly progress: Progress;
  /** Whether the Node's name and address are others than the kubelet finds by itself. */
  readonly kubeletFlags: readonly string[];
}

const apiSeconds = 90;
const readySeconds = 120;
const pollMilliseconds = 100;

export async function up(scope: Scope, world: World, { settings, services, progress, kubeletFlags }: UpOptions): Promise<void> {
  const { step, say } = progress;
  const { version } = world.processes.self;
  checkRoot(world);
  checkSettings(settings);
  await step("looked at this machine", async (found) => {
    const isUp = (await readRecord(world)) !== undefined;
    await checkMachine(world, { isUp });
    found(`Node ${settings.nodeName}, ${settings.nodeAddress}, ${services.name}${isUp ? "; it was up already, or half so" : ""}`);
  });
  const missing = await missingPrograms(world, settings.store);
  if (missing.length > 0) await step(`installed ${missing.join(", ")}`, () => installPackages(world, missing, say));
  const containerdRan = await containerdAnswers(world);
  if ((await readRecord(world)) === undefined && containerdRan && !(await services.isActive("containerd.service")))
    throw new BootstrapError(
      "containerd runs already, and is not kept running by the supervisor of this machine",
      "End it and run keelson up again, which starts it and keeps it running.",
    );
  await note(world, {
    ...(await foldersBefore(world)),
    tables: await packetTables(world),
    kernel: await readKernelSettings(world),
    containerdRan,
    ...settings,
  });
  await step("cluster addresses stay on this machine", () => secureNetwork(world, settings));
  const installed = await step("installed what runs on the node", async (found) => {
    const result = await install(world);
    found(result.changed ? "/usr/lib/keelson" : "already there");
    return result;
  });
  // The longest of what remains, and needed by none of the next steps.
  const building = buildImages(world, {
    fingerprint: installed.fingerprint,
    nodeName: settings.nodeName,
    installed: warmUp(world),
  });
  building.catch(() => {});

  const changed = await step("certificates, kubeconfigs, configuration", async (found) => {
    const certificates = await ensureCertificates(world, settings);
    const kubeconfigs = await writeKubeconfigs(world, settings, certificates);
    found(certificates.made.length > 0 ? `made ${certificates.made.join(", ")}` : "all good");
    return {
      certificates: certificates.made,
      kubelet: (await writeKubeletConfiguration(world, settings)) || kubeconfigs.includes("kubelet.conf"),
    };
  });

  const units = await step("containerd answers", async () => {
    const setup = await configureContainerd(world, await containerdFacts(world, pauseImage(version)), say);
    if (setup.replaced !== undefined) await note(world, { files: { [containerdConfigPath]: setup.replaced } });
    const networkChanged = await writeNetworkConfig(world, settings);
    const unitChanged = await writeContainerdUnit(world);
    const written = await writeUnits(world);
    const dropIn = kubeletDropIn(kubeletFlags);
    const dropInPath = `${unitFolder}/kubelet.service.d/10-keelson.conf`;
    const dropInChanged = dropIn === undefined ? await removed(world, dropInPath) : await writeIfChanged(world, dropInPath, dropIn);
    await services.reload();
    if ((setup.changed || networkChanged || unitChanged) && (await services.isActive("containerd.service")))
      await services.restart("containerd.service");
    else await services.start("containerd.service");
    await until(
      scope,
      world,
      "containerd to answer",
      30,
      () => containerdAnswers(world),
      () => services.journal("containerd.service", 15),
    );
    return { kubelet: written.includes("kubelet.service") || dropInChanged };
  });

  const image = await step("images of the control plane", async (found) => {
    const built = await building;
    const imported = await importImages(world, built.names);
    found(`${built.built ? "built" : "already built"}, ${imported ? "imported" : "already in containerd"}`);
    return { name: controlPlaneImage(version), digest: built.controlPlaneDigest };
  });

  await step("the kubelet runs", async () => {
    await writeStaticPods(world, settings, image);
    const isStale =
      installed.changed || changed.kubelet || units.kubelet || changed.certificates.some((name) => name.startsWith("kubelet"));
    await services.enable(targetName);
    if (isStale && (await services.isActive("kubelet.service"))) await services.restart("kubelet.service");
    await services.start(targetName);
    await services.start("kubelet.service");
  });

  const client = await step("the API server is ready", async () => {
    const admin = clientFor(scope, world, await readKubeconfig(world, adminKubeconfigPath), "keelson");
    await until(
      scope,
      world,
      "the API server",
      apiSeconds,
      () => answers(admin),
      () => explain(world, services, "kube-apiserver"),
    );
    return admin;
  });
  await step("the proxy and the name server are applied", async () => {
    let last = "";
    await until(
      scope,
      world,
      "the API server to take the add-ons",
      60,
      async () => {
        try {
          await applyAddOns(client, addOns(settings, image));
          return true;
        } catch (error) {
          last = error instanceof Error ? error.message : String(error);
          return false;
        }
      },
      async () => [last],
    );
  });
  await step("the Node is Ready", () =>
    until(
      scope,
      world,
      `Node ${settings.nodeName} to be Ready`,
      readySeconds,
      () => isNodeReady(client, settings.nodeName),
      async () => [...(await nodeConditions(client, settings.nodeName)), ...(await services.journal("kubelet.service", 15))],
    ),
  );
  // A kubelet may not give itself this label; it is how users tell control-plane nodes.
  await client.patch(Node, { name: settings.nodeName }, { metadata: { labels: { [controlPlaneLabel]: "" } } }, { type: "merge" });
  await step("all of kube-system runs", () =>
    until(
      scope,
      world,
      "the Pods of kube-system",
      readySeconds,
      async () => (await notRunning(client, settings)).length === 0,
      async () => [...(await notRunning(client, settings)), ...(await services.journal("kubelet.service", 10))],
    ),
  );
  say("");
  say(`export KUBECONFIG=${adminKubeconfigPath}`);
  say("kubectl create deployment hello --image=keelson/hello --replicas=3");
  if (!services.survivesReboot) say("systemd is not process 1 here: after a restart of the machine, run keelson up again.");
}

async function removed(world: World, path: string): Promise<boolean> {
  const was = (await world.files.stat(path)) !== undefined;
  await world.files.remove(path);
  return was;
}

async function answers(client: Client): Promise<boolean> {
  try {
    await client.list(Node, { limit: 1 });
    return true;
  } catch {
    return false;
  }
}

const controlPlaneLabel = "node-role.kubernetes.io/control-plane";

async function isNodeReady(client: Client, name: string): Promise<boolean> {
  try {
    const { status } = await client.get(Node, { name });
    return status?.conditions?.some(({ type, status: state }) => type === "Ready" && state === "True") ?? false;
  } catch {
    return false;
  }
}

async function nodeConditions(client: Client, name: string): Promise<readonly string[]> {
  try {
    const { status } = await client.get(Node, { name });
    return (status?.conditions ?? []).map(({ type, status: state, message }) => `${type}=${state} ${message ?? ""}`);
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

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

/** Polls; after `seconds` it fails with what `why` finds out. */
async function until(
  scope: Scope,
  world: World,
  what: string,
  seconds: number,
  holds: () => Promise<boolean>,
  why: () => Promise<readonly string[]>,
): Promise<void> {
  const deadline = world.clock.monotonic() + seconds * 1_000;
  while (!(await holds())) {
    if (world.clock.monotonic() > deadline) {
      const lines = await why().catch(() => []);
      throw new BootstrapError(
        `waited ${seconds} s for ${what} in vain${lines.map((line) => `\n  | ${line}`).join("")}`,
        "Everything that was made stays. Mend what is said above and run keelson up again, or keelson down.",
      );
    }
    await world.clock.sleep(scope, pollMilliseconds);
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
