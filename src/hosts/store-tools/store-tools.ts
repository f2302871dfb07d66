// What `keelson snapshot` and `keelson store` do with stores, on this machine's files.
import { existsSync } from "node:fs";
import { link, mkdir, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { type SnapshotSummary, type StorePlace, type StoreTools, UserError } from "#cli/command.ts";
import { type Database, DatabaseError } from "#platform/database.ts";
import { FileError } from "#platform/files.ts";
import { NetworkError } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import { readImage, writeImage } from "#store/disk/image.ts";
import type { StoreImage } from "#store/image.ts";
import { decodeSnapshot, encodeSnapshot, SnapshotError } from "#store/snapshot/snapshot-file.ts";
import { kindOf } from "#store/snapshot/stored-kind.ts";
import type { Revision } from "#store/store.ts";
import { fetchEtcdFile, readEtcdFile, writeEtcdFile } from "./etcd-files.ts";
import { snapshotSocket } from "./serve-snapshots.ts";
import { madeNow, readChunks, sha256Digest, syncFolder, writeWhole } from "./snapshot-io.ts";

const connectMilliseconds = 5_000;

export const storeTools: StoreTools = {
  save: (world, { dataFolder, file }) =>
    namingFiles(file, async () => {
      await needsStore(dataFolder);
      await writeWhole(file, async (write) => {
        const database = await openStopped(world, dataFolder);
        if (!database) return copyServed(world, dataFolder, write);
        try {
          for (const chunk of encodeSnapshot(await readImage(database), madeNow(world), sha256Digest())) await write(chunk);
        } finally {
          await database.close();
        }
      });
      return (await readSnapshot(file)).summary;
    }),
  inspect: (_world, file) => namingFiles(file, async () => (await readSnapshot(file)).summary),
  async restore(world, { file, dataFolder, bumpRevision }) {
    const { image, summary } = await namingFiles(file, () => readSnapshot(file));
    const revision = image.revision + bumpRevision;
    await namingFiles(dataFolder, () => writeNewStore(world, dataFolder, image, revision));
    return { ...summary, revision };
  },
  async migrate(world, { from, to }) {
    const target = "folder" in to ? to.folder : to.etcdSnapshot;
    return namingFiles(target, async () => {
      if ("etcdSnapshot" in to && existsSync(target)) throw new UserError(`${target} is there already`, "Choose another file.");
      const image = await readPlace(world, from, target);
      if ("folder" in to) await writeNewStore(world, target, image, image.revision);
      else await writeEtcdFile(target, image, world.clock.now());
      const moved = await readPlace(world, to, target);
      const sha256 = fingerprint(image);
      if (moved.revision !== image.revision || fingerprint(moved) !== sha256)
        throw new UserError(`${target} does not hold what was moved`, "Remove it, and try again; the source is as it was.");
      return { revision: moved.revision, keys: moved.versions.length, sha256 };
    });
  },
};

async function readPlace(world: World, place: StorePlace, target: string): Promise<StoreImage> {
  if ("etcdSnapshot" in place) return readEtcdFile(place.etcdSnapshot, world.clock.now());
  if ("etcd" in place) {
    const fetched = `${target}.fetched`;
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    try {
      await fetchEtcdFile(world, place.etcd, fetched);
      return readEtcdFile(fetched, world.clock.now());
    } finally {
      await rm(fetched, { force: true });
    }
  }
  await needsStore(place.folder);
  const database = await openStopped(world, place.folder);
  if (!database)
    throw new UserError(`the store in ${place.folder} is in use`, "Stop the API server first: what it writes now would be left behind.");
  try {
    return await readImage(database);
  } finally {
    await database.close();
  }
}

/** What the system says becomes a FileError. */
async function namingFiles<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const { code, syscall, path: at = path, message } = error as NodeJS.ErrnoException;
    throw code !== undefined && syscall !== undefined ? new FileError(code, at, message) : error;
  }
}

/** Undefined when a server has it open. */
async function openStopped(world: World, dataFolder: string): Promise<Database | undefined> {
  try {
    return await world.databases.open(`${dataFolder}/store`);
  } catch (error) {
    if (error instanceof DatabaseError && error.damage === "locked") return undefined;
    throw error;
  }
}

async function copyServed(world: World, dataFolder: string, write: (bytes: Uint8Array) => Promise<void>): Promise<void> {
  const path = snapshotSocket(dataFolder);
  let stream: Awaited<ReturnType<World["network"]["connect"]>>;
  try {
    stream = await world.network.connect({ path }, { timeoutMilliseconds: connectMilliseconds });
  } catch (error) {
    if (!(error instanceof NetworkError)) throw error;
    throw new UserError(
      `the store in ${dataFolder} is in use, and its server cannot be asked for a snapshot: ${error.message}`,
      "Run it as the user that runs the API server, or stop the API server first.",
    );
  }
  try {
    for await (const chunk of stream.incoming) await write(chunk);
  } finally {
    stream.destroy();
  }
}

async function readSnapshot(file: string): Promise<{ readonly image: StoreImage; readonly summary: SnapshotSummary }> {
  const digest = sha256Digest();
  try {
    const { facts, image } = await decodeSnapshot(readChunks(file), digest);
    const { size } = await stat(file);
    const { revision, keys, madeAt, madeBy } = facts;
    return { image, summary: { revision, keys, madeAt, madeBy, bytes: size, sha256: digest.seen(), kinds: countKinds(image) } };
  } catch (error) {
    if (error instanceof SnapshotError)
      throw new UserError(`${file} cannot be used as a snapshot: ${error.message}`, "Take another copy of it, or an older snapshot.");
    throw error;
  }
}

function countKinds({ versions }: StoreImage): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>();
  for (const version of versions) {
    const kind = kindOf(version);
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return [...counts].sort(([left], [right]) => (left < right ? -1 : 1));
}

async function needsStore(dataFolder: string): Promise<void> {
  if (existsSync(`${dataFolder}/store`)) return;
  throw new UserError(`there is no store in ${dataFolder}`, "Name the folder that the API server is given with --data-dir.");
}

/**
 * Makes the store in a folder of its own, from where its finished file takes its place. So a folder has the whole store or none, however
 * this ends, and it can be called again.
 */
async function writeNewStore(world: World, dataFolder: string, image: StoreImage, revision: Revision): Promise<void> {
  const path = `${dataFolder}/store`;
  for (const taken of [path, `${path}-wal`]) {
    if (existsSync(taken))
      throw new UserError(
        `${dataFolder} holds a store already: ${taken} is there`,
        `Stop the API server that uses it and move ${path}, ${path}-wal and ${path}-mark away, or choose another folder.`,
      );
  }
  await mkdir(dataFolder, { recursive: true, mode: 0o700 });
  const making = `${dataFolder}/store-being-made`;
  await rm(making, { recursive: true, force: true });
  const database = await world.databases.open(`${making}/store`);
  try {
    await writeImage(database, image, revision);
  } finally {
    await database.close();
  }
  await verify(world, `${making}/store`, image, revision);
  // The mark of a store that is gone would say that the new one has lost commits.
  await rm(`${path}-mark`, { force: true });
  await link(`${making}/store`, path).catch((error: NodeJS.ErrnoException) => {
    throw error.code === "EEXIST" ? new UserError(`${path} was made meanwhile by somebody else`) : error;
  });
  await rm(making, { recursive: true, force: true });
  await syncFolder(dataFolder);
  await syncFolder(dirname(dataFolder));
}

/** Reads back what was written, from the file as its next reader finds it. */
async function verify(world: World, path: string, wanted: StoreImage, revision: Revision): Promise<void> {
  const database = await world.databases.open(path);
  try {
    const found = await readImage(database);
    const [before, after] = [fingerprint(wanted), fingerprint(found)];
    if (found.revision !== revision || before !== after)
      throw new UserError(`${path} does not hold what was to be written`, "The disk may be damaged. Nothing was put into place.");
  } finally {
    await database.close();
  }
}

/** Of every key, its revisions and its object. */
function fingerprint({ versions }: StoreImage): string {
  const digest = sha256Digest();
  const encoder = new TextEncoder();
  for (const { key, value, createRevision, modRevision, version, expiresAt } of versions) {
    digest.update(encoder.encode(JSON.stringify([key, createRevision, modRevision, version, expiresAt > 0, value.length])));
    digest.update(value);
  }
  digest.digest();
  return digest.seen();
}
