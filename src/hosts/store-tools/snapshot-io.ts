// Files of snapshots on this machine's disk: written whole or not at all, and never readable by others.
import { createHash } from "node:crypto";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import type { World } from "#platform/world.ts";
import type { Digest } from "#store/snapshot/snapshot-file.ts";

const readBytes = 2 ** 20;

export function sha256Digest(): Digest & { readonly seen: () => string } {
  const hash = createHash("sha256");
  let hex = "";
  return {
    update: (bytes) => hash.update(bytes),
    digest() {
      const bytes = hash.digest();
      hex = bytes.toString("hex");
      return bytes;
    },
    seen: () => hex,
  };
}

export function madeNow(world: World): { readonly madeAt: string; readonly madeBy: string } {
  return { madeAt: new Date(world.clock.now()).toISOString(), madeBy: `keelson ${world.processes.self.version}` };
}

/** Writes what `work` is given to a file beside `path`, which takes its place once all of it is on the disk. */
export async function writeWhole(path: string, work: (write: (bytes: Uint8Array) => Promise<void>) => Promise<void>): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  await rm(temporary, { force: true });
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await work(async (bytes) => void (await file.writeFile(bytes)));
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

export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

export async function* readChunks(path: string): AsyncGenerator<Uint8Array> {
  const file = await open(path, "r");
  try {
    for (;;) {
      const { bytesRead, buffer } = await file.read(new Uint8Array(readBytes), 0, readBytes);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
