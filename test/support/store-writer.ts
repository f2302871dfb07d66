// Writes to a store as fast as it can, and tells its parent of what was acknowledged, until it is killed.
import { rootScope } from "#base/scope.ts";
import { openDiskStore } from "../../src/store/disk/disk-store.ts";
import { storeWorld } from "./store-world.ts";

const [path = "", life = ""] = process.argv.slice(2);
const scope = rootScope("writer", (error) => {
  throw error;
});
const store = await openDiskStore(scope, storeWorld(), { path });

await Promise.all(
  Array.from({ length: 16 }, async (_, writer) => {
    for (let count = 0; ; count++) {
      const key = `/life-${life}/writer-${writer}/${count}`;
      const result = await store.transact({
        conditions: [{ key, modRevision: 0 }],
        operations: [{ type: "put", key, value: new Uint8Array(2048).fill(count) }],
      });
      process.send?.([{ key, revision: result.revision }]);
    }
  }),
);
