// How much of everything the node has left.
import type { Runtime } from "#cri/runtime.ts";
import type { World } from "#platform/world.ts";
import { readIfThere, readPressures } from "../node-status/machine.ts";
import type { Observation, Observations, Signal } from "./thresholds.ts";

export interface SignalSources {
  readonly runtime: Runtime;
  readonly rootFolder: string;
  readonly memoryBytes: number;
  readonly cgroupVersion: 1 | 2 | undefined;
  /** The cgroup all Pods hang in: "/kubepods". */
  readonly podsCgroup: string | undefined;
}

/** Signals that cannot be read are left out. */
export async function observeSignals(world: World, sources: SignalSources): Promise<Observations> {
  const { runtime, rootFolder, memoryBytes, cgroupVersion, podsCgroup } = sources;
  const found = new Map<Signal, Observation>();
  const { memoryAvailableBytes, nodeFileSystem, processes, processesMax } = await readPressures(world, rootFolder, cgroupVersion);
  if (Number.isFinite(memoryAvailableBytes)) found.set("memory.available", { available: memoryAvailableBytes, capacity: memoryBytes });
  if (nodeFileSystem) {
    found.set("nodefs.available", { available: nodeFileSystem.free, capacity: nodeFileSystem.total });
    found.set("nodefs.inodesFree", { available: nodeFileSystem.inodesFree, capacity: nodeFileSystem.inodes });
  }
  const [images] = await runtime.imageFileSystem().catch(() => []);
  const space = images?.mountPoint ? await world.files.space(images.mountPoint).catch(() => undefined) : undefined;
  if (space) {
    found.set("imagefs.available", { available: space.free, capacity: space.total });
    found.set("imagefs.inodesFree", { available: space.inodesFree, capacity: space.inodes });
  }
  if (processes !== undefined && processesMax !== undefined)
    found.set("pid.available", { available: processesMax - processes, capacity: processesMax });
  const pods = podsCgroup === undefined ? undefined : await memoryOfPods(world, podsCgroup, memoryBytes, cgroupVersion);
  if (pods) found.set("allocatableMemory.available", pods);
  return found;
}

/** What all Pods together may still use; undefined where nothing but the machine limits them. */
async function memoryOfPods(
  world: World,
  cgroup: string,
  memoryBytes: number,
  version: 1 | 2 | undefined,
): Promise<Observation | undefined> {
  const folder = `/sys/fs/cgroup${version === 2 ? "" : "/memory"}${cgroup}`;
  const [limitFile, usageFile, inactive] =
    version === 2
      ? (["memory.max", "memory.current", /^inactive_file (\d+)$/m] as const)
      : (["memory.limit_in_bytes", "memory.usage_in_bytes", /^total_inactive_file (\d+)$/m] as const);
  const number = async (file: string) => Number((await readIfThere(world, `${folder}/${file}`)) ?? Number.NaN);
  const [limit, usage] = [await number(limitFile), await number(usageFile)];
  if (!(limit < memoryBytes) || !Number.isFinite(usage)) return undefined;
  const dropped = Number(inactive.exec((await readIfThere(world, `${folder}/memory.stat`)) ?? "")?.[1] ?? 0);
  return { available: limit - Math.max(0, usage - dropped), capacity: limit };
}
