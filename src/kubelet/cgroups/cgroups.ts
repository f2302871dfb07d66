// The cgroups that Pods hang in: kubepods, below it burstable and besteffort, below these one for each Pod. The runtime makes those of
// containers; it does not remove the Pods', so that is done here.
import type { Pod } from "#api/core/pod/pod.ts";
import { qualityOfService } from "#api/core/pod/quality-of-service.ts";
import { podLimits, podRequests } from "#api/core/pod/resources.ts";
import { FileError } from "#platform/files.ts";
import type { World } from "#platform/world.ts";
import { quantityToMilli, quantityToWhole } from "#schema/quantity.ts";
import { cpuPeriodMicroseconds, pageSizeOf, quotaOf, sharesOf } from "../pod-worker/resources.ts";

const mountPoint = "/sys/fs/cgroup";
const busyTries = 20;
const busyMilliseconds = 50;

/** Version 2 is one tree; version 1 has one for each controller. */
export type Hierarchies =
  | { readonly version: 1; readonly controllers: readonly string[] }
  | { readonly version: 2; readonly controllers: readonly string[] };

export interface CgroupWrite {
  readonly path: string;
  readonly value: string;
}

export interface CgroupLimits {
  /** What all Pods together may use: the machine without what is reserved. Absent: all of it. */
  readonly podsMemoryBytes?: number | undefined;
  readonly podsMilliCpu?: number | undefined;
  /** Limits of the processor are not kept. */
  readonly withoutCpuLimits?: boolean | undefined;
  /** Processes and threads of one Pod; absent: any number. */
  readonly podProcesses?: number | undefined;
}

export interface Cgroups {
  /** That of all Pods together: "/kubepods". */
  readonly root: string;
  /** The parent of the Pod's containers: "/kubepods/burstable/pod<uid>". */
  parentOf(pod: Pod): string;
  /** Makes the Pod's cgroup with its limits. */
  make(pod: Pod): Promise<void>;
  /** The Pod's amounts have changed: limits that are gone are taken away. Rejects where the kernel refuses. */
  resize(pod: Pod): Promise<void>;
  /** Shares the processor between Guaranteed, Burstable and BestEffort Pods by what these Pods asked for. */
  balance(pods: readonly Pod[]): Promise<void>;
  remove(uid: string): Promise<void>;
  /** UIDs of Pods that have a cgroup. */
  list(): Promise<readonly string[]>;
}

export async function findHierarchies(world: World): Promise<Hierarchies> {
  const unified = await readIf(world, `${mountPoint}/cgroup.controllers`);
  if (unified !== undefined) return { version: 2, controllers: unified.trim().split(/\s+/) };
  const names = await world.files.list(mountPoint);
  // Links stand for a hierarchy that is there under another name; systemd also leaves folders that nothing is mounted on.
  const kinds = await Promise.all(
    names.map(async (name) =>
      (await world.files.stat(`${mountPoint}/${name}/cgroup.procs`)) ? world.files.stat(`${mountPoint}/${name}`) : undefined,
    ),
  );
  // All of them, the tree without controllers beside them too: the runtime makes a Pod's cgroup in every one.
  return { version: 1, controllers: names.filter((_, index) => kinds[index]?.kind === "folder") };
}

export function startCgroups(world: World, hierarchies: Hierarchies, root: string, limits: CgroupLimits = {}): Cgroups {
  const base = `${root === "/" ? "" : root.replace(/\/$/, "")}/kubepods`;
  const parents = [base, `${base}/burstable`, `${base}/besteffort`];
  const parentOf = (pod: Pod): string => `${base}${levelOf(pod)}/pod${pod.metadata.uid}`;
  let prepared: Promise<void> | undefined;
  let burstableShares = 0;

  return {
    root: base,
    parentOf,
    make: async (pod) => {
      prepared ??= prepare().catch((error: unknown) => {
        prepared = undefined;
        throw error;
      });
      await prepared;
      const parent = parentOf(pod);
      for (const folder of foldersOf(hierarchies, parent)) await world.files.makeFolder(folder);
      for (const { path, value } of podWrites(hierarchies, parent, pod, limits)) await writeQuietly(path, value);
    },
    resize: async (pod) => {
      for (const { path, value } of podWrites(hierarchies, parentOf(pod), pod, { ...limits, isAgain: true }))
        await world.files.write(path, value);
    },
    balance: async (pods) => {
      const requested = pods
        .filter((pod) => levelOf(pod) === "/burstable")
        .reduce((sum, pod) => sum + quantityToMilli(podRequests(pod)["cpu"] ?? "0"), 0);
      const shares = sharesOf(requested);
      if (shares === burstableShares || !(await world.files.stat(foldersOf(hierarchies, `${base}/burstable`)[0] ?? ""))) return;
      for (const { path, value } of shareWrites(hierarchies, `${base}/burstable`, shares)) await writeQuietly(path, value);
      burstableShares = shares;
    },
    remove: async (uid) => {
      for (const parent of parents) {
        for (const folder of allFoldersOf(hierarchies, `${parent}/pod${uid}`)) {
          if ((await world.files.stat(folder)) !== undefined) await removeTree(folder);
        }
      }
    },
    list: async () => {
      const found = new Set<string>();
      for (const parent of parents) {
        for (const folder of allFoldersOf(hierarchies, parent)) {
          for (const name of await listIf(world, folder)) if (name.startsWith("pod")) found.add(name.slice(3));
        }
      }
      return [...found];
    },
  };

  async function prepare(): Promise<void> {
    for (const parent of parents) {
      for (const folder of foldersOf(hierarchies, parent)) await world.files.makeFolder(folder);
      for (const { path, value } of qualityWrites(hierarchies, parent, parent.endsWith("/besteffort"))) await writeQuietly(path, value);
    }
    for (const { path, value } of allPodsWrites(hierarchies, base, limits)) await writeQuietly(path, value);
  }

  /** Limits that may not be set here (a container without the right, a controller that is off) are no reason to run nothing. */
  async function writeQuietly(path: string, value: string): Promise<void> {
    try {
      await world.files.write(path, value);
    } catch (error) {
      world.log.warn("cannot set a cgroup's limit; going on without it", { path, value, error: (error as Error).message });
    }
  }

  /** The kernel's files in a cgroup cannot be removed and need not be: only folders, deepest first. */
  async function removeTree(folder: string): Promise<void> {
    for (const name of await listIf(world, folder)) {
      const below = `${folder}/${name}`;
      if ((await world.files.stat(below))?.kind === "folder") await removeTree(below);
    }
    for (let attempt = 1; ; attempt += 1) {
      const { code, stderr } = await world.processes.run("rmdir", [folder], { timeoutMilliseconds: 5_000 });
      if (code === 0 || (await world.files.stat(folder)) === undefined) return;
      if (attempt === busyTries) throw new FileError("EBUSY", folder, `cannot remove cgroup ${folder}: ${stderr.trim()}`);
      await new Promise<void>((resolve) => world.clock.timer(busyMilliseconds, resolve));
    }
  }
}

function levelOf(pod: Pod): string {
  switch (qualityOfService(pod)) {
    case "Guaranteed":
      return "";
    case "Burstable":
      return "/burstable";
    case "BestEffort":
      return "/besteffort";
  }
}

/** Where limits are set. The runtime makes the same path in the other hierarchies. */
export function foldersOf({ version, controllers }: Hierarchies, path: string): readonly string[] {
  if (version === 2) return [mountPoint + path];
  return controllers
    .filter((name) => ["memory", "cpu", "cpu,cpuacct", "pids", "hugetlb"].includes(name))
    .map((name) => `${mountPoint}/${name}${path}`);
}

function allFoldersOf({ version, controllers }: Hierarchies, path: string): readonly string[] {
  return version === 2 ? [mountPoint + path] : controllers.map((name) => `${mountPoint}/${name}${path}`);
}

/** On version 2 a cgroup's children get the controllers it passes on. */
export function qualityWrites(hierarchies: Hierarchies, path: string, isBestEffort: boolean): readonly CgroupWrite[] {
  const writes: CgroupWrite[] = [];
  if (hierarchies.version === 2) {
    const passed = hierarchies.controllers.filter((name) => ["cpu", "cpuset", "memory", "pids", "io", "hugetlb"].includes(name));
    const parents = path.split("/").slice(1);
    for (let depth = 0; depth <= parents.length; depth++) {
      const above = ["", ...parents.slice(0, depth)].join("/");
      for (const name of passed) writes.push({ path: `${mountPoint}${above}/cgroup.subtree_control`, value: `+${name}` });
    }
    if (isBestEffort) writes.push({ path: `${mountPoint}${path}/cpu.weight`, value: "1" });
    return writes;
  }
  return isBestEffort ? shareWrites(hierarchies, path, 2) : writes;
}

function shareWrites(hierarchies: Hierarchies, path: string, shares: number): readonly CgroupWrite[] {
  if (hierarchies.version === 2) return [{ path: `${mountPoint}${path}/cpu.weight`, value: String(weightOf(shares)) }];
  return cpuFolders(hierarchies, path).map((folder) => ({ path: `${folder}/cpu.shares`, value: String(shares) }));
}

/** The limits of all Pods together. */
export function allPodsWrites(
  hierarchies: Hierarchies,
  path: string,
  { podsMemoryBytes, podsMilliCpu }: CgroupLimits,
): readonly CgroupWrite[] {
  return [
    ...(podsMilliCpu === undefined ? [] : shareWrites(hierarchies, path, sharesOf(podsMilliCpu))),
    ...(podsMemoryBytes === undefined
      ? []
      : hierarchies.version === 2
        ? [{ path: `${mountPoint}${path}/memory.max`, value: String(podsMemoryBytes) }]
        : [{ path: `${mountPoint}/memory${path}/memory.limit_in_bytes`, value: String(podsMemoryBytes) }]),
  ];
}

/** The Pod as a whole: what its containers ask for together, and a limit only where every container has one. */
export function podWrites(
  hierarchies: Hierarchies,
  path: string,
  pod: Pod,
  { podProcesses, withoutCpuLimits = false, isAgain = false }: CgroupLimits & { readonly isAgain?: boolean } = {},
): readonly CgroupWrite[] {
  const requests = podRequests(pod);
  const limits = podLimits(pod);
  const everyLimited = (name: string) =>
    pod.spec.resources?.limits?.[name] !== undefined ||
    pod.spec.containers.every(({ resources }) => resources.limits?.[name] !== undefined);
  const shares = sharesOf(requests["cpu"] ? quantityToMilli(requests["cpu"]) : 0);
  const quota = !withoutCpuLimits && everyLimited("cpu") && limits["cpu"] ? quotaOf(quantityToMilli(limits["cpu"])) : 0;
  const memory = everyLimited("memory") && limits["memory"] ? quantityToWhole(limits["memory"]) : 0;
  const hugepages = hierarchies.controllers.includes("hugetlb")
    ? Object.entries(limits).flatMap(([name, amount]) => {
        const size = pageSizeOf(name);
        return size === undefined ? [] : [{ size, bytes: quantityToWhole(amount) }];
      })
    : [];
  const folder = mountPoint + path;
  if (hierarchies.version === 2) {
    return [
      ...["cpu", "cpuset", "memory", "pids", "io", "hugetlb"]
        .filter((name) => hierarchies.controllers.includes(name))
        .map((name) => ({ path: `${folder}/cgroup.subtree_control`, value: `+${name}` })),
      { path: `${folder}/cpu.weight`, value: String(weightOf(shares)) },
      ...(quota > 0 || isAgain ? [{ path: `${folder}/cpu.max`, value: `${quota > 0 ? quota : "max"} ${cpuPeriodMicroseconds}` }] : []),
      ...(memory > 0 || isAgain ? [{ path: `${folder}/memory.max`, value: memory > 0 ? String(memory) : "max" }] : []),
      ...(podProcesses === undefined ? [] : [{ path: `${folder}/pids.max`, value: String(podProcesses) }]),
      ...hugepages.map(({ size, bytes }) => ({ path: `${folder}/hugetlb.${size}.max`, value: String(bytes) })),
    ];
  }
  const writes: CgroupWrite[] = [];
  for (const cpu of cpuFolders(hierarchies, path)) {
    writes.push({ path: `${cpu}/cpu.shares`, value: String(shares) });
    if (quota > 0 || isAgain) {
      writes.push({ path: `${cpu}/cpu.cfs_period_us`, value: String(cpuPeriodMicroseconds) });
      writes.push({ path: `${cpu}/cpu.cfs_quota_us`, value: quota > 0 ? String(quota) : "-1" });
    }
  }
  if (memory > 0 || isAgain)
    writes.push({ path: `${mountPoint}/memory${path}/memory.limit_in_bytes`, value: memory > 0 ? String(memory) : "-1" });
  if (podProcesses !== undefined && hierarchies.controllers.includes("pids"))
    writes.push({ path: `${mountPoint}/pids${path}/pids.max`, value: String(podProcesses) });
  for (const { size, bytes } of hugepages)
    writes.push({ path: `${mountPoint}/hugetlb${path}/hugetlb.${size}.limit_in_bytes`, value: String(bytes) });
  return writes;
}

/** Shares of version 1 (2 to 262144) as weights of version 2 (1 to 10000). */
export function weightOf(shares: number): number {
  return 1 + Math.floor(((shares - 2) * 9999) / 262142);
}

function cpuFolders({ controllers }: Hierarchies, path: string): readonly string[] {
  return controllers.filter((name) => name === "cpu" || name === "cpu,cpuacct").map((name) => `${mountPoint}/${name}${path}`);
}

async function readIf(world: World, path: string): Promise<string | undefined> {
  try {
    return await world.files.readText(path);
  } catch (error) {
    if (error instanceof FileError && error.code === "ENOENT") return undefined;
    throw error;
  }
}

async function listIf(world: World, path: string): Promise<readonly string[]> {
  try {
    return await world.files.list(path);
  } catch (error) {
    if (error instanceof FileError && (error.code === "ENOENT" || error.code === "ENOTDIR" || error.code === "ENODEV")) return [];
    throw error;
  }
}
