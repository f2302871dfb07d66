// Volumes of CSI drivers: staged once for the node, published for each Pod, and taken back in the opposite order.
//
// Invariants:
// - What is staged or published for a Pod stands in its vol_data.json before the driver is asked, so that it is taken back whatever failed.
// - Of one volume, one thing is done at a time.
import { Secret } from "#api/core/secret/secret.ts";
import type { PersistentVolume } from "#api/core/persistent-volume/persistent-volume.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import type { Volume } from "#api/core/pod/volume.ts";
import { isReason } from "#api/meta/status-error.ts";
import { CSIDriver } from "#api/storage.k8s.io/csi-driver/csi-driver.ts";
import { VolumeAttachment } from "#api/storage.k8s.io/volume-attachment/volume-attachment.ts";
import { decodeBase64 } from "#base/base64.ts";
import { hex, sha256 } from "#base/sha256.ts";
import type { Client } from "#client/client.ts";
import type { World } from "#platform/world.ts";
import { formatTime } from "#schema/time.ts";
import { namespaceOf, podFolder } from "../../layout.ts";
import { giveToGroup, groupOf } from "../ownership.ts";
import type { Tokens } from "../tokens.ts";
import { VolumeError } from "../volume-error.ts";
import type { CsiDriver as Connected } from "./driver.ts";
import { accessModeNumbers, singleNodeMultiWriter, stageUnstage, volumeMountGroup } from "./messages.ts";
import type { CsiDrivers } from "./registration.ts";

export interface CsiNeeds {
  readonly client: Client | undefined;
  readonly nodeName: string;
  /** "/var/lib/kubelet". */
  readonly rootFolder: string;
  readonly drivers: CsiDrivers;
  readonly tokens: Tokens;
}

export interface CsiPlace {
  readonly path: string;
  /** When the driver wants to be asked again, with newer tokens. */
  readonly republishAt: number | undefined;
}

export interface CsiVolumes {
  /** Throws VolumeError in the words of the FailedMount event. Called again, it does again what may have changed. */
  mount(pod: Pod, volume: PersistentVolume, options: { readonly readOnly: boolean; readonly isAtRest: boolean }): Promise<CsiPlace>;
  /** The same for a volume that the Pod describes itself. */
  mountInline(pod: Pod, volume: Volume, options: { readonly isAtRest: boolean }): Promise<CsiPlace>;
  /** Takes back all that is published for the Pod, and unstages what nobody on this node uses any more. */
  unmountAll(uid: string): Promise<void>;
}

/** As upstream writes it, so that either kubelet finds what the other left. */
interface VolumeData {
  readonly driverName: string;
  readonly nodeName: string;
  readonly specVolID: string;
  readonly volumeHandle: string;
  readonly volumeLifecycleMode: "Persistent" | "Ephemeral";
  readonly attachmentID: string;
}

const dataFile = "vol_data.json";
const podInfo = "csi.storage.k8s.io/";
const republishMilliseconds = 60_000;

export function startCsiVolumes(world: World, { client, nodeName, rootFolder, drivers, tokens }: CsiNeeds): CsiVolumes {
  const { files } = world;
  const turns = new Map<string, Promise<unknown>>();

  return {
    mount: (pod, volume, options) =>
      inTurn(keyOf(volume.spec.csi?.driver, volume.spec.csi?.volumeHandle), () => mount(pod, volume, options)),
    mountInline,
    async unmountAll(uid) {
      const folder = volumesFolder(uid);
      if ((await files.stat(folder)) === undefined) return;
      for (const name of await files.list(folder)) await unmount(`${folder}/${name}`);
    },
  };

  async function mount(
    pod: Pod,
    { metadata, spec }: PersistentVolume,
    { readOnly, isAtRest }: { readonly readOnly: boolean; readonly isAtRest: boolean },
  ): Promise<CsiPlace> {
    const { csi } = spec;
    if (!csi) throw new VolumeError("the volume is of no CSI driver");
    const named = JSON.stringify(metadata.name);
    const object = await driverObject(csi.driver);
    const driver = drivers.driver(csi.driver);
    const attachmentID = `csi-${hash(`${csi.volumeHandle}${csi.driver}${nodeName}`)}`;
    const attached = (object?.spec.attachRequired ?? true) ? await attachment(attachmentID, metadata.name) : {};
    if (!driver) {
      throw new VolumeError(
        `MountVolume.MountDevice failed for volume ${named} : kubernetes.io/csi: attacher.MountDevice failed to create newCsiDriverClient: ${unregistered(csi.driver)}`,
      );
    }
    const group = groupOf(pod);
    const isGivenByDriver = group !== undefined && driver.capabilities.has(volumeMountGroup);
    const volumeCapability = {
      mount: { fsType: csi.fsType ?? "", mountFlags: spec.mountOptions ?? [], volumeMountGroup: isGivenByDriver ? String(group) : "" },
      accessMode: { mode: accessModeOf(spec.accessModes ?? [], driver) },
    };
    const shared = { volumeId: csi.volumeHandle, publishContext: attached, volumeCapability };
    const data: VolumeData = {
      driverName: csi.driver,
      nodeName,
      specVolID: metadata.name,
      volumeHandle: csi.volumeHandle,
      volumeLifecycleMode: "Persistent",
      attachmentID,
    };
    let stagingTargetPath = "";
    if (driver.capabilities.has(stageUnstage)) {
      const folder = stagingFolder(csi.driver, csi.volumeHandle);
      stagingTargetPath = `${folder}/globalmount`;
      await files.makeFolder(stagingTargetPath, { mode: 0o750 });
      await noted(pod, data);
      await files.replace(`${folder}/${dataFile}`, JSON.stringify(data), { mode: 0o600 });
      const secrets = await secretOf(csi.nodeStageSecretRef);
      await explained(`MountVolume.MountDevice failed for volume ${named} : `, () =>
        driver.stage({ ...shared, stagingTargetPath, secrets, volumeContext: csi.volumeAttributes ?? {} }),
      );
    }
    const wish = await tokensFor(pod, object);
    const secrets = { ...(await secretOf(csi.nodePublishSecretRef)), ...wish.secrets };
    const volumeContext = { ...csi.volumeAttributes, ...(object?.spec.podInfoOnMount && infoOf(pod, false)), ...wish.context };
    const path = await published(pod, driver, data, { ...shared, stagingTargetPath, secrets, volumeContext, readonly: readOnly });
    const policy = object?.spec.fsGroupPolicy ?? "ReadWriteOnceWithFSType";
    const isOurs =
      policy === "File" ||
      (policy === "ReadWriteOnceWithFSType" &&
        Boolean(csi.fsType) &&
        (spec.accessModes ?? []).every((mode) => mode.startsWith("ReadWriteOnce")));
    if (group !== undefined && isAtRest && isOurs && !isGivenByDriver && !readOnly)
      await giveToGroup(files, path, group, pod.spec.securityContext?.fsGroupChangePolicy);
    return { path, republishAt: wish.republishAt };
  }

  async function mountInline(pod: Pod, { name, csi }: Volume, { isAtRest }: { readonly isAtRest: boolean }): Promise<CsiPlace> {
    if (!csi) throw new VolumeError("the volume is of no CSI driver");
    const failed = (why: string) => new VolumeError(`MountVolume.SetUp failed for volume ${JSON.stringify(name)} : ${why}`);
    const object = await driverObject(csi.driver);
    const driver = drivers.driver(csi.driver);
    if (!driver) throw failed(`kubernetes.io/csi: mounter.SetUpAt failed to get CSI client: ${unregistered(csi.driver)}`);
    const modes = object?.spec.volumeLifecycleModes ?? ["Persistent"];
    if (!modes.includes("Ephemeral")) {
      const only = modes.map((mode) => JSON.stringify(mode)).join(" ");
      throw failed(
        `kubernetes.io/csi: mounter.SetUpAt failed to check volume lifecycle mode: volume mode "Ephemeral" not supported by driver ${csi.driver} (only supports [${only}])`,
      );
    }
    const volumeHandle = `csi-${hash(`${pod.metadata.uid}${name}`)}`;
    const group = groupOf(pod);
    const isGivenByDriver = group !== undefined && driver.capabilities.has(volumeMountGroup);
    const reference = csi.nodePublishSecretRef?.name;
    const wish = await tokensFor(pod, object);
    const secrets = { ...(await secretOf(reference ? { name: reference, namespace: namespaceOf(pod) } : undefined)), ...wish.secrets };
    const data: VolumeData = {
      driverName: csi.driver,
      nodeName,
      specVolID: name,
      volumeHandle,
      volumeLifecycleMode: "Ephemeral",
      attachmentID: "",
    };
    return inTurn(keyOf(csi.driver, volumeHandle), async () => {
      const path = await published(pod, driver, data, {
        volumeId: volumeHandle,
        publishContext: {},
        stagingTargetPath: "",
        volumeCapability: {
          mount: { fsType: csi.fsType ?? "", mountFlags: [], volumeMountGroup: isGivenByDriver ? String(group) : "" },
          accessMode: { mode: accessModeNumbers.singleNodeWriter },
        },
        readonly: csi.readOnly ?? false,
        secrets,
        volumeContext: { ...csi.volumeAttributes, ...(object?.spec.podInfoOnMount && infoOf(pod, true)), ...wish.context },
      });
      const policy = object?.spec.fsGroupPolicy ?? "ReadWriteOnceWithFSType";
      const isOurs = policy === "File" || (policy === "ReadWriteOnceWithFSType" && Boolean(csi.fsType));
      if (group !== undefined && isAtRest && isOurs && !isGivenByDriver && !csi.readOnly)
        await giveToGroup(files, path, group, pod.spec.securityContext?.fsGroupChangePolicy);
      return { path, republishAt: wish.republishAt };
    });
  }

  /** The tokens that the driver asks for, where it wants them, and when it is to get newer ones. */
  async function tokensFor(pod: Pod, object: CSIDriver | undefined) {
    const { tokenRequests = [], serviceAccountTokenInSecrets = false, requiresRepublish } = object?.spec ?? {};
    const held = await Promise.all(tokenRequests.map(async (wish) => [wish.audience, await tokens.token(pod, wish)] as const));
    const all = Object.fromEntries(
      held.map(([audience, { token, expiresAt }]) => [audience, { token, expirationTimestamp: formatTime(expiresAt) }]),
    );
    const given = held.length === 0 ? {} : { [`${podInfo}serviceAccount.tokens`]: JSON.stringify(all) };
    const republishAt = requiresRepublish ? world.clock.now() + republishMilliseconds : undefined;
    return serviceAccountTokenInSecrets ? { secrets: given, context: {}, republishAt } : { secrets: {}, context: given, republishAt };
  }

  async function published(
    pod: Pod,
    driver: Connected,
    data: VolumeData,
    request: Omit<Parameters<Connected["publish"]>[0], "targetPath">,
  ): Promise<string> {
    const targetPath = `${await noted(pod, data)}/mount`;
    await explained(
      `MountVolume.SetUp failed for volume ${JSON.stringify(data.specVolID)} : kubernetes.io/csi: mounter.SetupAt failed: `,
      () => driver.publish({ ...request, targetPath }),
    );
    return targetPath;
  }

  /** Writes down that the Pod has the volume, or is about to. Returns the folder for it. */
  async function noted(pod: Pod, data: VolumeData): Promise<string> {
    const folder = `${volumesFolder(pod.metadata.uid)}/${data.specVolID}`;
    const path = `${folder}/${dataFile}`;
    await files.makeFolder(folder, { mode: 0o750 });
    const text = JSON.stringify(data);
    if ((await files.readText(path).catch(() => undefined)) !== text) await files.replace(path, text, { mode: 0o600 });
    return folder;
  }

  /** Undefined where nothing was asked of a driver yet: what was cut off while it was written was written before that. */
  async function dataIn(folder: string): Promise<VolumeData | undefined> {
    const text = await files.readText(`${folder}/${dataFile}`).catch(() => undefined);
    try {
      return text === undefined ? undefined : (JSON.parse(text) as VolumeData);
    } catch {
      return undefined;
    }
  }

  async function unmount(folder: string): Promise<void> {
    const data = await dataIn(folder);
    if (!data) return;
    const { driverName, volumeHandle, volumeLifecycleMode } = data;
    await inTurn(keyOf(driverName, volumeHandle), async () => {
      const driver = drivers.driver(driverName);
      if (!driver) throw new VolumeError(`kubernetes.io/csi: Unmounter.TearDownAt failed to get CSI client: ${unregistered(driverName)}`);
      await driver.unpublish(volumeHandle, `${folder}/mount`);
      if (volumeLifecycleMode === "Persistent" && driver.capabilities.has(stageUnstage)) await unstage(driver, volumeHandle, folder);
      // Last: whatever failed before is done again.
      await files.remove(`${folder}/${dataFile}`);
    });
  }

  async function unstage(driver: Connected, volumeHandle: string, leaving: string): Promise<void> {
    const folder = stagingFolder(driver.name, volumeHandle);
    if ((await files.stat(folder)) === undefined || (await isUsed(driver.name, volumeHandle, leaving))) return;
    const staged = `${folder}/globalmount`;
    await driver.unstage(volumeHandle, staged);
    // A driver that left its mount behind must not lose what is in it: the folder itself goes, or nothing.
    await files.remove(staged);
    await files.remove(folder, { recursive: true });
  }

  /** Whether some Pod of this node still has the volume, but for the one that leaves. */
  async function isUsed(driverName: string, volumeHandle: string, leaving: string): Promise<boolean> {
    for (const uid of await files.list(`${rootFolder}/pods`)) {
      const folder = volumesFolder(uid);
      for (const name of (await files.stat(folder)) ? await files.list(folder) : []) {
        if (`${folder}/${name}` === leaving) continue;
        const data = await dataIn(`${folder}/${name}`);
        if (data?.driverName === driverName && data.volumeHandle === volumeHandle) return true;
      }
    }
    return false;
  }

  function volumesFolder(uid: string): string {
    return `${podFolder(rootFolder, uid)}/volumes/kubernetes.io~csi`;
  }

  function stagingFolder(driverName: string, volumeHandle: string): string {
    return `${rootFolder}/plugins/kubernetes.io/csi/${driverName}/${hash(volumeHandle)}`;
  }

  /** What the cluster says of the driver; nothing where nobody said anything. */
  async function driverObject(name: string): Promise<CSIDriver | undefined> {
    try {
      return await client?.get(CSIDriver, { name });
    } catch (error) {
      if (isReason(error, "NotFound")) return undefined;
      throw error;
    }
  }

  /** What the driver said when the volume was attached to this node. */
  async function attachment(name: string, volume: string): Promise<Readonly<Record<string, string>>> {
    const failed = (why: string) => new VolumeError(`AttachVolume.Attach failed for volume ${JSON.stringify(volume)} : ${why}`);
    const found = await client?.get(VolumeAttachment, { name }).catch((error: unknown) => {
      if (isReason(error, "NotFound")) return undefined;
      throw error;
    });
    if (!found)
      throw failed(`volumeattachments.storage.k8s.io ${JSON.stringify(name)} not found: the volume is not attached to this node yet`);
    if (found.status.attachError) throw failed(found.status.attachError.message ?? "");
    if (!found.status.attached) throw failed("the volume is not attached to this node yet");
    return found.status.attachmentMetadata ?? {};
  }

  async function secretOf(
    reference: { readonly name?: string | undefined; readonly namespace?: string | undefined } | undefined,
  ): Promise<Readonly<Record<string, string>>> {
    if (!reference?.name || !client) return {};
    const { data = {} } = await client.get(Secret, { name: reference.name, namespace: reference.namespace ?? "default" });
    return Object.fromEntries(
      Object.entries(data).map(([key, base64]) => {
        const bytes = decodeBase64(base64);
        return [key, typeof bytes === "number" ? "" : new TextDecoder().decode(bytes)];
      }),
    );
  }

  function hash(text: string): string {
    return hex(sha256(new TextEncoder().encode(text)));
  }

  function inTurn<T>(key: string, act: () => Promise<T>): Promise<T> {
    const turn = (turns.get(key) ?? Promise.resolve()).then(act, act);
    turns.set(key, turn);
    const forget = () => {
      if (turns.get(key) === turn) turns.delete(key);
    };
    void turn.then(forget, forget);
    return turn;
  }
}

function keyOf(driver = "", handle = ""): string {
  return `${driver}\n${handle}`;
}

function unregistered(name: string): string {
  return `driver name ${name} not found in the list of registered CSI drivers`;
}

async function explained(prefix: string, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    throw new VolumeError(prefix + (error as Error).message);
  }
}

function infoOf(pod: Pod, isEphemeral: boolean): Readonly<Record<string, string>> {
  return {
    [`${podInfo}pod.name`]: pod.metadata.name,
    [`${podInfo}pod.namespace`]: namespaceOf(pod),
    [`${podInfo}pod.uid`]: pod.metadata.uid,
    [`${podInfo}serviceAccount.name`]: pod.spec.serviceAccountName ?? "default",
    [`${podInfo}ephemeral`]: String(isEphemeral),
  };
}

function accessModeOf(modes: readonly string[], { capabilities }: Connected): number {
  if (modes.includes("ReadWriteMany")) return accessModeNumbers.multiNodeMultiWriter;
  const isTold = capabilities.has(singleNodeMultiWriter);
  if (modes.includes("ReadWriteOncePod")) return isTold ? accessModeNumbers.singleNodeSingleWriter : accessModeNumbers.singleNodeWriter;
  if (modes.includes("ReadWriteOnce")) return isTold ? accessModeNumbers.singleNodeMultiWriter : accessModeNumbers.singleNodeWriter;
  return accessModeNumbers.multiNodeReaderOnly;
}
