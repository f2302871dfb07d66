// A real file system of a few megabytes runs full under a store. Needs root: the file system is mounted where nobody else sees it.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const script = fileURLToPath(import.meta.resolve("../support/store-on-full-disk.ts"));
const skip = process.getuid?.() === 0 ? false : "mounting a file system needs root";

test("D3 a full disk refuses writes, keeps what was acknowledged, and recovers by itself", { skip, timeout: 30_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "store-full-"));
  try {
    const command = 'mount -t tmpfs -o size=4m keelson-test "$1" && exec "$2" "$3" "$1"';
    const { stdout } = await promisify(execFile)("unshare", ["--mount", "sh", "-c", command, "sh", folder, process.execPath, script]);
    assert.match(stdout, /^\d+ writes acknowledged and found; refused: .*full/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
