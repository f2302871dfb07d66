// The file of a snapshot: every key of a store at one revision, portable between backends.
//
//   8 bytes "KEELSNAP" · length of the facts (4 bytes) · the facts as JSON
//   for every key: length (4 bytes) · a row as the embedded store keeps it, with a checksum of its own (disk/rows.ts)
//   4 zero bytes · SHA-256 of all that stands before it
//
// Lengths are big-endian. Nothing follows the digest, so a file that was cut, changed or grown is noticed.
import type { StoreImage } from "../image.ts";
import { decodeRow, rowKeyBytes, RowWriter } from "../disk/rows.ts";
import { Version } from "../memory/history.ts";
import type { Revision } from "../store.ts";

export interface SnapshotFacts {
  readonly format: 1;
  readonly revision: Revision;
  readonly keys: number;
  /** "2026-01-31T12:00:00.000Z" */
  readonly madeAt: string;
  /** Name and version of the program. */
  readonly madeBy: string;
}

/** SHA-256, bit by bit. */
export interface Digest {
  update(bytes: Uint8Array): unknown;
  digest(): Uint8Array;
}

/** What is wrong with a snapshot. */
export class SnapshotError extends Error {
  override readonly name = "SnapshotError";
}

const magic = new TextEncoder().encode("KEELSNAP");
const format = 1;
const digestBytes = 32;
const factsLimit = 64 * 1024;
const rowLimit = 256 * 2 ** 20;
const rowsPerChunk = 500;
const bytesPerChunk = 2 ** 20;

/** The file's bytes in chunks. The image's values are not copied before their turn. */
export function* encodeSnapshot(
  image: StoreImage,
  made: { readonly madeAt: string; readonly madeBy: string },
  digest: Digest,
): Generator<Uint8Array> {
  const facts: SnapshotFacts = { format, revision: image.revision, keys: image.versions.length, ...made };
  const json = new TextEncoder().encode(JSON.stringify(facts));
  const counted = (bytes: Uint8Array) => {
    digest.update(bytes);
    return bytes;
  };
  yield counted(joined([magic, lengthBytes(json.length), json]));
  const writer = new RowWriter();
  for (let at = 0; at < image.versions.length; ) {
    const chunk: Version[] = [];
    for (let bytes = 0; at < image.versions.length && chunk.length < rowsPerChunk && bytes < bytesPerChunk; at++) {
      const version = image.versions[at] as Version;
      chunk.push(new Version(version));
      bytes += version.value.length;
    }
    writer.begin(chunk);
    const pieces: Uint8Array[] = [];
    for (const version of chunk) {
      const { key, value = new Uint8Array(0) } = writer.write(version, 0, true);
      pieces.push(lengthBytes(key.length + value.length), key, value);
    }
    yield counted(joined(pieces));
  }
  yield counted(lengthBytes(0));
  yield digest.digest();
}

/** Reads and checks all of it. Rejects with SnapshotError. */
export async function decodeSnapshot(
  chunks: AsyncIterable<Uint8Array>,
  digest: Digest,
): Promise<{ readonly facts: SnapshotFacts; readonly image: StoreImage }> {
  const reader = new Reader(chunks);
  const take = async (length: number): Promise<Uint8Array> => {
    const bytes = await reader.take(length);
    digest.update(bytes);
    return bytes;
  };
  const start = await take(magic.length);
  if (start.some((byte, at) => byte !== magic[at])) throw new SnapshotError("it is no snapshot that keelson made");
  const facts = readFacts(await take(bounded(numberOf(await take(4)), factsLimit)));
  const versions: Version[] = [];
  for (;;) {
    const length = numberOf(await take(4));
    if (length === 0) break;
    const row = await take(bounded(length, rowLimit));
    versions.push(readVersion(row, facts, versions.length));
  }
  const wanted = digest.digest();
  const found = await reader.take(digestBytes);
  if (found.some((byte, at) => byte !== wanted[at])) throw new SnapshotError("it does not match its checksum");
  if (!(await reader.ended())) throw new SnapshotError("something follows its end");
  if (versions.length !== facts.keys) throw new SnapshotError(`it has ${versions.length} keys and should have ${facts.keys}`);
  return { facts, image: { revision: facts.revision, versions } };
}

function readFacts(bytes: Uint8Array): SnapshotFacts {
  let facts: Partial<Record<keyof SnapshotFacts, unknown>> | null;
  try {
    facts = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new SnapshotError("it is damaged: its facts cannot be read");
  }
  if (typeof facts?.format === "number" && facts.format > format)
    throw new SnapshotError(`it was made by a newer version (format ${facts.format}, known ${format})`);
  const { revision, keys, madeAt, madeBy } = facts ?? {};
  if (
    facts?.format !== format ||
    !isCount(revision) ||
    revision < 1 ||
    !isCount(keys) ||
    typeof madeAt !== "string" ||
    typeof madeBy !== "string"
  )
    throw new SnapshotError("it is damaged: its facts make no sense");
  return { format, revision, keys, madeAt, madeBy };
}

function readVersion(row: Uint8Array, { revision }: SnapshotFacts, place: number): Version {
  let version: Version;
  try {
    version = decodeRow(row.subarray(0, rowKeyBytes), row.subarray(rowKeyBytes)).version;
  } catch (error) {
    throw new SnapshotError(`it is damaged: row ${place + 1}: ${(error as Error).message}`);
  }
  if (version.deleted || version.modRevision > revision)
    throw new SnapshotError(`it is damaged: row ${place + 1} does not belong to revision ${revision}`);
  return version;
}

class Reader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** The next bytes, as a piece of memory that nobody else has. */
  async take(length: number): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    let missing = length;
    for (;;) {
      const piece = this.#rest.subarray(0, missing);
      pieces.push(piece);
      this.#rest = this.#rest.subarray(piece.length);
      missing -= piece.length;
      if (missing === 0) return joined(pieces);
      const { done, value } = await this.#chunks.next();
      if (done) throw new SnapshotError("it ends too early");
      this.#rest = value;
    }
  }

  async ended(): Promise<boolean> {
    while (this.#rest.length === 0) {
      const { done, value } = await this.#chunks.next();
      if (done) return true;
      this.#rest = value;
    }
    return false;
  }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function bounded(length: number, limit: number): number {
  if (length > limit) throw new SnapshotError(`it is damaged: a part of it would have ${length} bytes`);
  return length;
}

function lengthBytes(length: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, length);
  return bytes;
}

function numberOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
