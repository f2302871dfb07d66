// Files that are as forgetful as a disk may be: what was written and not synced is lost in a power cut, wholly, from some moment on, or in
// scattered sectors; so are names that were made, changed or taken away while their folder was not synced.
//
// Stricter than most file systems: syncing a file does not keep its name, and unsynced writes may arrive in any order. A sync that fails is
// as on Linux: what was to be synced can still be read, but is clean, so that no later sync saves it unless its page is written again.
import type { SeededRandom } from "#platform/simulated/random.ts";

const sectorBytes = 512;
const pageBytes = 4096;
const rootNumber = 1;

export type FileProblem = "ENOENT" | "EEXIST" | "ENOTDIR" | "EISDIR" | "ENOTEMPTY" | "ESTALE" | "EIO" | "ENOSPC";

export class FileRefused extends Error {
  override readonly name = "FileRefused";
  readonly code: FileProblem;
  constructor(code: FileProblem) {
    super(code);
    this.code = code;
  }
}

type Write = { readonly at: number; readonly bytes: Uint8Array } | { readonly size: number };

/** Names set to a node, or taken away (undefined), at once. */
type Naming = readonly { readonly name: string; readonly node: Node | undefined }[];

/** A file or a folder. */
export class Node {
  readonly number: number;
  readonly isFolder: boolean;
  readonly mode: number;
  /** A file's bytes; and a folder's names. */
  content = new Content();
  names = new Map<string, Node>();
  /** What a power cut leaves at least, and what it may take. */
  syncedContent = new Content();
  syncedNames = new Map<string, Node>();
  writes: Write[] = [];
  namings: Naming[] = [];
  /** Pages that a failed sync has left behind as clean. */
  readonly lostPages = new Set<number>();

  constructor(number: number, isFolder: boolean, mode: number) {
    this.number = number;
    this.isFolder = isFolder;
    this.mode = mode;
  }
}

/** Bytes that grow. */
export class Content {
  #bytes = new Uint8Array(0);
  size = 0;

  read(at: number, length: number): Uint8Array {
    return this.#bytes.subarray(at, Math.min(this.size, at + length));
  }

  apply(write: Write): void {
    if ("size" in write) return this.#resize(write.size);
    const end = write.at + write.bytes.length;
    if (end > this.size) this.#resize(end);
    this.#bytes.set(write.bytes, write.at);
  }

  copy(): Content {
    const copy = new Content();
    copy.#bytes = this.#bytes.slice(0, this.size);
    copy.size = this.size;
    return copy;
  }

  #resize(size: number): void {
    if (size > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(size, this.#bytes.length * 2, 4096));
      grown.set(this.#bytes.subarray(0, this.size));
      this.#bytes = grown;
    }
    if (size < this.size) this.#bytes.fill(0, size, this.size);
    this.size = size;
  }
}

export interface LossyFilesOptions {
  /** Syncing is answered, and does nothing: a disk that lies. */
  readonly withoutSync?: boolean;
}

export interface PowerCutCounts {
  readonly cuts: number;
  readonly syncs: number;
  /** Unsynced writes and namings that cuts found, and those of them that they left as they were. */
  readonly unsynced: number;
  readonly kept: number;
}

export class LossyFiles {
  readonly root: Node = new Node(rootNumber, true, 0o755);
  readonly #nodes = new Map<number, Node>([[rootNumber, this.root]]);
  readonly #withoutSync: boolean;
  #next = rootNumber + 1;
  /** So many syncs fail from now on. */
  failingSyncs = 0;
  /** Nothing grows and nothing new is made. */
  full = false;
  #counts = { cuts: 0, syncs: 0, unsynced: 0, kept: 0 };

  constructor({ withoutSync = false }: LossyFilesOptions = {}) {
    this.#withoutSync = withoutSync;
  }

  get counts(): PowerCutCounts {
    return { ...this.#counts };
  }

  node(number: number): Node {
    const node = this.#nodes.get(number);
    if (!node) throw new FileRefused("ESTALE");
    return node;
  }

  lookup(folder: Node, name: string): Node {
    const node = folder.names.get(name);
    if (!node) throw new FileRefused("ENOENT");
    return node;
  }

  make(folder: Node, name: string, isFolder: boolean, mode: number): Node {
    if (!folder.isFolder) throw new FileRefused("ENOTDIR");
    if (folder.names.has(name)) throw new FileRefused("EEXIST");
    if (this.full) throw new FileRefused("ENOSPC");
    const node = new Node(this.#next++, isFolder, mode);
    this.#nodes.set(node.number, node);
    this.#name(folder, [{ name, node }]);
    return node;
  }

  remove(folder: Node, name: string, isFolder: boolean): void {
    const node = this.lookup(folder, name);
    if (node.isFolder !== isFolder) throw new FileRefused(isFolder ? "ENOTDIR" : "EISDIR");
    if (node.names.size > 0) throw new FileRefused("ENOTEMPTY");
    this.#name(folder, [{ name, node: undefined }]);
  }

  rename(from: Node, name: string, to: Node, newName: string): void {
    const node = this.lookup(from, name);
    if ((to.names.get(newName)?.names.size ?? 0) > 0) throw new FileRefused("ENOTEMPTY");
    if (from === to)
      return this.#name(from, [
        { name, node: undefined },
        { name: newName, node },
      ]);
    this.#name(to, [{ name: newName, node }]);
    this.#name(from, [{ name, node: undefined }]);
  }

  write(node: Node, at: number, bytes: Uint8Array): void {
    if (this.full && at + bytes.length > node.content.size) throw new FileRefused("ENOSPC");
    this.#change(node, { at, bytes: new Uint8Array(bytes) });
    for (let page = Math.floor(at / pageBytes); page * pageBytes < at + bytes.length; page++) {
      if (node.lostPages.delete(page)) {
        const whole = new Uint8Array(node.content.read(page * pageBytes, pageBytes));
        node.writes.push({ at: page * pageBytes, bytes: whole });
      }
    }
  }

  resize(node: Node, size: number): void {
    if (size !== node.content.size) this.#change(node, { size });
  }

  sync(node: Node): void {
    this.#counts.syncs++;
    if (this.#withoutSync) return;
    if (this.failingSyncs > 0) this.#failSync(node);
    for (const write of node.writes) node.syncedContent.apply(write);
    for (const naming of node.namings) rename(node.syncedNames, naming);
    node.writes = [];
    node.namings = [];
  }

  /** The power is cut and comes back: of what was not synced, chance decides. */
  powerCut(random: SeededRandom): void {
    this.#counts.cuts++;
    for (const node of this.#nodes.values()) {
      this.#counts.unsynced += node.writes.length + node.namings.length;
      for (const write of survivors(node.writes, random)) {
        this.#counts.kept++;
        node.syncedContent.apply(write);
      }
      const kept = random.integer(node.namings.length + 1);
      this.#counts.kept += kept;
      for (const naming of node.namings.slice(0, kept)) rename(node.syncedNames, naming);
      node.writes = [];
      node.namings = [];
      node.lostPages.clear();
      node.content = node.syncedContent.copy();
      node.names = new Map(node.syncedNames);
    }
    this.#forgetUnnamed();
  }

  #failSync(node: Node): never {
    this.failingSyncs--;
    for (const write of node.writes) {
      if ("size" in write) continue;
      for (let page = Math.floor(write.at / pageBytes); page * pageBytes < write.at + write.bytes.length; page++) node.lostPages.add(page);
    }
    // Sizes are the journal's, not the pages'.
    node.writes = node.isFolder ? [] : [{ size: node.content.size }];
    throw new FileRefused("EIO");
  }

  #change(node: Node, write: Write): void {
    if (node.isFolder) throw new FileRefused("EISDIR");
    node.content.apply(write);
    node.writes.push(write);
  }

  #name(folder: Node, naming: Naming): void {
    rename(folder.names, naming);
    folder.namings.push(naming);
  }

  #forgetUnnamed(): void {
    const named = new Set([this.root]);
    for (const node of named) for (const child of node.names.values()) named.add(child);
    for (const [number, node] of this.#nodes) if (!named.has(node)) this.#nodes.delete(number);
  }
}

function rename(names: Map<string, Node>, naming: Naming): void {
  for (const { name, node } of naming) {
    if (node) names.set(name, node);
    else names.delete(name);
  }
}

/** None of them, the first ones, or scattered sectors. */
function survivors(writes: readonly Write[], random: SeededRandom): readonly Write[] {
  const way = random.integer(4);
  if (way === 0) return [];
  if (way === 1) return writes.slice(0, random.integer(writes.length + 1));
  // Whole pages arrive or not more often than single sectors do.
  const piece = way === 2 ? sectorBytes : 8 * sectorBytes;
  const likely = random.integer(9) + 1;
  return writes.flatMap((write): readonly Write[] => {
    if ("size" in write) return random.integer(2) === 0 ? [write] : [];
    const pieces: Write[] = [];
    for (let start = write.at; start < write.at + write.bytes.length; ) {
      const end = Math.min(write.at + write.bytes.length, (Math.floor(start / piece) + 1) * piece);
      if (random.integer(10) < likely) pieces.push({ at: start, bytes: write.bytes.subarray(start - write.at, end - write.at) });
      start = end;
    }
    return pieces;
  });
}
