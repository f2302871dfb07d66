// What Pods have written to the node's disks: the layers of their containers, their logs, their emptyDir volumes.
import type { Pod } from "#api/core/pod/pod.ts";
import type { ContainerStats } from "#cri/runtime.ts";
import type { World } from "#platform/world.ts";
import { allContainers, labels, podLogFolder } from "../layout.ts";

export interface PodDisk {
  /** Layer and logs. */
  readonly containers: ReadonlyMap<string, number>;
  /** emptyDir volumes on disk, by name. */
  readonly volumes: ReadonlyMap<string, number>;
  readonly bytes: number;
  readonly inodes: number;
}

export interface DiskFolders {
  readonly podLogsFolder: string;
  readonly pathOf: (pod: Pod, volume: string) => string;
}

const commandMilliseconds = 60_000;
const foldersMax = 200;

/** Folders that are not there use nothing. */
export async function diskUsageOf(
  world: World,
  pods: readonly Pod[],
  stats: readonly ContainerStats[],
  { podLogsFolder, pathOf }: DiskFolders,
): Promise<ReadonlyMap<string, PodDisk>> {
  const folders = new Map<string, { readonly logs: ReadonlyMap<string, string>; readonly volumes: ReadonlyMap<string, string> }>();
  for (const pod of pods) {
    const logs = new Map(allContainers(pod).map(({ name }) => [name, `${podLogFolder(podLogsFolder, pod)}/${name}`]));
    const onDisk = (pod.spec.volumes ?? []).filter(({ emptyDir }) => emptyDir && (emptyDir.medium ?? "") === "");
    folders.set(pod.metadata.uid, { logs, volumes: new Map(onDisk.map(({ name }) => [name, pathOf(pod, name)])) });
  }
  const paths = [...folders.values()].flatMap(({ logs, volumes }) => [...logs.values(), ...volumes.values()]);
  const [bytes, inodes] = [await measure(world, paths, "--block-size=1"), await measure(world, paths, "--inodes")];
  return new Map(
    pods.map((pod) => {
      const { uid } = pod.metadata;
      const { logs, volumes } = folders.get(uid) ?? { logs: new Map(), volumes: new Map() };
      const own = stats.filter((one) => one.labels[labels.podUid] === uid);
      const layerOf = (name: string) => own.find((one) => one.labels[labels.containerName] === name);
      const containers = new Map(
        [...logs].map(([name, path]) => [name, (layerOf(name)?.writableLayerBytes ?? 0) + (bytes.get(path) ?? 0)] as const),
      );
      const ofVolumes = new Map([...volumes].map(([name, path]) => [name, bytes.get(path) ?? 0] as const));
      const sum = (numbers: Iterable<number>) => [...numbers].reduce((total, one) => total + one, 0);
      const files = [...logs.values(), ...volumes.values()].map((path) => inodes.get(path) ?? 0);
      return [
        uid,
        {
          containers,
          volumes: ofVolumes,
          bytes: sum(containers.values()) + sum(ofVolumes.values()),
          inodes: sum(files) + sum(own.map(({ writableLayerInodes = 0 }) => writableLayerInodes)),
        },
      ] as const;
    }),
  );
}

/** By path, of what is on the path's own file system. */
async function measure(world: World, paths: readonly string[], unit: string): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>();
  for (let at = 0; at < paths.length; at += foldersMax) {
    const some = paths.slice(at, at + foldersMax);
    // It fails for what is gone, and tells of the rest.
    const { stdout } = await world.processes.run("du", ["--summarize", "--one-file-system", unit, "--", ...some], {
      timeoutMilliseconds: commandMilliseconds,
    });
    for (const line of stdout.split("\n")) {
      const [amount = "", path = ""] = line.split("\t");
      if (path !== "") found.set(path, Number(amount));
    }
  }
  return found;
}
