// etcd's own file (what `etcdctl snapshot save` writes and `etcdctl snapshot restore` makes a member of) as an image, and an image as
// such a file: the only way into etcd that keeps revisions, for its API gives every write a new one.
//
// Bucket "key" holds every change under its revision: main (8 bytes) "_" sub (8), and "t" behind it when the change is a deletion. Bucket
// "lease" holds times to live, and "meta" how far history was compacted. Numbers in keys are big-endian.
import { DecodeError } from "#wire/decode-error.ts";
import { BoltFile, type ReadAt } from "#wire/bolt/bolt-reader.ts";
import type { BoltBucket, BoltItem } from "#wire/bolt/bolt-writer.ts";
import { ProtobufReader } from "#wire/protobuf/reader.ts";
import { lengthType, ProtobufWriter, varintType } from "#wire/protobuf/writer.ts";
import type { StoreImage } from "../image.ts";
import { firstRevision, Version } from "../memory/history.ts";
import { compareKeys } from "../memory/ordered-keys.ts";

/** What an etcd holds that has no place in another store. */
export class EtcdSnapshotError extends Error {
  override readonly name = "EtcdSnapshotError";
}

const revisionBytes = 17;
const separator = 0x5f;
const keyLengthMax = 4096;
const orderMax = 0xffff;
const firstLease = 2 ** 52;
const compactedKeys = ["finishedCompactRev", "scheduledCompactRev"] as const;
/** Empty where nothing of them moves: members and users belong to the cluster that was. */
const otherBuckets = ["alarm", "auth", "authRoles", "authUsers", "cluster", "members", "members_removed"];
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** The newest state in the file. Times to live start anew, as they do when etcd's leader changes. Throws BoltError, EtcdSnapshotError. */
export function readEtcdSnapshot(readAt: ReadAt, now: number): StoreImage {
  const bolt = new BoltFile(readAt);
  const leases = new Map<bigint, number>();
  for (const { value } of bolt.items("lease")) {
    const { id, seconds } = readLease(value);
    leases.set(id, seconds);
  }
  let revision = firstRevision;
  for (const { key, value } of bolt.items("meta"))
    if (compactedKeys.some((name) => name === decodeText(key))) revision = Math.max(revision, readRevision(value).main);
  const newest = new Map<string, Version>();
  for (const { key: place, value: bytes } of bolt.items("key")) {
    const { main, sub, deleted } = readRevision(place);
    revision = Math.max(revision, main);
    const { key, value, createRevision, modRevision, version, lease } = readKeyValue(bytes);
    if (deleted) {
      newest.delete(key);
      continue;
    }
    if (modRevision !== main || createRevision < 1 || createRevision > main || version < 1)
      throw new EtcdSnapshotError(`key ${key} of revision ${main} contradicts itself`);
    const seconds = lease === 0n ? undefined : leases.get(lease);
    const expiresAt = seconds === undefined ? 0 : Math.ceil(now + seconds * 1000);
    newest.set(
      key,
      new Version({ key, value: value.slice(), createRevision, modRevision, version, order: sub, expiresAt, deleted: false }),
    );
  }
  return { revision, versions: [...newest.values()].sort((left, right) => compareKeys(left.key, right.key)) };
}

/** The buckets of a file that holds the image, with all history before it compacted. */
export function etcdBuckets(image: StoreImage, now: number): readonly BoltBucket[] {
  const versions = image.versions.toSorted((left, right) => left.modRevision - right.modRevision || left.order - right.order);
  const leases = new Map<number, number>();
  for (const { expiresAt } of versions) {
    if (expiresAt === 0) continue;
    const seconds = secondsLeft(expiresAt, now);
    if (!leases.has(seconds)) leases.set(seconds, firstLease + leases.size);
  }
  const compacted = writeRevision(image.revision, 0);
  return [
    ...otherBuckets.map((name) => ({ name, items: [] })),
    {
      name: "key",
      items: keyItems(versions, (version) => (version.expiresAt === 0 ? 0 : (leases.get(secondsLeft(version.expiresAt, now)) ?? 0))),
    },
    { name: "lease", items: [...leases].map(([seconds, id]) => leaseItem(id, seconds)) },
    { name: "meta", items: compactedKeys.map((name) => ({ key: encoder.encode(name), value: compacted })) },
  ];
}

const secondsLeft = (expiresAt: number, now: number) => Math.max(1, Math.ceil((expiresAt - now) / 1000));

function* keyItems(versions: readonly Version[], leaseOf: (version: Version) => number): Generator<BoltItem> {
  for (const version of versions) {
    const key = encoder.encode(version.key);
    const writer = new ProtobufWriter(key.length + version.value.length + 64);
    // The writer writes from the end.
    writeNumber(writer, 6, leaseOf(version));
    writeBytes(writer, 5, version.value);
    writeNumber(writer, 4, version.version);
    writeNumber(writer, 3, version.modRevision);
    writeNumber(writer, 2, version.createRevision);
    writeBytes(writer, 1, key);
    yield { key: writeRevision(version.modRevision, version.order), value: writer.finish() };
  }
}

function leaseItem(id: number, seconds: number): BoltItem {
  const key = new Uint8Array(8);
  new DataView(key.buffer).setBigUint64(0, BigInt(id));
  const writer = new ProtobufWriter(32);
  writeNumber(writer, 2, seconds);
  writeNumber(writer, 1, id);
  return { key, value: writer.finish() };
}

function writeBytes(writer: ProtobufWriter, field: number, bytes: Uint8Array): void {
  if (bytes.length === 0) return;
  writer.raw(bytes);
  writer.varint32(bytes.length);
  writer.tag(field, lengthType);
}

function writeNumber(writer: ProtobufWriter, field: number, value: number): void {
  if (value === 0) return;
  writer.varint(value);
  writer.tag(field, varintType);
}

function writeRevision(main: number, sub: number): Uint8Array {
  const bytes = new Uint8Array(revisionBytes);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, BigInt(main));
  view.setUint8(8, separator);
  view.setBigUint64(9, BigInt(sub));
  return bytes;
}

function readRevision(bytes: Uint8Array): { readonly main: number; readonly sub: number; readonly deleted: boolean } {
  if (bytes.length < revisionBytes || bytes[8] !== separator) throw new EtcdSnapshotError("a revision is damaged");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const [main, sub] = [Number(view.getBigUint64(0)), Number(view.getBigUint64(9))];
  if (!Number.isSafeInteger(main)) throw new EtcdSnapshotError(`revision ${main} is too large`);
  if (sub > orderMax) throw new EtcdSnapshotError(`revision ${main} has more than ${orderMax} changes`);
  return { main, sub, deleted: bytes.length > revisionBytes };
}

interface StoredKeyValue {
  readonly key: string;
  readonly value: Uint8Array;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly lease: bigint;
}

function readKeyValue(bytes: Uint8Array): StoredKeyValue {
  const { numbers, pieces } = readFields(bytes);
  const rawKey = pieces.get(1) ?? new Uint8Array(0);
  const key = decodeText(rawKey);
  if (key === "" || key.length > keyLengthMax)
    throw new EtcdSnapshotError(`a key has ${key.length} characters; it may have 1 to ${keyLengthMax}`);
  const number = (field: number) => Number(numbers.get(field) ?? 0n);
  return {
    key,
    value: pieces.get(5) ?? new Uint8Array(0),
    createRevision: number(2),
    modRevision: number(3),
    version: number(4),
    lease: numbers.get(6) ?? 0n,
  };
}

/** What is left of it, where etcd noted that, or else all of it. */
function readLease(bytes: Uint8Array): { readonly id: bigint; readonly seconds: number } {
  const { numbers } = readFields(bytes);
  const left = Number(numbers.get(3) ?? 0n);
  return { id: numbers.get(1) ?? 0n, seconds: Math.max(1, left > 0 ? left : Number(numbers.get(2) ?? 0n)) };
}

function readFields(bytes: Uint8Array): { readonly numbers: Map<number, bigint>; readonly pieces: Map<number, Uint8Array> } {
  const numbers = new Map<number, bigint>();
  const pieces = new Map<number, Uint8Array>();
  const reader = new ProtobufReader(bytes);
  try {
    while (!reader.done) {
      const tag = reader.varint32();
      const type = tag & 7;
      if (type === varintType) numbers.set(tag >>> 3, BigInt(reader.int64()));
      else if (type === lengthType) pieces.set(tag >>> 3, reader.view());
      else reader.skip(type);
    }
  } catch (error) {
    if (error instanceof DecodeError) throw new EtcdSnapshotError(`a value is damaged: ${error.message}`);
    throw error;
  }
  return { numbers, pieces };
}

function decodeText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new EtcdSnapshotError("a key is no text");
  }
}
