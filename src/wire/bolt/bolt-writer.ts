// Writes a bbolt file from its first page on, in one pass; only the two pages of meta data, which say where all the rest is, come last.
import { assert } from "#base/assert.ts";
import {
  branchFlag,
  bucketBytes,
  bucketElement,
  compareBytes,
  elementBytes,
  fnv64,
  formatVersion,
  freelistFlag,
  leafFlag,
  magic,
  metaBytes,
  metaFlag,
  pageHead,
  viewOf,
} from "./layout.ts";

export interface BoltItem {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export interface BoltBucket {
  readonly name: string;
  /** In ascending order of their bytes. */
  readonly items: Iterable<BoltItem>;
}

interface Element {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly flags: number;
}

interface Child {
  readonly key: Uint8Array;
  readonly page: number;
}

const pageBytes = 4096;
/** Readers map at least this much of a file. */
const pagesMin = 16;
const firstPage = 2;

/** Where the yielded bytes begin in the file. */
export const boltBodyOffset = firstPage * pageBytes;

/** Yields what stands behind the first `boltBodyOffset` bytes, in order; returns those bytes. */
export function* writeBolt(buckets: readonly BoltBucket[]): Generator<Uint8Array, Uint8Array> {
  const freelist = firstPage;
  let next = firstPage + 1;
  yield page(freelist, freelistFlag, 0, 0);

  function* write(
    flags: number,
    count: number,
    content: number,
    fill: (page: Uint8Array, view: DataView) => void,
  ): Generator<Uint8Array, number> {
    const pages = Math.max(1, Math.ceil((pageHead + content) / pageBytes));
    const id = next;
    next += pages;
    const bytes = page(id, flags, count, pages - 1);
    fill(bytes, viewOf(bytes));
    yield bytes;
    return id;
  }

  function* leaf(elements: readonly Element[]): Generator<Uint8Array, Child> {
    const id = yield* write(leafFlag, elements.length, sizeOf(elements), (bytes, view) => {
      let data = pageHead + elements.length * elementBytes;
      for (const [index, { key, value, flags }] of elements.entries()) {
        const at = pageHead + index * elementBytes;
        view.setUint32(at, flags, true);
        view.setUint32(at + 4, data - at, true);
        view.setUint32(at + 8, key.length, true);
        view.setUint32(at + 12, value.length, true);
        bytes.set(key, data);
        bytes.set(value, data + key.length);
        data += key.length + value.length;
      }
    });
    return { key: elements[0]?.key ?? new Uint8Array(0), page: id };
  }

  function* branch(children: readonly Child[]): Generator<Uint8Array, Child> {
    const content = children.reduce((sum, { key }) => sum + elementBytes + key.length, 0);
    const id = yield* write(branchFlag, children.length, content, (bytes, view) => {
      let data = pageHead + children.length * elementBytes;
      for (const [index, child] of children.entries()) {
        const at = pageHead + index * elementBytes;
        view.setUint32(at, data - at, true);
        view.setUint32(at + 4, child.key.length, true);
        view.setBigUint64(at + 8, BigInt(child.page), true);
        bytes.set(child.key, data);
        data += child.key.length;
      }
    });
    return { key: (children[0] as Child).key, page: id };
  }

  /** Gives the page of the tree's root. */
  function* tree(elements: Iterable<Element>): Generator<Uint8Array, number> {
    let level: Child[] = [];
    let before: Uint8Array | undefined;
    for (const group of pagesOf(elements, ({ key, value }) => elementBytes + key.length + value.length, 1)) {
      for (const { key } of group) {
        assert(key.length > 0 && (!before || compareBytes(before, key) < 0), "keys come in ascending order");
        before = key;
      }
      level.push(yield* leaf(group));
    }
    if (level.length === 0) level.push(yield* leaf([]));
    while (level.length > 1) {
      const above: Child[] = [];
      for (const group of pagesOf(level, ({ key }) => elementBytes + key.length, 2)) above.push(yield* branch(group));
      level = above;
    }
    return (level[0] as Child).page;
  }

  const sorted = [...buckets].map((bucket) => ({ key: new TextEncoder().encode(bucket.name), items: bucket.items }));
  sorted.sort((left, right) => compareBytes(left.key, right.key));
  const roots: Element[] = [];
  for (const { key, items } of sorted) {
    const root = yield* tree(withFlags(items));
    const value = new Uint8Array(bucketBytes);
    viewOf(value).setBigUint64(0, BigInt(root), true);
    roots.push({ key, value, flags: bucketElement });
  }
  const root = yield* tree(roots);
  while (next < pagesMin) yield page(next++, freelistFlag, 0, 0);
  const metas = new Uint8Array(boltBodyOffset);
  for (const id of [0, 1]) metas.set(meta(id, { root, freelist, pages: next }), id * pageBytes);
  return metas;
}

function* withFlags(items: Iterable<BoltItem>): Generator<Element> {
  for (const { key, value } of items) yield { key, value, flags: 0 };
}

/** Groups that fill a page each; one that is larger than a page stands alone. Every group but the last has `countMin`. */
function* pagesOf<T>(all: Iterable<T>, sizeOfOne: (one: T) => number, countMin: number): Generator<readonly T[]> {
  let group: T[] = [];
  let size = pageHead;
  for (const one of all) {
    const more = sizeOfOne(one);
    if (group.length >= countMin && size + more > pageBytes) {
      yield group;
      group = [];
      size = pageHead;
    }
    group.push(one);
    size += more;
  }
  if (group.length > 0) yield group;
}

const sizeOf = (elements: readonly Element[]) =>
  elements.reduce((sum, { key, value }) => sum + elementBytes + key.length + value.length, 0);

function page(id: number, flags: number, count: number, overflow: number): Uint8Array {
  const bytes = new Uint8Array((overflow + 1) * pageBytes);
  const view = viewOf(bytes);
  view.setBigUint64(0, BigInt(id), true);
  view.setUint16(8, flags, true);
  view.setUint16(10, count, true);
  view.setUint32(12, overflow, true);
  return bytes;
}

function meta(
  id: number,
  { root, freelist, pages }: { readonly root: number; readonly freelist: number; readonly pages: number },
): Uint8Array {
  const bytes = page(id, metaFlag, 0, 0);
  const content = bytes.subarray(pageHead, pageHead + metaBytes);
  const view = viewOf(content);
  view.setUint32(0, magic, true);
  view.setUint32(4, formatVersion, true);
  view.setUint32(8, pageBytes, true);
  view.setBigUint64(16, BigInt(root), true);
  view.setBigUint64(32, BigInt(freelist), true);
  view.setBigUint64(40, BigInt(pages), true);
  view.setBigUint64(48, BigInt(id), true);
  view.setBigUint64(56, fnv64(content.subarray(0, 56)), true);
  return bytes;
}
