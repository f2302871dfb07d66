// A disk that forgets what was not synced when its power is cut, mounted on a folder (as root, where the kernel has FUSE).
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, rmdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import type { LossyFilesOptions, PowerCutCounts } from "./lossy-files.ts";

const mountLimitMilliseconds = 20_000;
const run = promisify(execFile);

export interface Misbehaviour {
  readonly failing?: number;
  readonly slowMilliseconds?: number;
  readonly full?: boolean;
}

/** Why there can be no lossy disk here; undefined: there can. */
export function lossyDiskProblem(): string | undefined {
  if (process.getuid?.() !== 0) return "mounting needs root";
  return existsSync("/dev/fuse") ? undefined : "the kernel has no FUSE (/dev/fuse)";
}

export class LossyDisk {
  readonly folder: string;
  readonly #process: ChildProcess;
  readonly #ended: Promise<void>;

  private constructor(folder: string, { withoutSync = false }: LossyFilesOptions) {
    this.folder = folder;
    this.#process = spawn(
      process.execPath,
      [
        "--disable-warning=ExperimentalWarning",
        join(import.meta.dirname, "lossy-disk-process.ts"),
        folder,
        ...(withoutSync ? ["--without-sync"] : []),
      ],
      { stdio: ["ignore", "inherit", "inherit"] },
    );
    this.#ended = new Promise((resolve) => {
      this.#process.once("exit", () => resolve());
    });
  }

  static async mount(folder: string, options: LossyFilesOptions = {}): Promise<LossyDisk> {
    await mkdir(folder, { recursive: true });
    const { dev } = await stat(folder);
    const disk = new LossyDisk(folder, options);
    for (const deadline = performance.now() + mountLimitMilliseconds; (await stat(folder)).dev === dev; await pause(10)) {
      if (disk.#process.exitCode !== null || performance.now() > deadline) throw new Error(`nothing could be mounted on ${folder}`);
    }
    return disk;
  }

  /** Nobody may have its files open. */
  async powerCut(seed: number): Promise<void> {
    await this.#order(`cut ${seed}`);
  }

  /** How syncs go from now on: so many fail, each takes so long; and whether there is space. */
  async misbehave({ failing = 0, slowMilliseconds = 0, full = false }: Misbehaviour): Promise<void> {
    await this.#order(`fail ${failing}`);
    await this.#order(`slow ${slowMilliseconds}`);
    await this.#order(`full ${full ? 1 : 0}`);
  }

  async counts(): Promise<PowerCutCounts> {
    return JSON.parse(await readFile(join(this.folder, ".power"), "utf8"));
  }

  #order(text: string): Promise<void> {
    return writeFile(join(this.folder, ".power"), text);
  }

  async unmount(): Promise<void> {
    await run("umount", [this.folder]).catch(() => run("umount", ["-l", this.folder]));
    const late = setTimeout(() => this.#process.kill("SIGKILL"), 5_000);
    await this.#ended;
    clearTimeout(late);
    await rmdir(this.folder);
  }
}
