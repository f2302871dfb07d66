// Reads a bbolt file that nobody writes to: its buckets, and their keys in order. Whatever is out of place is a BoltError.
import {
  branchFlag,
  bucketBytes,
  bucketElement,
  elementBytes,
  fnv64,
  formatVersion,
  leafFlag,
  magic,
  metaBytes,
  metaFlag,
  pageHead,
  viewOf,
} from "./layout.ts";
import type { BoltItem } from "./bolt-writer.ts";

export class BoltError extends Error {
  override readonly name = "BoltError";
}

/** Up to `length` bytes of the file from `offset` on; fewer where it ends. */
export type ReadAt = (offset: number, length: number) => Uint8Array;

interface Meta {
  readonly pageBytes: number;
  readonly root: number;
  readonly pages: number;
  readonly transaction: number;
}

const depthMax = 32;
const pageSizes = [1024, 2048, 4096, 8192, 16384, 32768, 65536];
const pageMaxBytes = 2 ** 30;

export class BoltFile {
  readonly #readAt: ReadAt;
  readonly #meta: Meta;

  constructor(readAt: ReadAt) {
    this.#readAt = readAt;
    this.#meta = findMeta(readAt);
  }

  /** Every key of a bucket, in order; nothing when there is no such bucket. */
  *items(name: string): Generator<BoltItem> {
    const wanted = new TextEncoder().encode(name);
    for (const { key, value, flags } of this.#walk(this.#page(this.#meta.root), 0, new Set([this.#meta.root]))) {
      if ((flags & bucketElement) === 0 || key.length !== wanted.length || key.some((byte, at) => byte !== wanted[at])) continue;
      if (value.length < bucketBytes) throw new BoltError(`bucket ${name} is damaged`);
      const root = numberAt(viewOf(value), 0);
      yield* this.#walk(root === 0 ? value.subarray(bucketBytes) : this.#page(root), 0, new Set([root]));
    }
  }

  /** `seen` holds every page of the tree so far: a page that is met twice would make it endless. */
  *#walk(page: Uint8Array, depth: number, seen: Set<number>): Generator<BoltItem & { readonly flags: number }> {
    if (depth > depthMax || page.length < pageHead) throw new BoltError("its tree is damaged");
    const view = viewOf(page);
    const flags = view.getUint16(8, true);
    const count = view.getUint16(10, true);
    if (pageHead + count * elementBytes > page.length) throw new BoltError(`page ${numberAt(view, 0)} is damaged`);
    for (let index = 0; index < count; index++) {
      const at = pageHead + index * elementBytes;
      if (flags === branchFlag) {
        const child = numberAt(view, at + 8);
        if (seen.has(child)) throw new BoltError(`page ${child} is in its tree twice`);
        seen.add(child);
        yield* this.#walk(this.#page(child), depth + 1, seen);
      } else if (flags === leafFlag) {
        const start = at + view.getUint32(at + 4, true);
        const keyEnd = start + view.getUint32(at + 8, true);
        const end = keyEnd + view.getUint32(at + 12, true);
        if (end > page.length) throw new BoltError(`page ${numberAt(view, 0)} is damaged`);
        yield { key: page.subarray(start, keyEnd), value: page.subarray(keyEnd, end), flags: view.getUint32(at, true) };
      } else throw new BoltError(`page ${numberAt(view, 0)} is of no known kind`);
    }
  }

  #page(id: number): Uint8Array {
    const { pageBytes, pages } = this.#meta;
    if (id < 2 || id >= pages) throw new BoltError(`page ${id} is not in the file`);
    const head = this.#readAt(id * pageBytes, pageHead);
    if (head.length < pageHead) throw new BoltError(`the file ends before page ${id}`);
    const view = viewOf(head);
    const length = (view.getUint32(12, true) + 1) * pageBytes;
    if (numberAt(view, 0) !== id || length > pageMaxBytes) throw new BoltError(`page ${id} is damaged`);
    const bytes = this.#readAt(id * pageBytes, length);
    if (bytes.length < length) throw new BoltError(`the file ends within page ${id}`);
    return bytes;
  }
}

/** The newer of the two that are whole. The second one begins where the first page ends, which only a whole first one tells. */
function findMeta(readAt: ReadAt): Meta {
  let newest: Meta | undefined;
  for (const offset of [0, ...pageSizes]) {
    const meta = readMeta(readAt(offset, pageHead + metaBytes));
    if (meta && (offset === 0 || offset === meta.pageBytes) && (!newest || meta.transaction > newest.transaction)) newest = meta;
  }
  if (!newest) throw new BoltError("it is no bbolt file, or its start is damaged");
  return newest;
}

function readMeta(bytes: Uint8Array): Meta | undefined {
  if (bytes.length < pageHead + metaBytes || (viewOf(bytes).getUint16(8, true) & metaFlag) === 0) return undefined;
  const content = bytes.subarray(pageHead);
  const view = viewOf(content);
  if (view.getUint32(0, true) !== magic || view.getUint32(4, true) !== formatVersion) return undefined;
  if (view.getBigUint64(56, true) !== fnv64(content.subarray(0, 56))) return undefined;
  const pageBytes = view.getUint32(8, true);
  return pageSizes.includes(pageBytes)
    ? { pageBytes, root: numberAt(view, 16), pages: numberAt(view, 40), transaction: numberAt(view, 48) }
    : undefined;
}

function numberAt(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}
