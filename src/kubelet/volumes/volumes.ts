// The volumes of Pods: made before the first container starts, kept up to date while it runs, taken away after the last one ended.
import type { Pod } from "#api/core/pod/pod.ts";
import type { Volume } from "#api/core/pod/volume.ts";
import type { World } from "#platform/world.ts";
import { quantityToWhole } from "#schema/quantity.ts";
import type { KubeletOptions } from "../kubelet.ts";
import { namespaceOf, podFolder } from "../layout.ts";
import type { FieldContext } from "../pod-worker/field-paths.ts";
import { writeAtomically } from "./atomic-writer.ts";
import type { Mounts } from "./mounts.ts";
import type { ReferencedObjects } from "./objects.ts";
import { checked, configMapFiles, downwardFiles, type Payload, secretFiles, VolumeError } from "./payload.ts";
import type { Tokens } from "./tokens.ts";

export interface Volumes {
  /** Makes all volumes, or brings their content up to date. Throws VolumeError. Returns when it should be called again, if ever. */
  mount(pod: Pod, context: FieldContext, options?: MountOptions): Promise<number | undefined>;
  /** A path within a volume, held so that nobody can put another thing in its place. Returns where it is to be mounted from. */
  pin(pod: Pod, root: string, path: string, place: SubPathPlace): Promise<string>;
  /** Where a volume is on the node, after `mount`. */
  pathOf(pod: Pod, name: string): string;
  unmount(uid: string): Promise<void>;
  /** UIDs of Pods that left something on this node. */
  leftovers(): Promise<readonly string[]>;
}

export interface MountOptions {
  /** No container of the Pod runs: nobody can change a path while its owner is changed. */
  readonly isAtRest?: boolean;
}

/** The mount of a container that a pinned path is for. */
export interface SubPathPlace {
  readonly volume: string;
  readonly container: string;
  readonly index: number;
}

export interface VolumesNeeds {
  readonly options: KubeletOptions;
  readonly objects: ReferencedObjects;
  readonly tokens: Tokens;
  readonly mounts: Mounts;
}

const defaultMode = 0o644;

export function startVolumes(world: World, { options, objects, tokens, mounts }: VolumesNeeds): Volumes {
  const { files } = world;

  return {
    pathOf,
    pin: (pod, root, path, { volume, container, index }) =>
      mounts.pin(root, path, `${podFolder(options.rootFolder, pod.metadata.uid)}/volume-subpaths/${volume}/${container}/${index}`),
    async mount(pod, context, { isAtRest = false } = {}) {
      const due = await Promise.all((pod.spec.volumes ?? []).map((volume) => mountOne(pod, volume, context, isAtRest)));
      const times = due.filter((time) => time !== undefined);
      return times.length === 0 ? undefined : Math.min(...times);
    },
    async unmount(uid) {
      const folder = podFolder(options.rootFolder, uid);
      if ((await files.stat(folder)) === undefined) return;
      await mounts.unmountBelow(folder);
      await files.remove(folder, { recursive: true });
      objects.release(uid);
      tokens.release(uid);
    },
    async leftovers() {
      const root = `${options.rootFolder}/pods`;
      return (await files.stat(root)) === undefined ? [] : files.list(root);
    },
  };

  function pathOf(pod: Pod, name: string): string {
    const volume = pod.spec.volumes?.find((one) => one.name === name);
    if (!volume) throw new VolumeError(`the Pod has no volume ${JSON.stringify(name)}`);
    return volume.hostPath ? volume.hostPath.path : folderOf(pod, volume);
  }

  function folderOf(pod: Pod, volume: Volume): string {
    return `${podFolder(options.rootFolder, pod.metadata.uid)}/volumes/kubernetes.io~${pluginOf(volume)}/${volume.name}`;
  }

  async function mountOne(pod: Pod, volume: Volume, context: FieldContext, isAtRest: boolean): Promise<number | undefined> {
    try {
      if (volume.hostPath) {
        await checkHostPath(volume.hostPath.path, volume.hostPath.type ?? "");
        return undefined;
      }
      const folder = folderOf(pod, volume);
      await files.makeFolder(folder, { mode: 0o755 });
      if (volume.emptyDir) {
        await makeEmptyDir(pod, volume.emptyDir, folder, isAtRest);
        return undefined;
      }
      const { payload, renewAt } = await payloadOf(pod, volume, context);
      if (volume.secret || volume.projected) await mounts.memory(folder, { mode: "0755" });
      const group = groupOf(pod);
      if (group !== undefined) await share(folder, group);
      await writeAtomically(world, folder, payload, group);
      return renewAt;
    } catch (error) {
      throw new VolumeError(`MountVolume.SetUp failed for volume ${JSON.stringify(volume.name)} : ${(error as Error).message}`);
    }
  }

  async function makeEmptyDir(
    pod: Pod,
    { medium = "", sizeLimit }: NonNullable<Volume["emptyDir"]>,
    folder: string,
    isAtRest: boolean,
  ): Promise<void> {
    if (medium !== "" && medium !== "Memory") throw new VolumeError(`unknown storage medium ${JSON.stringify(medium)}`);
    if (medium === "Memory") {
      await mounts.memory(folder, { mode: "0777", sizeBytes: sizeLimit && sizeLimit !== "0" ? quantityToWhole(sizeLimit) : undefined });
    }
    const { mode } = (await files.stat(folder)) ?? { mode: 0 };
    const group = groupOf(pod);
    if (group !== undefined) {
      const isLeft = pod.spec.securityContext?.fsGroupChangePolicy === "OnRootMismatch" && (await files.stat(folder))?.gid === group;
      if (isAtRest && !isLeft) await shareBelow(folder, group);
      await share(folder, group, 0o2777);
    } else if (mode !== 0o777) await files.changeMode(folder, 0o777);
  }

  async function share(folder: string, gid: number, mode = 0o2775): Promise<void> {
    const info = await files.stat(folder);
    if (info?.gid === gid && info.mode === mode) return;
    await files.changeOwner(folder, info?.uid ?? 0, gid);
    await files.changeMode(folder, mode);
  }

  /** What is in the folder already becomes the group's too. */
  async function shareBelow(folder: string, gid: number): Promise<void> {
    for (const name of await files.list(folder)) {
      const path = `${folder}/${name}`;
      const info = await files.stat(path);
      if (info?.kind === "folder") {
        await shareBelow(path, gid);
        await share(path, gid, info.mode | 0o2770);
      } else if (info?.kind === "file") await share(path, gid, info.mode | 0o660);
    }
  }

  async function checkHostPath(path: string, type: string): Promise<void> {
    if (path.split("/").includes("..")) throw new VolumeError(`invalid hostPath ${JSON.stringify(path)}: must not contain '..'`);
    const info = await files.stat(path, { follow: true });
    switch (type) {
      case "DirectoryOrCreate":
        if (!info) await files.makeFolder(path, { mode: 0o755 });
        else if (info.kind !== "folder") throw new VolumeError(`hostPath type check failed: ${path} is not a directory`);
        return;
      case "FileOrCreate":
        if (!info) await files.write(path, "", { mode: 0o644 });
        else if (info.kind !== "file") throw new VolumeError(`hostPath type check failed: ${path} is not a file`);
        return;
      case "Directory":
        if (info?.kind !== "folder") throw new VolumeError(`hostPath type check failed: ${path} is not a directory`);
        return;
      case "File":
        if (info?.kind !== "file") throw new VolumeError(`hostPath type check failed: ${path} is not a file`);
        return;
      case "Socket":
        if (info?.kind !== "socket") throw new VolumeError(`hostPath type check failed: ${path} is not a socket file`);
        return;
      case "CharDevice":
      case "BlockDevice":
        if (info?.kind !== "other")
          throw new VolumeError(`hostPath type check failed: ${path} is not a ${type === "CharDevice" ? "character" : "block"} device`);
        return;
      default:
        return;
    }
  }

  async function payloadOf(pod: Pod, volume: Volume, context: FieldContext): Promise<{ payload: Payload; renewAt?: number | undefined }> {
    const { configMap, secret, downwardAPI, projected } = volume;
    if (configMap) {
      const { name = "", items, optional = false } = configMap;
      return { payload: await fromConfigMap(pod, name, { items, mode: configMap.defaultMode ?? defaultMode, optional }) };
    }
    if (secret) {
      const { secretName = "", items, optional = false } = secret;
      return { payload: await fromSecret(pod, secretName, { items, mode: secret.defaultMode ?? defaultMode, optional }) };
    }
    if (downwardAPI) return { payload: downwardFiles(pod, downwardAPI.items ?? [], downwardAPI.defaultMode ?? defaultMode, context) };
    if (projected) return fromProjection(pod, projected, context);
    throw new VolumeError(`this kind of volume is not supported on this node: ${pluginOf(volume)}`);
  }

  async function fromConfigMap(
    pod: Pod,
    name: string,
    selection: { items: Parameters<typeof configMapFiles>[1]["items"]; mode: number; optional: boolean },
  ) {
    const found = await objects.configMap(pod.metadata.uid, namespaceOf(pod), name);
    if (!found && !selection.optional) throw new VolumeError(`configmap ${JSON.stringify(name)} not found`);
    return found ? configMapFiles(found, selection) : (new Map() as Payload);
  }

  async function fromSecret(
    pod: Pod,
    name: string,
    selection: { items: Parameters<typeof secretFiles>[1]["items"]; mode: number; optional: boolean },
  ) {
    const found = await objects.secret(pod.metadata.uid, namespaceOf(pod), name);
    if (!found && !selection.optional) throw new VolumeError(`secret ${JSON.stringify(name)} not found`);
    return found ? secretFiles(found, selection) : (new Map() as Payload);
  }

  async function fromProjection(
    pod: Pod,
    projected: NonNullable<Volume["projected"]>,
    context: FieldContext,
  ): Promise<{ payload: Payload; renewAt?: number | undefined }> {
    const mode = projected.defaultMode ?? defaultMode;
    const user = tokenUser(pod);
    let renewAt: number | undefined;
    const parts = await Promise.all(
      projected.sources.map(async ({ configMap, secret, downwardAPI, serviceAccountToken }): Promise<Payload> => {
        if (configMap)
          return fromConfigMap(pod, configMap.name ?? "", { items: configMap.items, mode, optional: configMap.optional ?? false });
        if (secret) return fromSecret(pod, secret.name ?? "", { items: secret.items, mode, optional: secret.optional ?? false });
        if (downwardAPI) return downwardFiles(pod, downwardAPI.items ?? [], mode, context);
        if (serviceAccountToken) {
          const { token, renewAt: due } = await tokens.token(pod, serviceAccountToken);
          renewAt = Math.min(renewAt ?? due, due);
          const tokenMode = user !== undefined || groupOf(pod) !== undefined ? 0o600 : mode;
          return new Map([[checked(serviceAccountToken.path), { data: new TextEncoder().encode(token), mode: tokenMode, uid: user }]]);
        }
        throw new VolumeError("a source of this projected volume is not supported on this node");
      }),
    );
    return { payload: new Map(parts.flatMap((part) => [...part])), renewAt };
  }
}

function groupOf({ spec }: Pod): number | undefined {
  const group = spec.securityContext?.fsGroup;
  return group === undefined ? undefined : Number(group);
}

/** The user that all containers run as, if it is one and said. */
function tokenUser({ spec }: Pod): number | undefined {
  const users = [...spec.containers, ...(spec.initContainers ?? [])].map(
    ({ securityContext }) => securityContext?.runAsUser ?? spec.securityContext?.runAsUser,
  );
  const [first] = users;
  return first !== undefined && users.every((user) => user === first) ? Number(first) : undefined;
}

function pluginOf(volume: Volume): string {
  if (volume.emptyDir) return "empty-dir";
  if (volume.hostPath) return "host-path";
  if (volume.configMap) return "configmap";
  if (volume.secret) return "secret";
  if (volume.downwardAPI) return "downward-api";
  if (volume.projected) return "projected";
  return Object.keys(volume).find((key) => key !== "name") ?? "empty-dir";
}
