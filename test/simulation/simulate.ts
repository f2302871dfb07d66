// Tests from a seed in virtual time. The body runs once for each seed in a World of its own; what must hold at every moment is looked at
// whenever everything has settled. The first seed runs twice, and both runs must log the same.
//
//   simulate("a lease has one holder", { seeds: 50 }, async ({ world, scope, always, until }) => { … });
//
// A failing seed is named: SEED=17 runs it alone. SEEDS=1000 runs more of them.
import { test } from "node:test";
import { rootScope } from "#base/scope.ts";
import type { Scope } from "#base/scope.ts";
import { SimulationStuck } from "#platform/simulated/clock.ts";
import { simulatedWorld } from "#platform/simulated/world.ts";
import type { SimulatedWorld } from "#platform/simulated/world.ts";

export interface SimulateOptions {
  /** How many seeds, or which: a failing seed becomes a named regression by being listed. Default 10. */
  readonly seeds?: number | readonly number[];
  /** The first seed runs once only, and is not compared with itself. */
  readonly once?: boolean;
  /** Virtual time the body may take. Default one day. */
  readonly limitSeconds?: number;
}

export interface Simulation {
  readonly seed: number;
  readonly world: SimulatedWorld;
  /** Stopped when the body ends. A task in it that fails, fails the simulation. */
  readonly scope: Scope;
  /** Demands that `holds` is true at every moment from now on. */
  always(what: string, holds: () => boolean): void;
  /** Waits in virtual time. Rejects when it does not come to hold within `seconds` (default 60). */
  until(what: string, holds: () => boolean, options?: { seconds?: number }): Promise<void>;
  /** Lets virtual time pass. */
  wait(seconds: number): Promise<void>;
}

/** A failure with the seed that brings it back. */
export class SeedFailed extends Error {
  override readonly name = "SeedFailed";
  readonly seed: number;
  constructor(seed: number, message: string, options: ErrorOptions) {
    super(message, options);
    this.seed = seed;
  }
}

const defaultSeeds = 10;
const daySeconds = 86_400;
const logLinesShown = 40;

/** Declares a test that runs `body` for every seed. */
export const simulate = simulationOf(async () => ({}));

/** A `simulate` whose bodies get what `setup` has made, such as a cluster. */
export function simulationOf<T extends object>(
  setup: (simulation: Simulation) => Promise<T>,
): (name: string, options: SimulateOptions, body: (simulation: Simulation & T) => Promise<void>) => void {
  return (name, options, body) => {
    test(name, () => runSeeds(options, async (simulation) => body({ ...simulation, ...(await setup(simulation)) })));
  };
}

/** Runs `body` for every seed; rejects with SeedFailed at the first that fails. */
export async function runSeeds(
  options: SimulateOptions,
  body: (simulation: Simulation) => Promise<void>,
  environment = process.env,
): Promise<void> {
  const seeds = seedsOf(options, environment);
  const limitMilliseconds = (options.limitSeconds ?? daySeconds) * 1000;
  const first = await runSeed(seeds[0] as number, limitMilliseconds, body);
  const again = options.once ? first : await runSeed(seeds[0] as number, limitMilliseconds, body);
  if (first !== again)
    throw new SeedFailed(seeds[0] as number, `SEED=${seeds[0]}: two runs of one seed differ ${firstDifference(first, again)}`, {});
  for (const seed of seeds.slice(1)) await runSeed(seed, limitMilliseconds, body);
}

function seedsOf(options: SimulateOptions, environment: NodeJS.ProcessEnv): readonly number[] {
  const { SEED: one, SEEDS: many } = environment;
  if (one !== undefined) return [Number(one)];
  if (typeof options.seeds === "object") return options.seeds;
  const count = Math.max(1, many === undefined ? (options.seeds ?? defaultSeeds) : Number(many));
  return Array.from({ length: count }, (_, index) => index + 1);
}

/** Runs one seed to its end and gives its log. */
async function runSeed(seed: number, limitMilliseconds: number, body: (simulation: Simulation) => Promise<void>): Promise<string> {
  const world = simulatedWorld({ seed });
  const { clock } = world;
  const start = clock.now();
  let failure: { error: unknown } | undefined;
  const scope = rootScope("simulation", (error, path) => {
    world.log.error("a task failed", { path, error });
    failure ??= { error };
  });
  const observing = [
    clock.observe(() => {
      if (failure) throw failure.error;
    }),
  ];
  const stop = () => {
    for (const unobserve of observing) unobserve();
    return clock.run(() => scope.stop(), limitMilliseconds);
  };
  const simulation: Simulation = {
    seed,
    world,
    scope,
    always: (what, holds) => {
      const look = () => {
        if (!holds()) throw new Error(`not always: ${what} (at ${seconds(clock.monotonic())})`);
      };
      look();
      observing.push(clock.observe(look));
    },
    until: (what, holds, { seconds: limit = 60 } = {}) =>
      new Promise<void>((resolve, reject) => {
        const look = () => {
          if (!holds()) return;
          end();
          resolve();
        };
        const end = () => {
          stopLooking();
          deadline.cancel();
        };
        const deadline = clock.timer(limit * 1000, () => {
          end();
          reject(new SimulationStuck(`not within ${limit} s: ${what}`));
        });
        const stopLooking = clock.observe(() => {
          try {
            look();
          } catch (error) {
            end();
            reject(error as Error);
          }
        });
      }),
    wait: (length) => clock.sleep(scope, length * 1000),
  };
  try {
    await clock.run(() => body(simulation), limitMilliseconds);
    await stop();
    if (failure) throw failure.error;
    return world.log.text(start);
  } catch (error) {
    await scope.stop().catch(() => {});
    const log = world.log.text(start).split("\n").slice(-logLinesShown).join("\n");
    const message = error instanceof Error ? error.message : String(error);
    throw new SeedFailed(
      seed,
      `SEED=${seed} fails after ${seconds(clock.monotonic())} of virtual time: ${message}${log && `\nits last lines:\n${log}`}`,
      {
        cause: error,
      },
    );
  }
}

function firstDifference(one: string, other: string): string {
  const [left, right] = [one.split("\n"), other.split("\n")];
  const index = left.findIndex((line, at) => line !== right[at]);
  const at = index < 0 ? left.length : index;
  return `at line ${at + 1} of their logs:\n  ${left[at] ?? "(end)"}\n  ${right[at] ?? "(end)"}`;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(3)} s`;
}
