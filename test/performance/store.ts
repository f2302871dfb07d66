// Puts a second of 2 KB values by 1, 16 and 128 writers, in memory and on disk, and what one costs the main thread.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rootScope } from "#base/scope.ts";
import { openDiskStore } from "../../src/store/disk/disk-store.ts";
import { openMemoryStore } from "../../src/store/memory/memory-store.ts";
import type { Store } from "../../src/store/store.ts";
import { storeWorld } from "../support/store-world.ts";

const millisecondsEach = Number(process.argv[2] ?? 1000);
const folder = await mkdtemp(join(tmpdir(), "store-performance-"));
const scope = rootScope("performance", (error) => {
  throw error;
});
const world = storeWorld();

await measure("memory", await openMemoryStore(scope, world));
await measure("disk", await openDiskStore(scope, world, { path: join(folder, "store.db") }));
await scope.stop();
await rm(folder, { recursive: true });

async function measure(name: string, store: Store): Promise<void> {
  let watched = 0;
  store.watch(
    { prefix: "/registry/" },
    {
      batch: ({ events }) => {
        watched += events.length;
      },
      ended: () => {},
    },
  );
  for (const writers of [1, 16, 128]) {
    const before = watched;
    const started = performance.now();
    const cpuBefore = process.threadCpuUsage();
    let puts = 0;
    const write = async (writer: number) => {
      for (let count = 0; performance.now() - started < millisecondsEach; count++) {
        const key = `/registry/configmaps/default/${name}-${writers}-${writer}-${count}`;
        await store.transact({ conditions: [{ key, modRevision: 0 }], operations: [{ type: "put", key, value: new Uint8Array(2048) }] });
        puts++;
        // In memory nothing else would ever let the event loop turn.
        if (name === "memory" && count % 64 === 63) await world.clock.endOfTurn();
      }
    };
    await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
    const seconds = (performance.now() - started) / 1000;
    const { user, system } = process.threadCpuUsage(cpuBefore);
    await world.clock.endOfTurn();
    const perSecond = Math.round(puts / seconds);
    console.log(
      `${name}: ${writers} writers, ${perSecond} puts/s, ${((user + system) / puts).toFixed(1)} us of the main thread each, ${watched - before === puts ? "all" : "NOT ALL"} watched`,
    );
  }
}
