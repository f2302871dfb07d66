// Puts a second of 2 KB values by 1, 16 and 128 writers: in memory, on disk, and into an etcd where one is installed, each durable as it is
// in use; and what one costs the main thread.
//   node test/performance/store.ts [milliseconds each]
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rootScope } from "#base/scope.ts";
import { openDiskStore } from "../../src/store/disk/disk-store.ts";
import { openMemoryStore } from "../../src/store/memory/memory-store.ts";
import type { Store } from "../../src/store/store.ts";
import { storeWorld } from "../support/store-world.ts";
import { row } from "./table.ts";

export async function benchStores(millisecondsEach: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "store-performance-"));
  const scope = rootScope("performance", (error) => {
    throw error;
  });
  const world = storeWorld();
  try {
    await measure("memory", await openMemoryStore(scope, world), millisecondsEach);
    await measure("disk", await openDiskStore(scope, world, { path: join(folder, "store.db") }), millisecondsEach);
  } finally {
    await scope.stop();
    await rm(folder, { recursive: true });
  }
}

async function measure(name: string, store: Store, millisecondsEach: number): Promise<void> {
  const { clock } = storeWorld();
  let watched = 0;
  const watch = store.watch(
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
        if (name === "memory" && count % 64 === 63) await clock.endOfTurn();
      }
    };
    await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
    const seconds = (performance.now() - started) / 1000;
    const { user, system } = process.threadCpuUsage(cpuBefore);
    for (let turns = 0; turns < 1_000 && watched - before < puts; turns++) await clock.endOfTurn();
    const each = `${((user + system) / puts).toFixed(0)} us each`;
    row(
      `puts of 2 KB, ${name}, ${writers} writers`,
      `${Math.round(puts / seconds)}/s, ${each}${watched - before === puts ? "" : ", NOT ALL WATCHED"}`,
      "",
    );
  }
  watch.stop();
}

if (import.meta.main) await benchStores(Number(process.argv[2] ?? 1000));
