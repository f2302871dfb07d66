// What a store looks like on disk.
//
// One row for every change, under its revision and its place in the transaction, and one row, the mark, that every commit writes anew.
// A change's checksum covers its row and the checksum of the row before it, so rows behind `compacted` form a chain without a gap that
// ends where the mark says. Rows up to `compacted` are the keys as they were then; the mark has their number and the sum of their
// checksums. So a flipped bit, a lost row and a lost tail are each found when the store is opened.
import { type Change, DatabaseError } from "#platform/database.ts";
import { Version } from "../memory/history.ts";
import type { Revision } from "../store.ts";

const formatVersion = 1;
const markKey = new Uint8Array([0]);
const rowPrefix = 1;
/** Bytes of a row's key. */
export const rowKeyBytes = 11;
const headBytes = 35;
const markBytes = 45;
const spaceAtLeast = 64 * 1024;
const spaceKept = 2 ** 20;
const deletedFlag = 1;
const lastFlag = 2;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Where the rows of the mark and of the changes lie: each from the first to before the second. */
export const markRange = [markKey, new Uint8Array([rowPrefix])] as const;
export const rowRange = [new Uint8Array([rowPrefix]), new Uint8Array([rowPrefix + 1])] as const;

export interface Mark {
  readonly durable: Revision;
  readonly compacted: Revision;
  /** The checksum of the newest row. */
  readonly chain: number;
  readonly base: { readonly count: number; readonly sum: number };
}

export interface Row {
  readonly version: Version;
  readonly checksumBefore: number;
  /** Whether it is the last change of its revision. */
  readonly last: boolean;
}

export function rowKey(version: { readonly modRevision: Revision; readonly order: number }): Uint8Array {
  const bytes = new Uint8Array(rowKeyBytes);
  writeRowKey(bytes, version);
  return bytes;
}

function writeRowKey(bytes: Uint8Array, { modRevision, order }: { readonly modRevision: Revision; readonly order: number }): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, rowKeyBytes);
  view.setUint8(0, rowPrefix);
  view.setUint32(1, Math.floor(modRevision / 2 ** 32));
  view.setUint32(5, modRevision >>> 0);
  view.setUint16(9, order);
}

/** Writes rows into one piece of memory, used again for every commit: allocating one for each row would cost more than all the rest. */
export class RowWriter {
  #bytes = new Uint8Array(0);
  #at = 0;

  /** Begins a commit of these changes: rows written before are overwritten. */
  begin(changes: readonly Version[]): void {
    let length = 0;
    for (const { key, value } of changes) length += rowKeyBytes + headBytes + key.length * 3 + value.length;
    if (length > this.#bytes.length || this.#bytes.length > spaceKept) this.#bytes = new Uint8Array(Math.max(length, spaceAtLeast));
    this.#at = 0;
  }

  /** The row of a change, chained to the row before it. Sets the version's checksum. */
  write(version: Version, checksumBefore: number, last: boolean): Change {
    const { key, value } = version;
    const all = this.#bytes;
    const placeAt = this.#at;
    const start = placeAt + rowKeyBytes;
    const keyAt = start + headBytes;
    const keyLength = encoder.encodeInto(key, all.subarray(keyAt, keyAt + key.length * 3)).written;
    const valueAt = keyAt + keyLength;
    this.#at = valueAt + value.length;
    all.set(value, valueAt);
    const place = all.subarray(placeAt, start);
    writeRowKey(place, version);
    const bytes = all.subarray(start, this.#at);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    view.setInt32(4, checksumBefore);
    view.setUint8(8, (version.deleted ? deletedFlag : 0) | (last ? lastFlag : 0));
    view.setFloat64(9, version.createRevision);
    view.setFloat64(17, version.version);
    view.setFloat64(25, version.expiresAt);
    view.setUint16(33, keyLength);
    version.checksum = checksum(bytes, 4, checksum(place, 0, 0));
    view.setInt32(0, version.checksum);
    return { key: place, value: bytes };
  }
}

export function decodeRow(place: Uint8Array, bytes: Uint8Array): Row {
  if (place.length !== rowKeyBytes || bytes.length < headBytes) throw damaged(`a row is ${bytes.length} bytes long`);
  const at = new DataView(place.buffer, place.byteOffset);
  const modRevision = at.getUint32(1) * 2 ** 32 + at.getUint32(5);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const sum = view.getInt32(0);
  if (sum !== checksum(bytes, 4, checksum(place, 0, 0))) throw damaged(`the row of revision ${modRevision} does not match its checksum`);
  const valueAt = headBytes + view.getUint16(33);
  const flags = view.getUint8(8);
  const version = new Version({
    key: decoder.decode(bytes.subarray(headBytes, valueAt)),
    value: bytes.subarray(valueAt),
    createRevision: view.getFloat64(9),
    modRevision,
    version: view.getFloat64(17),
    expiresAt: view.getFloat64(25),
    order: at.getUint16(9),
    deleted: (flags & deletedFlag) !== 0,
  });
  version.checksum = sum;
  return { version, checksumBefore: view.getInt32(4), last: (flags & lastFlag) !== 0 };
}

export function encodeMark(mark: Mark): Change {
  const bytes = new Uint8Array(markBytes);
  const view = new DataView(bytes.buffer);
  view.setUint8(4, formatVersion);
  view.setFloat64(5, mark.durable);
  view.setFloat64(13, mark.compacted);
  view.setInt32(21, mark.chain);
  view.setFloat64(25, mark.base.count);
  view.setFloat64(33, mark.base.sum);
  view.setInt32(0, checksum(bytes, 4, 0));
  return { key: markKey, value: bytes };
}

export function decodeMark(bytes: Uint8Array): Mark {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < 5 || view.getInt32(0) !== checksum(bytes, 4, 0)) throw damaged("the high-water mark does not match its checksum");
  const format = view.getUint8(4);
  if (format !== formatVersion) throw new DatabaseError("newer", `the store has format ${format}; this version knows ${formatVersion}`);
  return {
    durable: view.getFloat64(5),
    compacted: view.getFloat64(13),
    chain: view.getInt32(21),
    base: { count: view.getFloat64(25), sum: view.getFloat64(33) },
  };
}

export function damaged(what: string): DatabaseError {
  return new DatabaseError("corrupt", `the store is damaged: ${what}`);
}

/** 31 bits (a small integer to JavaScript) over `bytes` from `start` on, four bytes at a time. */
export function checksum(bytes: Uint8Array, start: number, seed: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = bytes.length;
  let hash = seed ^ (length - start);
  let at = start;
  for (; at + 4 <= length; at += 4) {
    hash = Math.imul(hash ^ view.getInt32(at, true), 0x9e3779b1);
    hash = (hash << 15) | (hash >>> 17);
  }
  for (; at < length; at++) {
    hash = Math.imul(hash ^ view.getUint8(at), 0x85ebca6b);
    hash = (hash << 13) | (hash >>> 19);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x21f0aaad);
  return (hash ^ (hash >>> 15)) & 0x7fffffff;
}
