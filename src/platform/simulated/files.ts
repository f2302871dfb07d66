// Files in memory: folders, links, permission bits, watching, a disk that can be full, and a power cut that loses what was not synced.
//
// Invariants:
// - Every path is absolute and is normalised once on the way in.
// - `replace` is durable at once; what `write` and `append` left may be lost by `crash`.
import type { Clock } from "../clock.ts";
import { FileError } from "../files.ts";
import type { FileInfo, Files, OpenFile } from "../files.ts";
import type { Random } from "../random.ts";

interface Common {
  readonly inode: number;
  mode: number;
  uid: number;
  gid: number;
  modifiedAt: number;
}
interface FileNode extends Common {
  readonly kind: "file";
  data: Uint8Array;
  length: number;
  /** What a power cut leaves; the same array as `data` when nothing is unsynced. */
  durable: Uint8Array;
}
interface FolderNode extends Common {
  readonly kind: "folder";
  readonly children: Map<string, Node>;
}
interface LinkNode extends Common {
  readonly kind: "link";
  readonly target: string;
}
type Node = FileNode | FolderNode | LinkNode;

interface Watcher {
  readonly path: string;
  readonly changed: () => void;
  pending: boolean;
  closed: boolean;
}

const words: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EEXIST: "file already exists",
  ENOTDIR: "not a directory",
  EISDIR: "illegal operation on a directory",
  ENOTEMPTY: "directory not empty",
  EINVAL: "invalid argument",
  ELOOP: "too many symbolic links encountered",
  ENOSPC: "no space left on device",
};
const mostLinks = 40;

export class SimulatedFiles implements Files {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #watchers = new Set<Watcher>();
  readonly #root: FolderNode;
  readonly #capacityBytes: number;
  #inodes = 1;
  #usedBytes = 0;
  /** While true, everything that needs room fails with ENOSPC. */
  full = false;

  constructor(clock: Clock, random: Random, capacityBytes = 64 * 2 ** 30) {
    this.#clock = clock;
    this.#random = random;
    this.#capacityBytes = capacityBytes;
    this.#root = { kind: "folder", children: new Map(), ...this.#common(0o755) };
  }

  async read(path: string): Promise<Uint8Array> {
    const file = this.#file(path, "open");
    return file.data.slice(0, file.length);
  }

  async readText(path: string): Promise<string> {
    return new TextDecoder().decode(await this.read(path));
  }

  async write(path: string, data: Uint8Array | string, options?: { mode?: number }): Promise<void> {
    const file = this.#create(path, options?.mode);
    this.#setContent(file, path, bytesOf(data));
    this.#touch(path);
  }

  async replace(path: string, data: Uint8Array | string, options?: { mode?: number }): Promise<void> {
    const { folder, name, node } = this.#entry(path, "rename", false);
    if (node?.kind === "folder") throw failure("EISDIR", "rename", path);
    const file = this.#newFile(options?.mode);
    this.#setContent(file, path, bytesOf(data));
    file.durable = file.data;
    if (node) this.#release(node);
    folder.children.set(name, file);
    this.#touch(path);
  }

  async append(path: string, data: Uint8Array | string, options?: { mode?: number }): Promise<void> {
    const file = this.#create(path, options?.mode);
    const added = bytesOf(data);
    this.#reserve(added.length, path);
    if (file.length + added.length > file.data.length) {
      const grown = new Uint8Array(Math.max(64, 2 * file.data.length, file.length + added.length));
      grown.set(file.data.subarray(0, file.length));
      if (file.durable === file.data) file.durable = file.data.subarray(0, file.length);
      file.data = grown;
    } else if (file.durable === file.data) {
      file.durable = file.data.slice(0, file.length);
    }
    file.data.set(added, file.length);
    file.length += added.length;
    file.modifiedAt = this.#clock.now();
    this.#touch(path);
  }

  async open(path: string): Promise<OpenFile> {
    const file = this.#file(path, "open");
    return {
      read: async (offset, length) => file.data.slice(Math.min(offset, file.length), Math.min(offset + length, file.length)),
      stat: async () => info(file),
      close: async () => {},
    };
  }

  async stat(path: string, options?: { follow?: boolean }): Promise<FileInfo | undefined> {
    const node = this.#find(path, "stat", options?.follow ?? false);
    return node && info(node);
  }

  async list(path: string): Promise<readonly string[]> {
    const node = this.#find(path, "scandir", true);
    if (!node) throw failure("ENOENT", "scandir", path);
    if (node.kind !== "folder") throw failure("ENOTDIR", "scandir", path);
    return [...node.children.keys()].sort(byBytes);
  }

  async makeFolder(path: string, options?: { mode?: number }): Promise<void> {
    let reached = "";
    for (const name of split(path)) {
      reached += `/${name}`;
      const { folder, name: last, node } = this.#entry(reached, "mkdir", true);
      if (node?.kind === "folder") continue;
      if (node) throw failure("EEXIST", "mkdir", path);
      if (this.full) throw failure("ENOSPC", "mkdir", path);
      folder.children.set(last, { kind: "folder", children: new Map(), ...this.#common(options?.mode ?? 0o755) });
      this.#touch(reached);
    }
  }

  async remove(path: string, options?: { recursive?: boolean }): Promise<void> {
    const parent = this.#find(parentOf(path), "rm", true);
    if (!parent || parent.kind !== "folder") return;
    const name = split(path).at(-1);
    if (name === undefined) throw failure("EINVAL", "rm", path);
    const node = parent.children.get(name);
    if (!node) return;
    if (node.kind === "folder" && node.children.size > 0 && !options?.recursive) throw failure("ENOTEMPTY", "rm", path);
    this.#release(node);
    parent.children.delete(name);
    this.#touch(path);
  }

  async rename(from: string, to: string): Promise<void> {
    const source = this.#entry(from, "rename", false);
    const target = this.#entry(to, "rename", false);
    if (!source.node) throw failure("ENOENT", "rename", from);
    if (source.node === target.node) return;
    if (`${normal(to)}/`.startsWith(`${normal(from)}/`)) throw failure("EINVAL", "rename", from);
    if (target.node) {
      if (target.node.kind === "folder" && source.node.kind !== "folder") throw failure("EISDIR", "rename", to);
      if (target.node.kind !== "folder" && source.node.kind === "folder") throw failure("ENOTDIR", "rename", to);
      if (target.node.kind === "folder" && target.node.children.size > 0) throw failure("ENOTEMPTY", "rename", to);
      this.#release(target.node);
    }
    source.folder.children.delete(source.name);
    target.folder.children.set(target.name, source.node);
    this.#touch(from);
    this.#touch(to);
  }

  async link(target: string, path: string): Promise<void> {
    const { folder, name, node } = this.#entry(path, "symlink", false);
    if (node) throw failure("EEXIST", "symlink", path);
    folder.children.set(name, { kind: "link", target, ...this.#common(0o777) });
    this.#touch(path);
  }

  async readLink(path: string): Promise<string> {
    const node = this.#find(path, "readlink", false);
    if (!node) throw failure("ENOENT", "readlink", path);
    if (node.kind !== "link") throw failure("EINVAL", "readlink", path);
    return node.target;
  }

  async changeMode(path: string, mode: number): Promise<void> {
    this.#existing(path, "chmod").mode = mode & 0o7777;
    this.#touch(path);
  }

  async changeOwner(path: string, uid: number, gid: number): Promise<void> {
    Object.assign(this.#existing(path, "chown"), { uid, gid });
    this.#touch(path);
  }

  async space(path: string): Promise<{ total: number; free: number; inodes: number; inodesFree: number }> {
    this.#existing(path, "statfs");
    const free = this.full ? 0 : this.#capacityBytes - this.#usedBytes;
    return { total: this.#capacityBytes, free, inodes: 1_000_000, inodesFree: 1_000_000 - Math.min(this.#inodes, 1_000_000) };
  }

  watch(path: string, changed: () => void): { close(): void } {
    const watcher: Watcher = { path: normal(path), changed, pending: false, closed: false };
    this.#watchers.add(watcher);
    return {
      close: () => {
        watcher.closed = true;
        this.#watchers.delete(watcher);
      },
    };
  }

  /** A power cut: of every file with unsynced content, chance decides whether the old or the new content is there afterwards. */
  crash(): void {
    this.#watchers.clear();
    const visit = (node: Node): void => {
      if (node.kind === "folder") for (const child of node.children.values()) visit(child);
      if (node.kind !== "file" || node.durable === node.data) return;
      const kept = this.#random.fraction() < 0.5 ? node.durable : node.data.slice(0, node.length);
      this.#usedBytes += kept.length - node.length;
      Object.assign(node, { data: kept, durable: kept, length: kept.length });
    };
    visit(this.#root);
  }

  #common(mode: number): Common {
    return { inode: this.#inodes++, mode: mode & 0o7777, uid: 0, gid: 0, modifiedAt: this.#clock.now() };
  }

  #newFile(mode: number | undefined): FileNode {
    const empty = new Uint8Array(0);
    return { kind: "file", data: empty, length: 0, durable: empty, ...this.#common(mode ?? 0o644) };
  }

  #create(path: string, mode: number | undefined): FileNode {
    const { folder, name, node } = this.#entry(path, "open", true);
    if (node?.kind === "folder") throw failure("EISDIR", "open", path);
    if (node?.kind === "file") return node;
    if (this.full) throw failure("ENOSPC", "open", path);
    const file = this.#newFile(mode);
    folder.children.set(name, file);
    return file;
  }

  #setContent(file: FileNode, path: string, bytes: Uint8Array): void {
    this.#reserve(bytes.length - file.length, path);
    if (file.durable === file.data) file.durable = file.data.slice(0, file.length);
    file.data = bytes.slice();
    file.length = bytes.length;
    file.modifiedAt = this.#clock.now();
  }

  #reserve(bytes: number, path: string): void {
    if (bytes > 0 && (this.full || this.#usedBytes + bytes > this.#capacityBytes)) throw failure("ENOSPC", "write", path);
    this.#usedBytes += bytes;
  }

  #release(node: Node): void {
    if (node.kind === "file") this.#usedBytes -= node.length;
    if (node.kind === "folder") for (const child of node.children.values()) this.#release(child);
  }

  #file(path: string, call: string): FileNode {
    const node = this.#find(path, call, true);
    if (!node) throw failure("ENOENT", call, path);
    if (node.kind !== "file") throw failure("EISDIR", call, path);
    return node;
  }

  #existing(path: string, call: string): Node {
    const node = this.#find(path, call, true);
    if (!node) throw failure("ENOENT", call, path);
    return node;
  }

  #find(path: string, call: string, follow: boolean): Node | undefined {
    if (split(path).length === 0) return this.#root;
    try {
      return this.#entry(path, call, follow).node;
    } catch (error) {
      if (error instanceof FileError && (error.code === "ENOENT" || error.code === "ENOTDIR")) return undefined;
      throw error;
    }
  }

  /** The folder that holds the end of the path, and what is there. Links on the way are followed, one at the end only if asked. */
  #entry(path: string, call: string, follow: boolean): { folder: FolderNode; name: string; node: Node | undefined } {
    let names = split(path);
    if (names.length === 0) throw failure("EISDIR", call, path);
    let links = 0;
    let trail: FolderNode[] = [this.#root];
    let folder = this.#root;
    for (let index = 0; ; index++) {
      const name = names[index] as string;
      const last = index === names.length - 1;
      if (name === "..") {
        trail.pop();
        folder = trail.at(-1) ?? this.#root;
        if (trail.length === 0) trail = [this.#root];
        if (last) return { folder: trail.at(-2) ?? this.#root, name: ".", node: folder };
        continue;
      }
      const node = folder.children.get(name);
      if (node?.kind === "link" && (!last || follow)) {
        if (++links > mostLinks) throw failure("ELOOP", call, path);
        const target = node.target.split("/").filter((part) => part !== "" && part !== ".");
        names = [...target, ...names.slice(index + 1)];
        if (node.target.startsWith("/")) {
          trail = [this.#root];
          folder = this.#root;
        }
        if (names.length === 0) throw failure("EISDIR", call, path);
        index = -1;
        continue;
      }
      if (last) return { folder, name, node };
      if (!node) throw failure("ENOENT", call, path);
      if (node.kind !== "folder") throw failure("ENOTDIR", call, path);
      trail.push(node);
      folder = node;
    }
  }

  /** Wakes those who watch the path, its folder or something below it, at the end of the turn and once for all that changed in it. */
  #touch(path: string): void {
    const changed = normal(path);
    const folder = this.#find(parentOf(path), "watch", true);
    for (const watcher of this.#watchers) {
      const concerned = `${watcher.path}/`.startsWith(`${changed}/`) || this.#find(watcher.path, "watch", true) === folder;
      if (watcher.pending || !concerned) continue;
      watcher.pending = true;
      void this.#clock.endOfTurn().then(() => {
        watcher.pending = false;
        if (!watcher.closed) watcher.changed();
      });
    }
  }
}

function failure(code: string, call: string, path: string): FileError {
  return new FileError(code, path, `${code}: ${words[code] ?? "failed"}, ${call} '${path}'`);
}

function split(path: string): string[] {
  if (!path.startsWith("/")) throw failure("EINVAL", "open", path);
  const names: string[] = [];
  for (const name of path.split("/")) {
    if (name === "" || name === ".") continue;
    if (name === "..") names.pop();
    else names.push(name);
  }
  return names;
}

function normal(path: string): string {
  return `/${split(path).join("/")}`;
}

function parentOf(path: string): string {
  return `/${split(path).slice(0, -1).join("/")}`;
}

function bytesOf(data: Uint8Array | string): Uint8Array {
  return typeof data === "string" ? new TextEncoder().encode(data) : data;
}

function byBytes(left: string, right: string): number {
  const [a, b] = [new TextEncoder().encode(left), new TextEncoder().encode(right)];
  for (let index = 0; index < Math.min(a.length, b.length); index++) {
    const difference = (a[index] as number) - (b[index] as number);
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

function info(node: Node): FileInfo {
  const { kind, mode, modifiedAt, uid, gid, inode } = node;
  const size = node.kind === "file" ? node.length : node.kind === "link" ? node.target.length : 4096;
  return { kind, size, mode, modifiedAt, uid, gid, inode };
}
