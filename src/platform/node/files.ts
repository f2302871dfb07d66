// Files and folders of the machine.
import { execFile } from "node:child_process";
import { constants, readFileSync, type BigIntStats, type Stats } from "node:fs";
import * as fs from "node:fs/promises";
import { dirname } from "node:path";
import { promisify } from "node:util";
import { FileError, type FileInfo, type Files, type OpenFile } from "../files.ts";
import { watchPath } from "./file-watch.ts";

let replaced = 0;

export const nodeFiles: Files = {
  read: (path) => named(path, () => fs.readFile(path)),
  readText: (path) => named(path, async () => (isKernels(path) ? readFileSync(path, "utf8") : fs.readFile(path, "utf8"))),
  write: (path, data, options) =>
    named(path, async () => {
      await fs.writeFile(path, data, options);
      if (options?.mode !== undefined) await fs.chmod(path, options.mode);
    }),
  replace: (path, data, options) => named(path, () => replace(path, data, options?.mode ?? 0o644)),
  append: (path, data, options) => named(path, () => fs.appendFile(path, data, options)),
  open: (path) => named(path, async () => openFile(path, await fs.open(path, "r"))),
  stat: (path, options) => named(path, () => stat(path, options?.follow ?? false)),
  list: (path) => named(path, async () => (await fs.readdir(path)).sort(byBytes)),
  makeFolder: (path, options) => named(path, () => makeFolder(path, options)),
  remove: (path, options) => named(path, () => remove(path, options?.recursive ?? false)),
  rename: (from, to) => named(from, () => fs.rename(from, to)),
  link: (target, path) => named(path, () => fs.symlink(target, path)),
  readLink: (path) => named(path, () => fs.readlink(path)),
  changeMode: (path, mode) => named(path, () => fs.chmod(path, mode)),
  changeOwner: (path, uid, gid) => named(path, () => fs.chown(path, uid, gid)),
  space: (path) =>
    named(path, async () => {
      const { bsize, blocks, bavail, files, ffree } = await fs.statfs(path);
      return { total: bsize * blocks, free: bsize * bavail, inodes: files, inodesFree: ffree };
    }),
  watch: watchPath,
};

/** What the kernel makes up is there at once: four turns through the pool of threads cost ten times as much as reading it. */
function isKernels(path: string): boolean {
  return path.startsWith("/sys/fs/cgroup/") || path.startsWith("/proc/");
}

async function named<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw fileError(path, error);
  }
}

function fileError(path: string, error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  return typeof code === "string" ? new FileError(code, path, message) : error;
}

async function replace(path: string, data: Uint8Array | string, mode: number): Promise<void> {
  const temporary = `${path}.${process.pid}.${replaced++}.tmp`;
  try {
    const file = await fs.open(temporary, constants.O_CREAT | constants.O_EXCL | constants.O_WRONLY, mode);
    try {
      await file.writeFile(data);
      await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await fs.rename(temporary, path);
  } catch (error) {
    await fs.rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return;
  const folder = await fs.open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** Step by step: below /proc, where a folder can never be made, Node's own recursive way never ends. */
async function makeFolder(path: string, options: { readonly mode?: number } = {}): Promise<void> {
  const missing: string[] = [];
  let at = path;
  let found = await stat(at, true);
  while (found === undefined && dirname(at) !== at) {
    missing.unshift(at);
    at = dirname(at);
    found = await stat(at, true);
  }
  if (missing.length === 0 && found?.kind !== "folder") await fs.mkdir(path, options);
  for (const folder of missing) {
    try {
      await fs.mkdir(folder, options);
    } catch (error) {
      // Somebody else may have made it meanwhile.
      if ((await stat(folder, true))?.kind !== "folder") throw error;
    }
  }
}

async function remove(path: string, recursive: boolean): Promise<void> {
  if (recursive) {
    try {
      await fs.rm(path, { recursive: true, force: true, maxRetries: 3 });
    } catch (error) {
      // Folders may be nested deeper than a path can say. Node goes by paths; rm goes from folder to folder.
      if ((error as NodeJS.ErrnoException).code !== "ENAMETOOLONG") throw error;
      await promisify(execFile)("rm", ["-rf", "--one-file-system", "--", path]);
    }
    return;
  }
  try {
    // Control groups are folders that can only be removed like this, with all that is in them.
    if ((await fs.lstat(path)).isDirectory()) await fs.rmdir(path);
    else await fs.unlink(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}

async function stat(path: string, follow: boolean): Promise<FileInfo | undefined> {
  try {
    return infoOf(follow ? await fs.stat(path) : await fs.lstat(path));
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw error;
  }
}

function infoOf(stats: Stats): FileInfo {
  return {
    kind: kindOf(stats),
    size: stats.size,
    mode: stats.mode & 0o7777,
    modifiedAt: stats.mtimeMs,
    uid: stats.uid,
    gid: stats.gid,
    inode: stats.ino,
  };
}

function kindOf(stats: Stats | BigIntStats): FileInfo["kind"] {
  if (stats.isFile()) return "file";
  if (stats.isDirectory()) return "folder";
  if (stats.isSymbolicLink()) return "link";
  if (stats.isCharacterDevice()) return "character device";
  if (stats.isBlockDevice()) return "block device";
  return stats.isSocket() ? "socket" : "other";
}

/** UTF-8's byte order is the order of code points, which differs from that of UTF-16 units only beyond U+FFFF. */
function byBytes(left: string, right: string): number {
  return Buffer.compare(Buffer.from(left), Buffer.from(right));
}

function openFile(path: string, file: fs.FileHandle): OpenFile {
  return {
    read: (offset, length) =>
      named(path, async () => {
        const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, offset);
        return buffer.subarray(0, bytesRead);
      }),
    stat: () => named(path, async () => infoOf(await file.stat())),
    close: () => named(path, () => file.close()),
  };
}
