// Fills the small disk that holds the folder given, with a store on it, and makes room again. Fails if the store does not bear it.
import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
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
await assert.rejects(store.healthy(), StoreUnavailable);
await reopen();
assert.equal((await store.range("", "")).count, acknowledged.length);
await rm(ballast);
await store.healthy();
await write("after");
await reopen();
assert.deepEqual((await store.range("", "")).items.map((item) => item.key).sort(), acknowledged.sort());
await scope.stop();
console.log(`${acknowledged.length} writes acknowledged and found; refused: ${refused.message}`);

async function reopen(): Promise<void> {
  await scope.stop();
  scope = rootScope("full disk", (error) => {
    throw error;
  });
  store = await openDiskStore(scope, storeWorld(), { path });
}
