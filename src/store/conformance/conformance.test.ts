import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { rootScope } from "#base/scope.ts";
import type { Databases } from "#platform/database.ts";
import { nodeDatabases } from "#platform/node/database.ts";
import { SimulatedClock } from "#platform/simulated/clock.ts";
import { SimulatedDatabases } from "#platform/simulated/database.ts";
import { SimulatedLog } from "#platform/simulated/log.ts";
import { SeededRandom } from "#platform/simulated/random.ts";
import { hostSettle } from "#platform/simulated/settle.ts";
import type { World } from "#platform/world.ts";
import { openDiskStore } from "../disk/disk-store.ts";
import { openMemoryStore } from "../memory/memory-store.ts";
import { type StoreUnderTest, storeConformance } from "./store-conformance.ts";

const history = { mode: "manual" } as const;
const random = (seed: number) => new SeededRandom(seed);
const newScope = () =>
  rootScope("test", (error) => {
    throw error;
  });

function newWorld(databases?: Databases): { world: World; clock: SimulatedClock } {
  const clock = new SimulatedClock(1_700_000_000_000, hostSettle());
  const world = { clock, log: new SimulatedLog(clock), databases: databases ?? new SimulatedDatabases(clock, random(1)) };
  return { world: world as unknown as World, clock };
}

storeConformance("memory", {
  test,
  random,
  seeds: [1, 2, 3, 4, 5],
  open: async () => {
    const { world, clock } = newWorld();
    const scope = newScope();
    return { store: await openMemoryStore(scope, world, { history }), pass: (ms) => clock.advance(ms), close: () => scope.stop() };
  },
});

storeConformance("disk, simulated", {
  test,
  random,
  seeds: [1, 2, 3, 4, 5],
  open: async () => {
    const { world, clock } = newWorld();
    return { ...(await openDisk(world, "/store")), pass: (ms) => clock.advance(ms) };
  },
});

storeConformance("disk, sqlite", {
  test,
  random,
  seeds: [6, 7],
  open: async () => {
    const folder = await mkdtemp(join(tmpdir(), "store-"));
    const opened = await openDisk(newWorld(nodeDatabases()).world, join(folder, "store.db"));
    return {
      ...opened,
      close: async () => {
        await opened.close();
        await rm(folder, { recursive: true, force: true });
      },
    };
  },
});

async function openDisk(world: World, path: string): Promise<StoreUnderTest & { reopen: () => Promise<StoreUnderTest["store"]> }> {
  let scope = newScope();
  const open = () => openDiskStore(scope, world, { path, history });
  return {
    store: await open(),
    reopen: async () => {
      await scope.stop();
      scope = newScope();
      return open();
    },
    close: () => scope.stop(),
  };
}
