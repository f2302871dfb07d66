// The World of a machine: Node's clock, files, sockets, processes and keys.
import type { Databases } from "../database.ts";
import type { World } from "../world.ts";
import { nodeClock } from "./clock.ts";
import { nodeCrypto } from "./crypto.ts";
import { nodeFiles } from "./files.ts";
import { type LogLevel, nodeLog } from "./log.ts";
import { nodeNetwork } from "./network.ts";
import { nodeProcesses } from "./processes.ts";
import { nodeRandom } from "./random.ts";

export interface NodeWorldOptions {
  /** The least serious lines that are written. Default "info". */
  readonly logLevel?: LogLevel;
  /** Program and leading arguments that start this program again. Default: as it was started. */
  readonly program?: readonly string[];
  /** What the program was told behind that. Default: the command line. */
  readonly arguments?: readonly string[];
  readonly version?: string;
}

export function nodeWorld(options: NodeWorldOptions = {}): World {
  const clock = nodeClock();
  const log = nodeLog({ ...(options.logLevel && { level: options.logLevel }), now: clock.now });
  return {
    clock,
    random: nodeRandom,
    files: nodeFiles,
    network: nodeNetwork(log),
    processes: nodeProcesses(options),
    databases: lazyDatabases(),
    crypto: nodeCrypto,
    log,
  };
}

function lazyDatabases(): Databases {
  return { open: async (path) => (await import("./database.ts")).nodeDatabases().open(path) };
}
