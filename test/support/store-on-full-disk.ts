// Fills the small disk that holds the folder given, with a store on it, and makes room again. Fails if the store does not bear it.
import assert from "node:assert/strict";
import { appendFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { rootScope } from "#base/scope.ts";
import { openDiskStore } from "../../src/store/disk/disk-store.ts";
import { StoreUnavailable } from "../../src/store/store.ts";
import { storeWorld } from "./store-world.ts";

const folder = process.argv[2] as string;
const path = join(folder, "store.db");
const ballast = join(folder, "ballast");
await writeFile(ballast, new Uint8Array(2 ** 20));
let scope = rootScope("full disk", (error) => {
  throw error;
});
let store = await openDiskStore(scope, storeWorld(), { path });
const acknowledged: string[] = [];
const write = async (key: string) => {
  await store.transact({ conditions: [], operations: [{ type: "put", key, value: new Uint8Array(8192) }] });
  acknowledged.push(key);
};

let refused: unknown;
for (let at = 0; !refused && at < 10_000; at++)
  await write(`key-${at}`).catch((error: unknown) => {
    refused = error;
  });
assert.ok(refused instanceof StoreUnavailable, String(refused));
assert.match(refused.message, /full/);
// What was refused was larger than what is left, and the log has some room of its own: all of that is used up first.
const rest = join(folder, "rest");
await assert.rejects(async () => {
  for (;;) await appendFile(rest, new Uint8Array(4096));
}, /ENOSPC/);
assert.ok(await isUnhealthy(), "a store that nothing can be written to says so");
await reopen();
assert.equal((await store.range("", "")).count, acknowledged.length);
await rm(rest);
await rm(ballast);
await store.healthy();
await write("after");
await reopen();
assert.deepEqual((await store.range("", "")).items.map((item) => item.key).sort(), acknowledged.sort());
await scope.stop();
console.log(`${acknowledged.length} writes acknowledged and found; refused: ${refused.message}`);

/** Writes what is small until even that is refused; every write that is taken must be found again like the others. */
async function isUnhealthy(): Promise<boolean> {
  for (let at = 0; at < 500; at++) {
    try {
      await store.transact({ conditions: [], operations: [{ type: "put", key: `small-${at}`, value: new Uint8Array(1) }] });
      acknowledged.push(`small-${at}`);
    } catch (error) {
      assert.ok(error instanceof StoreUnavailable, String(error));
      const isHealthy = await store.healthy().then(
        () => true,
        () => false,
      );
      if (!isHealthy) return true;
    }
  }
  return false;
}

async function reopen(): Promise<void> {
  await scope.stop();
  scope = rootScope("full disk", (error) => {
    throw error;
  });
  store = await openDiskStore(scope, storeWorld(), { path });
}
