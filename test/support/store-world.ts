// As much of a real World as a store needs.
import { nodeClock } from "../../src/platform/node/clock.ts";
import { nodeDatabases } from "../../src/platform/node/database.ts";
import { nodeLog } from "../../src/platform/node/log.ts";
import type { World } from "../../src/platform/world.ts";

export function storeWorld(): World {
  return { clock: nodeClock(), log: nodeLog(), databases: nodeDatabases() } as unknown as World;
}
