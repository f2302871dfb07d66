// The only door to the outside. Time, chance, files, sockets, processes, keys and databases enter the program as one value, so that
// Node, a browser tab and a seeded simulation are three Worlds and everything above runs unchanged in each.
import type { Clock } from "./clock.ts";
import type { Crypto } from "./crypto.ts";
import type { Databases } from "./database.ts";
import type { Files } from "./files.ts";
import type { Log } from "./log.ts";
import type { Network } from "./network.ts";
import type { Processes } from "./processes.ts";
import type { Random } from "./random.ts";

export interface World {
  readonly clock: Clock;
  readonly random: Random;
  readonly files: Files;
  readonly network: Network;
  readonly processes: Processes;
  readonly databases: Databases;
  readonly crypto: Crypto;
  readonly log: Log;
}
