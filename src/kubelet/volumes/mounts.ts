// Mounting and unmounting on the node.
import type { World } from "#platform/world.ts";

const commandMilliseconds = 30_000;

export interface Mounts {
  /** Mounts a file system in memory, unless something is mounted there already. */
  memory(path: string, options: { readonly sizeBytes?: number | undefined; readonly mode: string }): Promise<void>;
  /**
   * Mounts what `path` within the folder `root` is now at `target`, and returns where to find it. A link that leads out of `root` is refused;
   * one that is put there afterwards changes nothing.
   */
  pin(root: string, path: string, target: string): Promise<string>;
  /** Unmounts everything at and below the folder. */
  unmountBelow(folder: string): Promise<void>;
}

/** Of a machine that is nobody's to change: memory volumes are plain folders. */
export const noMounts: Mounts = { memory: async () => {}, pin: async (root, path) => `${root}/${path}`, unmountBelow: async () => {} };

/** A file that was opened stays the one it was, whoever changes the path to it: so it is checked and mounted through its descriptor. */
const pinScript = `set -e
cd -P -- "$1"
root=$(pwd -P)
exec 3<"./$2"
opened=$(readlink /proc/self/fd/3)
case $opened in
  "\${root%/}"/*) exec mount --no-canonicalize --bind /proc/self/fd/3 "$3" ;;
esac
echo "it leads out of the volume" >&2
exit 1`;

export function systemMounts(world: World): Mounts {
  return {
    memory: async (path, { sizeBytes, mode }) => {
      if ((await mountPoints()).includes(path)) return;
      const options = [`mode=${mode}`, ...(sizeBytes === undefined ? [] : [`size=${sizeBytes}`])].join(",");
      await run("mount", ["-t", "tmpfs", "-o", options, "tmpfs", path]);
    },
    pin: async (root, path, target) => {
      const kind = (await world.files.stat(`${root}/${path}`, { follow: true }))?.kind;
      if (kind !== "folder" && kind !== "file") throw new Error(`${path} is neither a file nor a folder`);
      for (const point of await mountPoints()) if (point === target) await run("umount", [target]);
      await makePlace(target, kind);
      const options = { timeoutMilliseconds: commandMilliseconds };
      const { code, stderr } = await world.processes.run("sh", ["-c", pinScript, "sh", root, path, target], options);
      if (code !== 0) throw new Error(stderr.trim() || `sh ended with ${code}`);
      return target;
    },
    unmountBelow: async (folder) => {
      const below = (await mountPoints()).filter((point) => point === folder || point.startsWith(`${folder}/`));
      for (const point of below.sort((a, b) => b.length - a.length)) await run("umount", [point]);
    },
  };

  async function run(program: string, arguments_: readonly string[]): Promise<void> {
    const { code, stderr } = await world.processes.run(program, arguments_, { timeoutMilliseconds: commandMilliseconds });
    if (code !== 0) throw new Error(`${program} ${arguments_.join(" ")} failed: ${stderr.trim()}`);
  }

  /** Something to mount on. Never removes more than an empty folder or a file of ours. */
  async function makePlace(target: string, kind: "file" | "folder"): Promise<void> {
    const there = (await world.files.stat(target))?.kind;
    if (there === kind) return;
    if (there === "folder") await run("rmdir", [target]);
    else await world.files.remove(target);
    await world.files.makeFolder(kind === "folder" ? target : target.slice(0, target.lastIndexOf("/")), { mode: 0o750 });
    if (kind === "file") await world.files.write(target, "", { mode: 0o640 });
  }

  async function mountPoints(): Promise<readonly string[]> {
    const text = await world.files.readText("/proc/self/mountinfo");
    return text
      .split("\n")
      .map((line) => line.split(" ")[4])
      .filter((point) => point !== undefined)
      .map((point) => point.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))));
  }
}
