// The volumes of Pods: made before the first container starts, kept up to date while it runs, taken away after the last one ended.
//
// Invariant: what a volume of a claim is, is decided once for a Pod's life on this node; the places of claims are known after `mount` only.
import { waitForAll } from "#base/wait-for-all.ts";
import type { Node } from "#api/core/node/node.ts";
import type { PersistentVolume } from "#api/core/persistent-volume/persistent-volume.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import type { Volume } from "#api/core/pod/volume.ts";
import type { Client } from "#client/client.ts";
import type { Runtime } from "#cri/runtime.ts";
import { GrpcError } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import type { KubeletOptions } from "../kubelet.ts";
import { podFolder } from "../layout.ts";
import type { FieldContext } from "../pod-worker/field-paths.ts";
import { volumeOfClaim } from "./claims.ts";
import type { CsiVolumes } from "./csi/csi-volumes.ts";
import { makeEmptyDir } from "./empty-dir.ts";
import { prepareHostPath } from "./host-path.ts";
import type { Mounts } from "./mounts.ts";
import type { ReferencedObjects } from "./objects.ts";
import { giveToGroup, groupOf } from "./ownership.ts";
import type { Tokens } from "./tokens.ts";
import { VolumeError } from "./volume-error.ts";
import { isWrittenByUs, writeVolume } from "./written.ts";

export interface Volumes {
  /** Makes all volumes, or brings their content up to date. Throws VolumeError. Returns when it should be called again, if ever. */
  mount(pod: Pod, context: FieldContext, options?: MountOptions): Promise<number | undefined>;
  /** Shows the files of an image that is here, for as long as the Pod is. */
  mountImage(pod: Pod, name: string, imageId: string): Promise<void>;
  /** A path within a volume, held so that nobody can put another thing in its place. Returns where it is to be mounted from. */
  pin(pod: Pod, root: string, path: string, place: SubPathPlace): Promise<string>;
  /** Where a volume is on the node, after `mount`. */
  pathOf(pod: Pod, name: string): string;
  /** Whether containers may only read it, whatever their mounts say. After `mount`. */
  isReadOnly(pod: Pod, name: string): boolean;
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
  /** Folders that are missing on the way are made with this mode; absent: nothing is made. */
  readonly folderMode?: number;
}

export interface VolumesNeeds {
  readonly options: KubeletOptions;
  readonly objects: ReferencedObjects;
  readonly tokens: Tokens;
  readonly mounts: Mounts;
  readonly runtime: Pick<Runtime, "imageFiles" | "releaseImageFiles">;
  readonly client: Client | undefined;
  readonly node: () => Node | undefined;
  /** Absent: no drivers can come to this node. */
  readonly csi?: CsiVolumes | undefined;
}

const unimplemented = 12;
const imagePlugin = "image";

/** By which the runtime keeps the files of a Pod's image volume. */
function imageFilesName(uid: string, volume: string): string {
  return `keelson-${uid}-${volume}`;
}

interface Place {
  readonly path: string;
  readonly readOnly: boolean;
  /** When it is to be mounted anew, for a driver that wants it. */
  readonly againAt?: number | undefined;
}

export function startVolumes(world: World, needs: VolumesNeeds): Volumes {
  const { files } = world;
  const { options, objects, tokens, mounts, runtime, csi } = needs;
  /** Of claims and drivers, by the Pod's uid and the volume's name. */
  const places = new Map<string, Map<string, Place>>();

  return {
    pathOf,
    isReadOnly: (pod, name) => {
      const volume = volumeNamed(pod, name);
      return isWrittenByUs(volume) || volume.image !== undefined || (places.get(pod.metadata.uid)?.get(name)?.readOnly ?? false);
    },
    pin: (pod, root, path, { volume, container, index, folderMode }) => {
      const target = `${podFolder(options.rootFolder, pod.metadata.uid)}/volume-subpaths/${volume}/${container}/${index}`;
      return mounts.pin(root, path, target, { folderMode });
    },
    async mount(pod, context, { isAtRest = false } = {}) {
      // One that fails is tried again soon, and the Pod may go: the others are not to go on meanwhile.
      const due = await waitForAll((pod.spec.volumes ?? []).map((volume) => mountOne(pod, volume, context, isAtRest)));
      const times = due.filter((time) => time !== undefined);
      return times.length === 0 ? undefined : Math.min(...times);
    },
    async mountImage(pod, name, imageId) {
      const folder = folderOf(pod, imagePlugin, name);
      if (await mounts.isMounted(folder)) return;
      await attempted(name, async () => {
        await files.makeFolder(folder, { mode: 0o750 });
        await mounts.files(folder, await filesOfImage(pod.metadata.uid, name, imageId));
      });
    },
    async unmount(uid) {
      const folder = podFolder(options.rootFolder, uid);
      if ((await files.stat(folder)) !== undefined) {
        await csi?.unmountAll(uid);
        await mounts.unmountBelow(folder);
        for (const path of await below([`${folder}/volumes/kubernetes.io~${imagePlugin}`]))
          await runtime.releaseImageFiles(imageFilesName(uid, path.slice(path.lastIndexOf("/") + 1)));
        for (const place of await mountPlaces(folder)) await files.remove(place);
        await files.remove(folder, { recursive: true });
      }
      places.delete(uid);
      objects.release(uid);
      tokens.release(uid);
    },
    async leftovers() {
      const root = `${options.rootFolder}/pods`;
      return (await files.stat(root)) === undefined ? [] : files.list(root);
    },
  };

  /**
   * Where something of others was mounted: empty by now, and removed only so. Whatever is still there is not the Pod's to take along.
   */
  async function mountPlaces(folder: string): Promise<readonly string[]> {
    const volumes = `${folder}/volumes/kubernetes.io~`;
    const published = (await below([`${volumes}csi`])).map((path) => `${path}/mount`);
    return [
      ...(await below([`${volumes}local-volume`, `${volumes}${imagePlugin}`])),
      ...published,
      ...(await below(await below(await below([`${folder}/volume-subpaths`])))),
    ];
  }

  /** What is in these folders. */
  async function below(paths: readonly string[]): Promise<readonly string[]> {
    const lists = paths.map(async (path) =>
      (await files.stat(path))?.kind === "folder" ? (await files.list(path)).map((name) => `${path}/${name}`) : [],
    );
    return (await Promise.all(lists)).flat();
  }

  async function filesOfImage(uid: string, name: string, imageId: string) {
    try {
      return await runtime.imageFiles(imageId, imageFilesName(uid, name));
    } catch (error) {
      if (error instanceof GrpcError && error.code === unimplemented)
        throw new VolumeError("image volumes are not supported by this node's container runtime");
      throw error;
    }
  }

  function pathOf(pod: Pod, name: string): string {
    const volume = volumeNamed(pod, name);
    if (volume.hostPath) return volume.hostPath.path;
    if (!isPlaced(volume)) return folderOf(pod, pluginOf(volume), name);
    const place = places.get(pod.metadata.uid)?.get(name);
    if (!place) throw new VolumeError(`the volume ${JSON.stringify(name)} is not mounted`);
    return place.path;
  }

  function folderOf(pod: Pod, plugin: string, name: string): string {
    return `${podFolder(options.rootFolder, pod.metadata.uid)}/volumes/kubernetes.io~${plugin}/${name}`;
  }

  async function mountOne(pod: Pod, volume: Volume, context: FieldContext, isAtRest: boolean): Promise<number | undefined> {
    if (isPlaced(volume)) {
      const known = places.get(pod.metadata.uid)?.get(volume.name);
      const isDue = !known || (known.againAt !== undefined && known.againAt <= world.clock.now());
      return (isDue ? await place(pod, volume, isAtRest) : known).againAt;
    }
    // It is there once its image is.
    if (volume.image) return undefined;
    return attempted(volume.name, async () => {
      const { hostPath, emptyDir } = volume;
      if (hostPath) return prepareHostPath(files, hostPath);
      const folder = folderOf(pod, pluginOf(volume), volume.name);
      if (emptyDir) return makeEmptyDir(world, mounts, pod, emptyDir, { folder, isAtRest, memoryOfPods: context.allocatable["memory"] });
      if (isWrittenByUs(volume)) return writeVolume(world, { objects, tokens, mounts }, pod, volume, { folder, context });
      throw new VolumeError(unsupported(volume));
    }) as Promise<number | undefined>;
  }

  async function place(pod: Pod, volume: Volume, isAtRest: boolean): Promise<Place> {
    const found = await placeFor(pod, volume, isAtRest);
    const own = places.get(pod.metadata.uid) ?? new Map<string, Place>();
    places.set(pod.metadata.uid, own.set(volume.name, found));
    return found;
  }

  async function placeFor(pod: Pod, volume: Volume, isAtRest: boolean): Promise<Place> {
    if (volume.csi && csi) {
      const { path, republishAt } = await csi.mountInline(pod, volume, { isAtRest });
      return { path, readOnly: volume.csi.readOnly ?? false, againAt: republishAt };
    }
    if (volume.csi) return attempted(volume.name, () => Promise.reject(new VolumeError(unsupported(volume))));
    const found = await volumeOfClaim(needs, pod, volume.name);
    const readOnly = volume.persistentVolumeClaim?.readOnly ?? false;
    if (found.spec.csi && csi && found.spec.volumeMode !== "Block") {
      const { path, republishAt } = await csi.mount(pod, found, { readOnly: readOnly || (found.spec.csi.readOnly ?? false), isAtRest });
      return { path, readOnly, againAt: republishAt };
    }
    return { path: await attempted(found.metadata.name, () => placeOf(pod, found, readOnly, isAtRest)), readOnly };
  }

  async function placeOf(pod: Pod, { metadata, spec }: PersistentVolume, readOnly: boolean, isAtRest: boolean): Promise<string> {
    if (spec.volumeMode === "Block") throw new VolumeError("volumes of volumeMode Block are not supported on this node");
    if (spec.hostPath) {
      await prepareHostPath(files, spec.hostPath);
      return spec.hostPath.path;
    }
    if (!spec.local) throw new VolumeError(unsupported(spec));
    const { path } = spec.local;
    const there = await files.stat(path, { follow: true });
    if (!there) throw new VolumeError(`path ${JSON.stringify(path)} does not exist`);
    if (there.kind !== "folder")
      throw new VolumeError(`local volume ${JSON.stringify(path)} is not a directory: block devices are not supported on this node`);
    const folder = folderOf(pod, "local-volume", metadata.name);
    const group = groupOf(pod);
    if (group !== undefined && isAtRest && !readOnly) await giveToGroup(files, path, group, pod.spec.securityContext?.fsGroupChangePolicy);
    await files.makeFolder(folder, { mode: 0o750 });
    return mounts.bind(path, folder, { options: [...(spec.mountOptions ?? []), ...(readOnly ? ["ro"] : [])] });
  }
}

/** Whether where it is is known only once it is mounted. */
function isPlaced({ persistentVolumeClaim, ephemeral, csi }: Volume): boolean {
  return (persistentVolumeClaim ?? ephemeral ?? csi) !== undefined;
}

/** In the words of the FailedMount event. */
async function attempted<T>(name: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw new VolumeError(`MountVolume.SetUp failed for volume ${JSON.stringify(name)} : ${(error as Error).message}`);
  }
}

function volumeNamed({ spec }: Pod, name: string): Volume {
  const volume = spec.volumes?.find((one) => one.name === name);
  if (!volume) throw new VolumeError(`the Pod has no volume ${JSON.stringify(name)}`);
  return volume;
}

/** Fields that say nothing about what a volume is. */
const others = new Set([
  "name",
  "capacity",
  "accessModes",
  "claimRef",
  "persistentVolumeReclaimPolicy",
  "storageClassName",
  "mountOptions",
  "volumeMode",
  "nodeAffinity",
  "volumeAttributesClassName",
]);

function unsupported(volume: object): string {
  const kind = Object.keys(volume).find((key) => !others.has(key)) ?? "";
  return `no volume plugin matched: volumes of kind ${JSON.stringify(kind)} are not supported on this node`;
}

const plugins: Readonly<Record<string, string>> = { emptyDir: "empty-dir", configMap: "configmap", downwardAPI: "downward-api" };

/** As folders of volumes are called; whoever looks into them goes by these names. */
function pluginOf(volume: Volume): string {
  const kind = Object.keys(volume).find((key) => key !== "name") ?? "emptyDir";
  return plugins[kind] ?? kind;
}
