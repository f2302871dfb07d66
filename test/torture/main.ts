// Torture with real processes: an API server is killed with -9 at random instants, over and over on the same data, while writers write and
// watchers watch; after every round the checkers judge all that was seen.
//
//   npm run torture -- --backend disk|power --rounds 500 [--seed N] [--without-sync]
//
// "power" is the embedded store on a disk that forgets what was not synced whenever the server is killed (needs root and FUSE); with
// --without-sync that disk also lies about syncing, which must be found.
//
// The same seed gives the same steps of every writer and the same instants of the kills. A violation keeps the data folder and the history
// of the round, says where, and ends with a code that is not 0.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { diskBackend, powerBackend } from "./backends.ts";
import { lossyDiskProblem } from "./lossy-disk.ts";
import { type Backend, torture } from "./torture.ts";

/** Runs what the command line asks for; gives the exit code. */
async function main(arguments_: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...arguments_],
    options: {
      backend: { type: "string", default: "disk" },
      rounds: { type: "string", default: "500" },
      seed: { type: "string" },
      "without-sync": { type: "boolean", default: false },
    },
  });
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  const folder = mkdtempSync(join(tmpdir(), "torture-"));
  const backend = await backendOf(values.backend, folder, values);
  console.log(`torture of ${backend.name}, seed ${seed}, data in ${folder}`);
  const started = performance.now();
  let told = started;
  const result = await torture({
    backend,
    rounds: Number(values.rounds),
    seed,
    progress: (text) => {
      if (performance.now() - told < 10_000) return;
      told = performance.now();
      console.log(text);
    },
  });
  const { violations, history } = result;
  const said = await backend.close(violations.length > 0);
  if (said) console.log(said);
  console.log(
    `${result.rounds} rounds, ${result.kills} kills, ${result.writes} writes acknowledged, ${result.unknown} with unknown outcome, ${result.reads} reads and refusals, ${result.events} events, ${result.resumes} watches opened, ${violations.length} violations in ${((performance.now() - started) / 1000).toFixed(0)} s`,
  );
  for (const { rule, message } of violations.slice(0, 20)) console.log(`${rule}: ${message}`);
  if (violations.length === 0) {
    rmSync(folder, { recursive: true, force: true });
    return 0;
  }
  writeFileSync(join(folder, "history.json"), JSON.stringify(history ?? null));
  console.log(`kept: ${folder} (data and history.json); again with --seed ${seed}`);
  return 1;
}

async function backendOf(name: string, folder: string, options: { readonly "without-sync": boolean }): Promise<Backend> {
  switch (name) {
    case "disk":
      return diskBackend(folder);
    case "power": {
      const problem = lossyDiskProblem();
      if (problem) throw new Error(`--backend power: ${problem}`);
      return powerBackend(folder, { withoutSync: options["without-sync"] });
    }
    default:
      throw new Error(`--backend: there is no ${name}, use disk or power`);
  }
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
