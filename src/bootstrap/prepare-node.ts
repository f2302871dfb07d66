// What every node is given, with a control plane or without: in the order in which `up` and `join` go through it.
import type { Scope } from "#base/scope.ts";
import type { World } from "#platform/world.ts";
import {
  configureContainerd,
  containerdAnswers,
  containerdFacts,
  installPackages,
  missingPrograms,
  writeContainerdUnit,
} from "./containerd.ts";
import { giveImages } from "./images/give-images.ts";
import { type BuiltImages, buildImages, controlPlaneImage, pauseImage } from "./images/installed-images.ts";
import { install, type Installed, warmUp } from "./install.ts";
import { BootstrapError, type ClusterSettings, containerdConfigPath, type NodeSettings, targetName } from "./layout.ts";
import { checkMachine, checkRoot, checkSettings } from "./machine-check.ts";
import { readKernelSettings, secureNetwork, writeNetworkConfig } from "./machine-network.ts";
import type { Progress } from "./progress.ts";
import { foldersBefore, note, packetTables, readRecord } from "./record.ts";
import type { Services } from "./services.ts";
import type { ControlPlaneImage } from "./static-pods.ts";
import { writeBaseUnits, writeBootScript, writeKubeletUnit } from "./unit-files.ts";
import { until } from "./wait.ts";

export interface Preparation {
  /** Of the node with the control plane, all of the cluster's. */
  readonly settings: NodeSettings & Partial<ClusterSettings>;
  readonly role: "control plane" | "worker";
  readonly services: Services;
  readonly progress: Progress;
}

export interface Prepared {
  readonly installed: Installed;
  /** The longest of what remains, and needed by none of the next steps. */
  readonly images: Promise<BuiltImages>;
}

/** Looks at the machine, notes what was there, keeps cluster addresses on it, and installs what runs on it. */
export async function prepareMachine(world: World, { settings, role, services, progress }: Preparation): Promise<Prepared> {
  const { step, say } = progress;
  checkRoot(world);
  checkSettings(settings);
  await step("looked at this machine", async (found) => {
    const isUp = (await readRecord(world)) !== undefined;
    await checkMachine(world, { isUp, hasControlPlane: role === "control plane" });
    found(`Node ${settings.nodeName}, ${settings.nodeAddress}, ${services.name}${isUp ? "; it was up already, or half so" : ""}`);
  });
  const missing = await missingPrograms(world, settings.store ?? "disk");
  if (missing.length > 0) await step(`installed ${missing.join(", ")}`, () => installPackages(world, missing, say));
  const containerdRan = await containerdAnswers(world);
  if ((await readRecord(world)) === undefined && containerdRan && !(await services.isActive("containerd.service")))
    throw new BootstrapError(
      "containerd runs already, and is not kept running by the supervisor of this machine",
      "End it and run the same command again, which starts it and keeps it running.",
    );
  await note(world, {
    ...(await foldersBefore(world)),
    tables: await packetTables(world),
    kernel: await readKernelSettings(world, settings),
    containerdRan,
    role,
    ...settings,
  });
  await step("cluster addresses stay on this machine", () => secureNetwork(world, settings));
  const installed = await step("installed what runs on the node", async (found) => {
    const result = await install(world);
    if (!services.survivesReboot) await writeBootScript(world);
    found(result.changed ? "/usr/lib/keelson" : "already there");
    return result;
  });
  const images = buildImages(world, {
    fingerprint: installed.fingerprint,
    nodeName: settings.nodeName,
    installed: warmUp(world),
  });
  images.catch(() => {});
  return { installed, images };
}

export async function startContainerd(scope: Scope, world: World, { settings, services, progress }: Preparation): Promise<void> {
  await progress.step("containerd answers", async () => {
    const setup = await configureContainerd(world, await containerdFacts(world, pauseImage(world.processes.self.version)), progress.say);
    if (setup.replaced !== undefined) await note(world, { files: { [containerdConfigPath]: setup.replaced } });
    const networkChanged = await writeNetworkConfig(world, settings);
    const unitChanged = await writeContainerdUnit(world);
    await writeBaseUnits(world);
    await services.reload();
    if ((setup.changed || networkChanged || unitChanged) && (await services.isActive("containerd.service")))
      await services.restart("containerd.service");
    else await services.start("containerd.service");
    await until(scope, world, {
      what: "containerd to answer",
      seconds: 30,
      holds: () => containerdAnswers(world),
      why: () => services.journal("containerd.service", 15),
    });
  });
}

/** From here on the kubelet may be started: our supervisor does so at once. Gives whether one that runs is out of date. */
export async function allowKubelet(world: World, { services }: Preparation, flags: readonly string[]): Promise<boolean> {
  const changed = await writeKubeletUnit(world, flags);
  await services.reload();
  return changed;
}

/** Waits for the images that are being built, and gives them to containerd. */
export async function takeImages(scope: Scope, world: World, { images }: Prepared, { progress }: Preparation): Promise<ControlPlaneImage> {
  return progress.step("images of what runs on the node", async (found) => {
    const built = await images;
    const isNew = await giveImages(scope, world);
    found(`${built.built ? "built" : "already built"}, ${isNew ? "given to containerd" : "already in containerd"}`);
    return { name: controlPlaneImage(world.processes.self.version), digest: built.controlPlaneDigest };
  });
}

export async function runKubelet({ services }: Preparation, { isStale }: { readonly isStale: boolean }): Promise<void> {
  await services.enable(targetName);
  if (isStale && (await services.isActive("kubelet.service"))) await services.restart("kubelet.service");
  await services.start(targetName);
  await services.start("kubelet.service");
}
