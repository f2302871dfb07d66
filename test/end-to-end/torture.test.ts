// A few rounds of `npm run torture` for each backend: kill -9 and power loss, judged by the checkers; and that a disk which lies about
// syncing is found out.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { type Backend, diskBackend, powerBackend } from "../torture/backends.ts";
import { cannotRunEtcd } from "../support/etcd.ts";
import { etcdBackend } from "../torture/etcd-backend.ts";
import { lossyDiskProblem } from "../torture/lossy-disk.ts";
import { realEnvironment } from "../torture/real-environment.ts";
import { torture, type TortureResult } from "../torture/torture.ts";

const noLossyDisk = lossyDiskProblem();

async function rounds(count: number, seed: number, backendIn: (folder: string) => Promise<Backend> | Backend): Promise<TortureResult> {
  const folder = mkdtempSync(join(tmpdir(), "torture-test-"));
  const environment = await realEnvironment(await backendIn(folder));
  try {
    return await torture(environment, { rounds: count, seed });
  } finally {
    await environment.close(false);
    rmSync(folder, { recursive: true, force: true });
  }
}

test("kill -9 of the API server over the embedded store breaks no promise", { timeout: 120_000 }, async () => {
  const { violations, rounds: done, writes, events } = await rounds(4, 11, diskBackend);
  assert.deepEqual(violations, []);
  assert.equal(done, 4);
  assert.ok(writes > 20 && events > 200, `${writes} writes and ${events} events`);
});

test("kill -9 of the API server and of members of its etcd breaks no promise", { timeout: 180_000, skip: cannotRunEtcd() }, async () => {
  const { violations, rounds: done, writes } = await rounds(4, 14, etcdBackend);
  assert.deepEqual(violations, []);
  assert.equal(done, 4);
  assert.ok(writes > 20, `${writes} writes`);
});

test("power loss, also after syncs that failed, takes nothing that was acknowledged", {
  timeout: 120_000,
  skip: noLossyDisk ?? false,
}, async () => {
  const { violations, rounds: done, writes } = await rounds(12, 5, (folder) => powerBackend(folder));
  assert.deepEqual(violations, []);
  assert.equal(done, 12);
  assert.ok(writes > 20, `${writes} writes`);
});

test("power loss on a disk that lies about syncing is found out", { timeout: 120_000, skip: noLossyDisk ?? false }, async () => {
  const { violations } = await rounds(4, 13, (folder) => powerBackend(folder, { withoutSync: true }));
  const rules = new Set(violations.map(({ rule }) => rule));
  assert.ok(rules.has("D1") || rules.has("start"), `it broke ${[...rules].join() || "nothing"}`);
});
