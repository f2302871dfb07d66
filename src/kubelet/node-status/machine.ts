// What machine this is: read once from /proc, /sys and /etc, and what changes while it runs, read whenever it is asked for.
import type { World } from "#platform/world.ts";

export interface Machine {
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly swapBytes: number;
  readonly machineId: string;
  readonly systemUuid: string;
  readonly bootId: string;
  readonly kernelVersion: string;
  readonly osImage: string;
  readonly operatingSystem: string;
  readonly architecture: string;
  /** By page size in Kubernetes' words: "2Mi", "1Gi"; in bytes. */
  readonly hugepages: Readonly<Record<string, number>>;
  /** Version of the cgroup hierarchy that holds the controllers; undefined where there is none. */
  readonly cgroupVersion: 1 | 2 | undefined;
  /** Whether the kernel confines programs by AppArmor. */
  readonly appArmor?: boolean;
}

const architectures: Readonly<Record<string, string>> = { x64: "amd64", ia32: "386", ppc64: "ppc64le" };

export async function readMachine(world: World): Promise<Machine> {
  const { self } = world.processes;
  const line = async (path: string) => (await readIfThere(world, path))?.trim();
  const memory = memoryTable(await readIfThere(world, "/proc/meminfo"));
  return {
    cpus: self.cpus,
    memoryBytes: memory["MemTotal"] ?? self.memoryBytes,
    swapBytes: memory["SwapTotal"] ?? 0,
    machineId: (await line("/etc/machine-id")) || (await line("/var/lib/dbus/machine-id")) || "",
    systemUuid:
      (await line("/sys/class/dmi/id/product_uuid")) || (await line("/proc/device-tree/vm,uuid")) || (await line("/etc/machine-id")) || "",
    bootId: (await line("/proc/sys/kernel/random/boot_id")) ?? "",
    kernelVersion: (await line("/proc/sys/kernel/osrelease")) ?? "",
    osImage: prettyName((await readIfThere(world, "/etc/os-release")) ?? ""),
    operatingSystem: self.platform === "win32" ? "windows" : self.platform,
    architecture: architectures[self.architecture] ?? self.architecture,
    hugepages: await readHugepages(world),
    cgroupVersion: await cgroupVersion(world),
    appArmor: (await line("/sys/module/apparmor/parameters/enabled"))?.startsWith("Y") ?? false,
  };
}

/** 2 where /sys/fs/cgroup itself lists controllers, 1 where it holds hierarchies (hybrid ones count as 1: their v2 part has no controllers). */
export async function cgroupVersion(world: World): Promise<1 | 2 | undefined> {
  if ((await readIfThere(world, "/sys/fs/cgroup/cgroup.controllers")) !== undefined) return 2;
  return (await world.files.stat("/sys/fs/cgroup/memory", { follow: true })) ? 1 : undefined;
}

export interface Pressures {
  readonly memoryAvailableBytes: number;
  readonly nodeFileSystem: FileSystemSpace | undefined;
  readonly processes: number | undefined;
  readonly processesMax: number | undefined;
}

export interface FileSystemSpace {
  readonly total: number;
  readonly free: number;
  readonly inodes: number;
  readonly inodesFree: number;
}

/** How much is left. */
export async function readPressures(world: World, rootFolder: string, cgroup: Machine["cgroupVersion"]): Promise<Pressures> {
  const memory = memoryTable(await readIfThere(world, "/proc/meminfo"));
  const processesMax = Number((await readIfThere(world, "/proc/sys/kernel/pid_max")) ?? Number.NaN);
  const processes = Number(/ \d+\/(\d+) /.exec((await readIfThere(world, "/proc/loadavg")) ?? "")?.[1] ?? Number.NaN);
  const total = memory["MemTotal"] ?? 0;
  const working = await workingSetBytes(world, cgroup);
  const nodeFileSystem = await world.files.space(rootFolder).catch(() => undefined);
  return {
    memoryAvailableBytes: working === undefined ? (memory["MemAvailable"] ?? Number.POSITIVE_INFINITY) : Math.max(0, total - working),
    nodeFileSystem,
    processes: Number.isFinite(processes) ? processes : undefined,
    processesMax: Number.isFinite(processesMax) ? processesMax : undefined,
  };
}

/** Used memory of everything on the machine, without what can be dropped at once. Version 2 has no numbers at the root. */
async function workingSetBytes(world: World, cgroup: Machine["cgroupVersion"]): Promise<number | undefined> {
  if (cgroup !== 1) return undefined;
  const folder = "/sys/fs/cgroup/memory";
  const usage = Number((await readIfThere(world, `${folder}/memory.usage_in_bytes`)) ?? Number.NaN);
  const inactive = Number(/^total_inactive_file (\d+)$/m.exec((await readIfThere(world, `${folder}/memory.stat`)) ?? "")?.[1] ?? 0);
  return Number.isFinite(usage) ? Math.max(0, usage - inactive) : undefined;
}

/** /proc/meminfo by name, in bytes. */
export function memoryTable(text = ""): Readonly<Record<string, number>> {
  return Object.fromEntries(
    [...text.matchAll(/^(\w+):\s+(\d+) kB$/gm)].map(([, name = "", kilobytes]) => [name, Number(kilobytes) * 1024]),
  );
}

function prettyName(text: string): string {
  const value = /^PRETTY_NAME=(.*)$/m.exec(text)?.[1] ?? "";
  return value.replace(/^(["'])(.*)\1$/, "$2") || "Linux";
}

async function readHugepages(world: World): Promise<Readonly<Record<string, number>>> {
  const folder = "/sys/kernel/mm/hugepages";
  const names = await world.files.list(folder).catch(() => []);
  const found: Record<string, number> = {};
  for (const name of names) {
    const kilobytes = Number(/^hugepages-(\d+)kB$/.exec(name)?.[1]);
    if (!Number.isFinite(kilobytes)) continue;
    const count = Number((await readIfThere(world, `${folder}/${name}/nr_hugepages`)) ?? 0);
    const size = kilobytes >= 1024 * 1024 ? `${kilobytes / 1024 / 1024}Gi` : kilobytes >= 1024 ? `${kilobytes / 1024}Mi` : `${kilobytes}Ki`;
    found[size] = count * kilobytes * 1024;
  }
  return found;
}

export async function readIfThere(world: World, path: string): Promise<string | undefined> {
  try {
    return await world.files.readText(path);
  } catch {
    return undefined;
  }
}
