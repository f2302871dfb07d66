// Mounting and unmounting on the node.
import type { World } from "#platform/world.ts";

const commandMilliseconds = 30_000;

export interface Mounts {
  /** Mounts a file system in memory, unless something is mounted there already. */
  memory(path: string, options: { readonly sizeBytes?: number | undefined; readonly mode: string }): Promise<void>;
  /** Unmounts everything at and below the folder. */
  unmountBelow(folder: string): Promise<void>;
}

/** Of a machine that is nobody's to change: memory volumes are plain folders. */
export const noMounts: Mounts = { memory: async () => {}, unmountBelow: async () => {} };

export function systemMounts(world: World): Mounts {
  return {
    memory: async (path, { sizeBytes, mode }) => {
      if ((await mountPoints()).includes(path)) return;
      const options = [`mode=${mode}`, ...(sizeBytes === undefined ? [] : [`size=${sizeBytes}`])].join(",");
      await run("mount", ["-t", "tmpfs", "-o", options, "tmpfs", path]);
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

  async function mountPoints(): Promise<readonly string[]> {
    const text = await world.files.readText("/proc/self/mountinfo");
    return text
      .split("\n")
      .map((line) => line.split(" ")[4])
      .filter((point) => point !== undefined)
      .map((point) => point.replace(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))));
  }
}
