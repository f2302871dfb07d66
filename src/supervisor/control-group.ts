// The cgroup that holds all processes of one unit, on cgroup v1, hybrid and v2. Used for finding and ending processes, not for limits.
import type { World } from "#platform/world.ts";

export interface ControlGroup {
  /** The file that a process writes its id to in order to join. */
  readonly joinFile: string;
  make(): Promise<void>;
  processes(): Promise<readonly number[]>;
  /** Signals every process. */
  signal(signal: string): Promise<void>;
  remove(): Promise<void>;
}

/** Finds the folder under which unit cgroups can be made; undefined where there is none that can be written. */
export async function findGroupFolder(world: World): Promise<string | undefined> {
  try {
    const [own, mounts] = await Promise.all([world.files.readText("/proc/self/cgroup"), world.files.readText("/proc/self/mountinfo")]);
    const folder = groupFolder(own, mounts);
    if (folder === undefined) return undefined;
    const slice = `${folder}/system.slice`;
    await world.files.makeFolder(slice);
    return slice;
  } catch {
    return undefined;
  }
}

/** This process's own cgroup as a folder, in the hierarchy best suited for tracking: name=systemd, then pids, then v2. Pure. */
export function groupFolder(ownGroups: string, mountInfo: string): string | undefined {
  const mounts = mountInfo.split("\n").flatMap((line) => {
    const [before = "", after = ""] = line.split(" - ", 2);
    const [, , , root = "/", point = ""] = before.split(" ");
    const [type = "", , options = ""] = after.split(" ");
    return type === "cgroup" || type === "cgroup2" ? [{ root, point, type, options: options.split(",") }] : [];
  });
  const groups = new Map(
    ownGroups.split("\n").flatMap((line) => {
      const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
      return controllers === undefined || path === undefined ? [] : controllers.split(",").map((controller) => [controller, path] as const);
    }),
  );
  for (const controller of ["name=systemd", "pids", ""]) {
    const path = groups.get(controller);
    const mount = mounts.find(({ type, options }) =>
      controller === "" ? type === "cgroup2" : type === "cgroup" && options.includes(controller),
    );
    if (path === undefined || !mount) continue;
    const inside = path.startsWith("/..") ? "/" : mount.root !== "/" && path.startsWith(mount.root) ? path.slice(mount.root.length) : path;
    return `${mount.point}${inside === "/" ? "" : inside}`.replace(/\/system\.slice(\/.*)?$/, "");
  }
  return undefined;
}

export function controlGroup(world: World, path: string): ControlGroup {
  const { files } = world;
  return {
    joinFile: `${path}/cgroup.procs`,
    make: () => files.makeFolder(path),
    processes: () => processesUnder(path),
    async signal(signal) {
      if (signal === "SIGKILL" && (await files.stat(`${path}/cgroup.kill`))) {
        await files.write(`${path}/cgroup.kill`, "1").catch(() => {});
        return;
      }
      for (const id of await processesUnder(path)) world.processes.signal(id, signal);
    },
    remove: () => removeFolders(path).catch(() => {}),
  };

  async function processesUnder(folder: string): Promise<number[]> {
    const text = await files.readText(`${folder}/cgroup.procs`).catch(() => "");
    const own = text
      .split("\n")
      .map(Number)
      .filter((id) => id > 0);
    const nested = await Promise.all((await subfolders(folder)).map(processesUnder));
    return [...own, ...nested.flat()];
  }

  async function subfolders(folder: string): Promise<readonly string[]> {
    const names = await files.list(folder).catch(() => []);
    const folders = await Promise.all(
      names.map(async (name) =>
        (await files.stat(`${folder}/${name}`).catch(() => undefined))?.kind === "folder" ? [`${folder}/${name}`] : [],
      ),
    );
    return folders.flat();
  }

  /** A cgroup's folder goes by rmdir alone; its files cannot be removed. */
  async function removeFolders(folder: string): Promise<void> {
    const folders: string[] = [];
    const gather = async (at: string): Promise<void> => {
      for (const below of await subfolders(at)) await gather(below);
      folders.push(at);
    };
    if (!(await files.stat(folder))) return;
    await gather(folder);
    await world.processes.run("/bin/rmdir", folders, { timeoutMilliseconds: 5_000 });
  }
}
