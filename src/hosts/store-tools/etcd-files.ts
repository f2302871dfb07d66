// Files that etcd's own tools read and write, and where they come from: this machine's disk, or a running etcd.
import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { type EtcdAccess, UserError } from "#cli/command.ts";
import { GrpcError } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import { EtcdSnapshotError, etcdBuckets, readEtcdSnapshot } from "#store/etcd-snapshot/etcd-snapshot.ts";
import type { StoreImage } from "#store/image.ts";
import { BoltError } from "#wire/bolt/bolt-reader.ts";
import { boltBodyOffset, writeBolt } from "#wire/bolt/bolt-writer.ts";
import { ProtobufReader } from "#wire/protobuf/reader.ts";
import { lengthType } from "#wire/protobuf/writer.ts";
import { syncFolder, writeWhole } from "./snapshot-io.ts";

const digestBytes = 32;
/** etcd's tools know by this that a digest stands at the end. */
const blockBytes = 512;
const copyBytes = 2 ** 20;

/** Reads and checks all of it. */
export function readEtcdFile(path: string, now: number): StoreImage {
  const file = openSync(path, "r");
  try {
    const { size } = fstatSync(file);
    if (size % blockBytes === digestBytes) checkDigest(file, size - digestBytes, path);
    return readEtcdSnapshot((offset, length) => readPiece(file, offset, length), now);
  } catch (error) {
    if (error instanceof BoltError || error instanceof EtcdSnapshotError)
      throw new UserError(`${path} cannot be used as a snapshot of etcd: ${error.message}`, "Take another with: etcdctl snapshot save");
    throw error;
  } finally {
    closeSync(file);
  }
}

function readPiece(file: number, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = 0;
  while (at < length) {
    const read = readSync(file, bytes, at, length - at, offset + at);
    if (read === 0) break;
    at += read;
  }
  return bytes.subarray(0, at);
}

function checkDigest(file: number, length: number, path: string): void {
  const hash = createHash("sha256");
  for (let at = 0; at < length; at += copyBytes) hash.update(readPiece(file, at, Math.min(copyBytes, length - at)));
  if (!hash.digest().equals(readPiece(file, length, digestBytes)))
    throw new UserError(
      `${path} cannot be used as a snapshot of etcd: it does not match its checksum`,
      "Take another with: etcdctl snapshot save",
    );
}

/** Writes a snapshot as etcd's own, with the digest that its tools look for. */
export async function writeEtcdFile(path: string, image: StoreImage, now: number): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  await rm(temporary, { force: true });
  try {
    const file = await open(temporary, "wx+", 0o600);
    try {
      const writing = writeBolt(etcdBuckets(image, now));
      let at = boltBodyOffset;
      let step = writing.next();
      for (; !step.done; step = writing.next()) {
        await file.write(step.value, 0, step.value.length, at);
        at += step.value.length;
      }
      await file.write(step.value, 0, step.value.length, 0);
      const hash = createHash("sha256");
      for (let place = 0; place < at; place += copyBytes) hash.update(readPiece(file.fd, place, Math.min(copyBytes, at - place)));
      await file.write(hash.digest(), 0, digestBytes, at);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(dirname(path));
}

/** Has the first member that answers send its snapshot into a file. */
export async function fetchEtcdFile(world: World, { endpoints, ...tls }: EtcdAccess, path: string): Promise<void> {
  const failures: string[] = [];
  for (const endpoint of endpoints) {
    const match = /^(https?):\/\/([^/]+)\/?$/.exec(endpoint);
    if (!match) throw new UserError(`${endpoint} is no address of etcd`, "One looks like https://127.0.0.1:2379.");
    const [, scheme, target = ""] = match;
    const channel = world.network.grpc(target, scheme === "https" ? { tls } : {});
    try {
      await writeWhole(path, async (write) => {
        for await (const message of channel.stream("/etcdserverpb.Maintenance/Snapshot", new Uint8Array(0))) await write(blobOf(message));
      });
      return;
    } catch (error) {
      if (!(error instanceof GrpcError)) throw error;
      failures.push(`${endpoint}: ${error.message}`);
    } finally {
      channel.close();
    }
  }
  throw new UserError(`no etcd gives its snapshot: ${failures.join("; ")}`, "Check the addresses, and --cacert, --cert and --key.");
}

/** SnapshotResponse{3: blob}. */
function blobOf(message: Uint8Array): Uint8Array {
  const reader = new ProtobufReader(message);
  let blob: Uint8Array = new Uint8Array(0);
  while (!reader.done) {
    const tag = reader.varint32();
    if (tag === ((3 << 3) | lengthType)) blob = reader.view();
    else reader.skip(tag & 7);
  }
  return blob;
}
