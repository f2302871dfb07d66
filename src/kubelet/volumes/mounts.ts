// Mounting and unmounting on the node.
import type { SystemMount } from "#cri/runtime.ts";
import type { World } from "#platform/world.ts";

const commandMilliseconds = 30_000;
const linksMax = 40;
const readingOnly = ["ro", "nosuid", "nodev", "noexec"];
const lowerOption = "lowerdir=";

export interface Mounts {
  /** Mounts a file system in memory, unless something is mounted there already. */
  memory(path: string, options: { readonly sizeBytes?: number | undefined }): Promise<void>;
  /** The same, in huge pages of this size ("2Mi"). */
  hugePages(path: string, pageSize: string): Promise<void>;
  /** Mounts these, one over another, for reading only; on the node itself nothing in them can be run. */
  files(path: string, mounts: readonly SystemMount[]): Promise<void>;
  /** Shows `source` at `target` too, unless something is mounted there already. Returns where to find it. */
  bind(source: string, target: string, options: { readonly options: readonly string[] }): Promise<string>;
  /**
   * Mounts what `path` within the folder `root` is now at `target`, and returns where to find it. A link that leads out of `root` is refused;
   * one that is put there afterwards changes nothing. With a mode, folders that are missing are made.
   */
  pin(root: string, path: string, target: string, options?: { readonly folderMode?: number | undefined }): Promise<string>;
  isMounted(path: string): Promise<boolean>;
  /** Unmounts everything at and below the folder. */
  unmountBelow(folder: string): Promise<void>;
}

/** Of a machine that is nobody's to change: volumes are where they come from, those in memory are plain folders. */
export const noMounts: Mounts = {
  memory: async () => {},
  hugePages: async () => {},
  files: async () => {},
  bind: async (source) => source,
  pin: async (root, path) => `${root}/${path}`,
  isMounted: async () => false,
  unmountBelow: async () => {},
};

/**
 * A file that was opened stays the one it was, whoever changes the path to it: so it is checked and mounted through its descriptor. In the
 * same way a folder that was entered is checked before anything is made in it.
 */
const pinScript = `set -e
refuse() { echo "it leads out of the volume" >&2; exit 1; }
cd -P -- "$1"
root=$(pwd -P)
root=\${root%/}
rest=$2
while :; do
  part=\${rest%%/*}
  if [ -n "$4" ] && ! [ -e "./$part" ] && ! [ -L "./$part" ]; then mkdir -m "$4" -- "./$part"; fi
  [ "$part" != "$rest" ] || break
  rest=\${rest#*/}
  cd -P -- "./$part"
  case $(pwd -P)/ in "$root"/*) ;; *) refuse ;; esac
done
exec 3<"./$part"
case $(readlink /proc/self/fd/3)/ in "$root"/*) ;; *) refuse ;; esac
exec mount --no-canonicalize --bind /proc/self/fd/3 "$3"`;

export function systemMounts(world: World): Mounts {
  return {
    async memory(path, { sizeBytes }) {
      if (await isMounted(path)) return;
      await run("mount", ["-t", "tmpfs", ...(sizeBytes === undefined ? [] : ["-o", `size=${sizeBytes}`]), "tmpfs", path]);
    },
    async hugePages(path, pageSize) {
      if (!(await isMounted(path))) await run("mount", ["-t", "hugetlbfs", "-o", `pagesize=${pageSize.replace(/i$/, "")}`, "nodev", path]);
    },
    async files(path, all) {
      for (const one of all) {
        if (one.options.some((option) => option === "bind" || option === "rbind")) {
          await run("mount", ["--bind", one.source, path]);
          await run("mount", ["-o", ["remount", "bind", ...readingOnly].join(","), path]);
        } else await mountLayers(path, one);
      }
    },
    async bind(source, target, { options }) {
      if (await isMounted(target)) return target;
      await run("mount", ["--bind", source, target]);
      try {
        // What a bind mount allows is said only when it is there.
        if (options.length > 0) await run("mount", ["-o", ["remount", "bind", ...options].join(","), target]);
      } catch (error) {
        await run("umount", [target]);
        throw error;
      }
      return target;
    },
    async pin(root, path, target, { folderMode } = {}) {
      const there = (await world.files.stat(`${root}/${path}`, { follow: true }))?.kind;
      const kind = there ?? (folderMode === undefined ? undefined : "folder");
      if (kind !== "folder" && kind !== "file") throw new Error(`${path} is neither a file nor a folder`);
      if (await isMounted(target)) await run("umount", [target]);
      await makePlace(target, kind);
      const mode = folderMode === undefined ? "" : folderMode.toString(8);
      const options = { timeoutMilliseconds: commandMilliseconds };
      const { code, stderr } = await world.processes.run("sh", ["-c", pinScript, "sh", root, path, target, mode], options);
      if (code !== 0) throw new Error(stderr.trim() || `sh ended with ${code}`);
      return target;
    },
    isMounted,
    async unmountBelow(folder) {
      const real = await withoutLinks(folder);
      const below = (await mountPoints()).filter((point) => point === real || point.startsWith(`${real}/`));
      for (const point of below.sort((a, b) => b.length - a.length)) await run("umount", [point]);
    },
  };

  async function isMounted(path: string): Promise<boolean> {
    const points = await mountPoints();
    return points.includes(path) || points.includes(await withoutLinks(path));
  }

  /** The path as the kernel names it among mount points: a machine's folder of the kubelet may be a link to a larger disk. */
  async function withoutLinks(path: string): Promise<string> {
    let real = "";
    let links = 0;
    for (const left = path.split("/"); left.length > 0; ) {
      const part = left.shift() as string;
      if (part === "" || part === ".") continue;
      if (part === "..") {
        real = real.slice(0, Math.max(0, real.lastIndexOf("/")));
        continue;
      }
      const at = `${real}/${part}`;
      if ((await world.files.stat(at))?.kind !== "link") {
        real = at;
        continue;
      }
      if (++links > linksMax) throw new Error(`${path}: too many levels of symbolic links`);
      const target = await world.files.readLink(at);
      if (target.startsWith("/")) real = "";
      left.unshift(...target.split("/"));
    }
    return real === "" ? "/" : real;
  }

  /** Options have one page of memory: where all folders of an overlay lie in one, they are named from there. */
  async function mountLayers(path: string, { type, source, options }: SystemMount): Promise<void> {
    const lower =
      options
        .find((option) => option.startsWith(lowerOption))
        ?.slice(lowerOption.length)
        .split(":") ?? [];
    const folder = lower.length === 0 ? "/" : commonFolder(lower);
    const short = lower.map((one) => one.slice(folder.length).replace(/^\//, "")).join(":");
    const others = options.filter((option) => option !== "ro" && !option.startsWith(lowerOption));
    const said = [...readingOnly, ...others, ...(lower.length > 0 ? [`${lowerOption}${short}`] : [])];
    await run("mount", ["-t", type, "-o", said.join(","), source, path], folder);
  }

  async function run(program: string, arguments_: readonly string[], folder = "/"): Promise<void> {
    const { code, stderr } = await world.processes.run(program, arguments_, { timeoutMilliseconds: commandMilliseconds, folder });
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

/** The deepest folder that holds all of these. */
function commonFolder(paths: readonly string[]): string {
  const parts = paths.map((path) => path.split("/").slice(0, -1));
  const [first = []] = parts;
  const same = first.findIndex((part, index) => parts.some((other) => other[index] !== part));
  return (same < 0 ? first : first.slice(0, same)).join("/") || "/";
}
