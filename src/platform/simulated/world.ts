// A World that is a function of its seed: virtual time, seeded chance, files, network, programs, keys and databases in memory. Several
// machines may share one clock and one fabric, whose links can be slow or cut.
import { assert } from "#base/assert.ts";
import type { World } from "../world.ts";
import { SimulatedClock } from "./clock.ts";
import { SimulatedCrypto } from "./crypto.ts";
import { SimulatedDatabases } from "./database.ts";
import { Fabric } from "./fabric.ts";
import { SimulatedFiles } from "./files.ts";
import { SimulatedLog } from "./log.ts";
import { SimulatedNetwork } from "./network.ts";
import { SimulatedProcesses } from "./processes.ts";
import type { SelfOptions } from "./processes.ts";
import { SeededRandom } from "./random.ts";
import { hostSettle } from "./settle.ts";
import type { Settle } from "./settle.ts";

export interface SimulationOptions extends MachineOptions {
  readonly seed: number;
  /** The wall clock at the beginning, in milliseconds since 1970. Default: 2026-01-01T00:00:00Z. */
  readonly start?: number;
  /** How promises are let settle between timers. Default: the host's way. */
  readonly settle?: Settle;
  /** The name of the first machine. Default "machine-1". */
  readonly name?: string;
}

export interface MachineOptions extends SelfOptions {
  /** The machine's address. Default: the next of 10.0.0.0/24. */
  readonly address?: string;
  readonly diskBytes?: number;
}

/** One simulated machine, and what all machines of the simulation share: `clock`, `fabric`, `log`. */
export interface SimulatedWorld extends World {
  readonly clock: SimulatedClock;
  readonly random: SeededRandom;
  readonly files: SimulatedFiles;
  readonly network: SimulatedNetwork;
  readonly processes: SimulatedProcesses;
  readonly databases: SimulatedDatabases;
  readonly crypto: SimulatedCrypto;
  readonly log: SimulatedLog;
  /** The links between machines, and their faults. */
  readonly fabric: Fabric;
  readonly seed: number;
  /** Adds a machine with files, programs and addresses of its own. */
  machine(name: string, options?: MachineOptions): SimulatedWorld;
  /** Cuts the machine's power: programs, listeners and connections are gone, and whatever was not synced may be. The caller stops the scopes of what ran here. */
  powerCut(): void;
  /** Moves time by `milliseconds`, firing timers in order and letting promises settle in between. */
  advance(milliseconds: number): Promise<void>;
  /** Moves time from timer to timer until `predicate` holds; rejects with SimulationStuck when it cannot, or not within the limit. */
  runUntil(predicate: () => boolean | Promise<boolean>, limitMilliseconds?: number, what?: string): Promise<void>;
  /** Runs `body` to its end, moving time whenever everything waits for it. */
  run<T>(body: () => Promise<T>, limitMilliseconds?: number): Promise<T>;
  /** Ends the simulation. Throws when timers are waiting and time was never moved: such a test tested nothing that takes time. */
  close(): void;
}

const defaultStart = 1_767_225_600_000;

/** The first machine of a new simulation. */
export function simulatedWorld(options: SimulationOptions): SimulatedWorld {
  const { seed, start = defaultStart, settle = hostSettle(), name = "machine-1" } = options;
  const clock = new SimulatedClock(start, settle);
  const random = new SeededRandom(seed);
  const fabric = new Fabric(clock, random.stream("fabric"));
  const log = new SimulatedLog(clock);

  const machine = (machineName: string, own: MachineOptions): SimulatedWorld => {
    const host = fabric.addMachine(machineName, own.address);
    const stream = (part: string) => random.stream(`${machineName}/${part}`);
    const files = new SimulatedFiles(clock, stream("files"), own.diskBytes);
    const crypto = new SimulatedCrypto(stream("crypto"));
    const network = new SimulatedNetwork(host, fabric, crypto, log);
    const processes = new SimulatedProcesses(clock, files, own);
    const databases = new SimulatedDatabases(clock, stream("databases"));
    return {
      clock,
      random: stream("random"),
      files,
      network,
      processes,
      databases,
      crypto,
      log,
      fabric,
      seed,
      machine: (other, otherOptions = {}) => machine(other, otherOptions),
      powerCut: () => {
        network.crash();
        processes.crash();
        files.crash();
        databases.crash();
      },
      advance: (milliseconds) => clock.advance(milliseconds),
      runUntil: (predicate, limitMilliseconds, what) => clock.runUntil(predicate, limitMilliseconds, what),
      run: (body, limitMilliseconds) => clock.run(body, limitMilliseconds),
      close: () => assert(clock.moved || clock.pending === 0, `${clock.pending} timers wait, and time was never moved`),
    };
  };
  return machine(name, options);
}
