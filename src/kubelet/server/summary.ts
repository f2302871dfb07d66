// /stats/summary: what node, Pods, containers and volumes use, as one document.
import type { Pod } from "#api/core/pod/pod.ts";
import type { FileSystemUsage, UsageStats } from "#cri/runtime.ts";
import type { World } from "#platform/world.ts";
import type { Json } from "#schema/field.ts";
import { formatTime } from "#schema/time.ts";
import { namespaceOf, podLogFolder } from "../layout.ts";
import { type ClaimedVolume, claimedVolumes } from "./claimed-volumes.ts";
import { type InterfaceUsage, nanoCores, type NodeUsage, type PodUsage, readUsage, type UsageNeeds } from "./usage.ts";

export interface SummaryNeeds extends UsageNeeds {
  readonly nodeName: string;
  readonly rootFolder: string;
  readonly podLogsFolder: string;
  readonly volumePath: (pod: Pod, volume: string) => string;
}

interface Space {
  readonly time: string;
  readonly availableBytes: number;
  readonly capacityBytes: number;
  readonly inodesFree: number;
  readonly inodes: number;
}

interface Folder {
  readonly bytes: number;
  readonly inodes: number;
}

/** Readings of the node's processor time, of which two make a rate; one that is older than this makes none. */
const oldestMilliseconds = 300_000;
const firstWindowMilliseconds = 200;
/** Folders are measured by reading all of them: not at every question. */
const foldersMilliseconds = 30_000;
const commandMilliseconds = 60_000;
const pathsMax = 200;

export class Summary {
  readonly #world: World;
  readonly #needs: SummaryNeeds;
  #before: Pick<NodeUsage, "at" | "cpuNanoseconds"> | undefined;
  #folders: { readonly at: number; readonly sizes: Promise<ReadonlyMap<string, Folder>> } | undefined;

  constructor(world: World, needs: SummaryNeeds) {
    this.#world = world;
    this.#needs = needs;
  }

  async read(): Promise<Json> {
    const { files, clock } = this.#world;
    const { rootFolder, runtime, nodeName } = this.#needs;
    if (!this.#before || clock.now() - this.#before.at > oldestMilliseconds) {
      const { node } = await readUsage(this.#world, this.#needs);
      this.#before = node;
      await new Promise<void>((resolve) => void clock.timer(firstWindowMilliseconds, resolve));
    }
    const [{ node, pods }, disk, images] = await Promise.all([
      readUsage(this.#world, this.#needs),
      files.space(rootFolder).catch(() => undefined),
      runtime.imageFileSystem().catch((): readonly FileSystemUsage[] => []),
    ]);
    const time = formatTime(node.at);
    const rate = nanoCores(this.#before, node);
    if (node.at - this.#before.at > 1_000) this.#before = node;
    const space: Space | undefined = disk && {
      time,
      availableBytes: disk.free,
      capacityBytes: disk.total,
      inodesFree: disk.inodesFree,
      inodes: disk.inodes,
    };
    const [sizes, claimed] = await Promise.all([this.#sizes(pods), claimedVolumes(this.#world, this.#needs)]);
    const imageFs = await this.#imageFs(images[0], time);
    return compact({
      node: {
        nodeName,
        startTime: timeText(node.startedAt),
        cpu: { time, usageNanoCores: rate, usageCoreNanoSeconds: node.cpuNanoseconds },
        memory: {
          time,
          availableBytes: Math.max(0, node.memoryTotalBytes - node.memoryWorkingSetBytes),
          usageBytes: node.memoryUsageBytes,
          workingSetBytes: node.memoryWorkingSetBytes,
          rssBytes: node.memoryRssBytes,
          pageFaults: node.pageFaults,
          majorPageFaults: node.majorPageFaults,
        },
        network: networkOf(node.interfaces, time),
        fs: space && { ...space, usedBytes: space.capacityBytes - space.availableBytes, inodesUsed: space.inodes - space.inodesFree },
        runtime: imageFs && { imageFs, containerFs: imageFs },
        rlimit: { time, maxpid: node.processesMax, curproc: node.processes },
        swap: { time, swapAvailableBytes: node.swapTotalBytes - node.swapUsedBytes, swapUsageBytes: node.swapUsedBytes },
      },
      pods: pods.map((pod) => {
        const told = this.#pod(pod, space, sizes);
        const own = claimed.filter((one) => one.pod.metadata.uid === pod.uid).map((one) => claimOf(one, time));
        return own.length === 0 ? told : { ...told, volume: [...told.volume, ...own] };
      }),
    });
  }

  #pod(
    { namespace, name, uid, pod, startedAt, containers, sandbox }: PodUsage,
    space: Space | undefined,
    sizes: ReadonlyMap<string, Folder>,
  ) {
    const on = (folder: Folder | undefined) => space && { ...space, usedBytes: folder?.bytes ?? 0, inodesUsed: folder?.inodes ?? 0 };
    const logsOf = (container: string) => pod && sizes.get(this.#logFolder(pod, container));
    const volumes = pod ? onDisk(pod).map((volume) => ({ volume, folder: sizes.get(this.#volumeFolder(pod, volume)) })) : [];
    const layers = containers.map(({ stats }) => ({ bytes: stats.writableLayerBytes ?? 0, inodes: stats.writableLayerInodes ?? 0 }));
    const all = [...layers, ...containers.map((one) => logsOf(one.name)), ...volumes.map(({ folder }) => folder)];
    const total = all.reduce<Folder>((sum, one) => ({ bytes: sum.bytes + (one?.bytes ?? 0), inodes: sum.inodes + (one?.inodes ?? 0) }), {
      bytes: 0,
      inodes: 0,
    });
    const interfaces = sandbox?.interfaces.map(({ name: device, receivedBytes, receiveErrors, sentBytes, sendErrors }) => ({
      name: device,
      rxBytes: receivedBytes,
      rxErrors: receiveErrors,
      txBytes: sentBytes,
      txErrors: sendErrors,
    }));
    return {
      podRef: { name, namespace, uid },
      startTime: timeText(startedAt),
      containers: containers.map(({ name: container, stats, startedAt: began }) => ({
        name: container,
        startTime: timeText(began),
        ...usageOf(stats),
        rootfs: on({ bytes: stats.writableLayerBytes ?? 0, inodes: stats.writableLayerInodes ?? 0 }),
        logs: on(logsOf(container)),
      })),
      ...(sandbox && usageOf(sandbox)),
      network: interfaces && sandbox && networkOf(interfaces, formatTime(sandbox.at)),
      volume: volumes.map(({ volume, folder }) => ({ ...on(folder), name: volume })),
      "ephemeral-storage": on(total),
      process_stats: sandbox?.processes === undefined ? undefined : { process_count: sandbox.processes },
    };
  }

  async #imageFs(images: FileSystemUsage | undefined, time: string) {
    const disk = images && (await this.#world.files.space(images.mountPoint).catch(() => undefined));
    if (!images || !disk) return undefined;
    return {
      time,
      availableBytes: disk.free,
      capacityBytes: disk.total,
      usedBytes: images.usedBytes,
      inodesFree: disk.inodesFree,
      inodes: disk.inodes,
      inodesUsed: images.inodesUsed,
    };
  }

  #logFolder(pod: Pod, container: string): string {
    return `${podLogFolder(this.#needs.podLogsFolder, pod)}/${container}`;
  }

  #volumeFolder(pod: Pod, volume: string): string {
    return this.#needs.volumePath(pod, volume);
  }

  /** Logs and volumes, by path. */
  #sizes(pods: readonly PodUsage[]): Promise<ReadonlyMap<string, Folder>> {
    const now = this.#world.clock.monotonic();
    if (this.#folders && now - this.#folders.at < foldersMilliseconds) return this.#folders.sizes;
    const paths = pods.flatMap(({ pod, containers }) =>
      pod ? [...containers.map(({ name }) => this.#logFolder(pod, name)), ...onDisk(pod).map((name) => this.#volumeFolder(pod, name))] : [],
    );
    const sizes = this.#measure(paths).catch((): ReadonlyMap<string, Folder> => new Map());
    this.#folders = { at: now, sizes };
    return sizes;
  }

  async #measure(paths: readonly string[]): Promise<ReadonlyMap<string, Folder>> {
    const found = new Map<string, Folder>();
    for (let at = 0; at < paths.length; at += pathsMax) {
      const [bytes, inodes] = await Promise.all(
        ["--block-size=1", "--inodes"].map((unit) => this.#du(unit, paths.slice(at, at + pathsMax))),
      );
      for (const [path, size] of bytes ?? []) found.set(path, { bytes: size, inodes: inodes?.get(path) ?? 0 });
    }
    return found;
  }

  /** It fails for what is gone, and tells of the rest. */
  async #du(unit: string, paths: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const command = ["--summarize", "--one-file-system", unit, "--", ...paths];
    const { stdout } = await this.#world.processes.run("du", command, { timeoutMilliseconds: commandMilliseconds });
    return new Map(
      stdout.split("\n").flatMap((line) => (line === "" ? [] : [[line.slice(line.indexOf("\t") + 1), Number.parseInt(line, 10)]])),
    );
  }
}

function claimOf({ pod, name, claim, space }: ClaimedVolume, time: string) {
  return {
    time,
    availableBytes: space.free,
    capacityBytes: space.total,
    usedBytes: space.total - space.free,
    inodesFree: space.inodesFree,
    inodes: space.inodes,
    inodesUsed: space.inodes - space.inodesFree,
    name,
    pvcRef: { name: claim, namespace: namespaceOf(pod) },
  };
}

function onDisk({ spec }: Pod): readonly string[] {
  return (spec.volumes ?? []).flatMap(({ name, emptyDir }) => (emptyDir && (emptyDir.medium ?? "") === "" ? [name] : []));
}

function networkOf(interfaces: readonly InterfaceUsage[], time: string) {
  const main = interfaces.find(({ name }) => name === "eth0") ?? interfaces[0];
  return main && { time, ...main, interfaces };
}

function usageOf(usage: UsageStats) {
  const time = formatTime(usage.at);
  return {
    cpu: { time, usageNanoCores: usage.cpuNanoCores, usageCoreNanoSeconds: usage.cpuNanoseconds },
    memory: {
      time,
      availableBytes: usage.memoryAvailableBytes,
      usageBytes: usage.memoryUsageBytes,
      workingSetBytes: usage.memoryWorkingSetBytes,
      rssBytes: usage.memoryRssBytes,
      pageFaults: usage.memoryPageFaults,
      majorPageFaults: usage.memoryMajorPageFaults,
    },
  };
}

function timeText(time: number | undefined): string | null {
  return time === undefined ? null : formatTime(time);
}

/** Without the fields that are not known. */
function compact(value: unknown): Json {
  if (Array.isArray(value)) return value.map(compact);
  if (value === null || typeof value !== "object") return value as Json;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== undefined)
      .map(([key, one]) => [key, compact(one)]),
  );
}
