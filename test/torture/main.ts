// Torture of the store through the API server, with real processes: the server is killed with -9 at random instants, over and over on the
// same data, while writers write and watchers watch; after every round the checkers judge all that was seen.
//
//   npm run torture -- --backend disk --rounds 500 [--seed N]
//   npm run torture -- --backend power --rounds 500 [--seed N] [--without-sync]
//   npm run torture -- --backend etcd --rounds 500 [--seed N]
//   npm run torture -- --backend simulated --seeds 10000 [--seed N]
//
// "power" is the embedded store on a disk that forgets what was not synced whenever the server is killed (needs root and FUSE); with
// --without-sync that disk also lies about syncing, which must be found. "simulated" runs in virtual time, a seed after the other from
// --seed on.
//
// The same seed gives the same steps of every writer and the same instants of the kills. A violation keeps the data folder and the history
// of the round, says where, and ends with a code that is not 0.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Violation } from "../checkers/observed.ts";
import { type Backend, diskBackend, powerBackend } from "./backends.ts";
import { etcdBackend } from "./etcd-backend.ts";
import { lossyDiskProblem } from "./lossy-disk.ts";
import { realEnvironment } from "./real-environment.ts";
import { simulateServer } from "./simulated-environment.ts";
import { simulateStore } from "./simulated-store.ts";
import { torture } from "./torture.ts";

const tellEveryMilliseconds = 10_000;
const shownViolations = 20;

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      backend: { type: "string", default: "disk" },
      rounds: { type: "string", default: "500" },
      seeds: { type: "string", default: "10000" },
      seed: { type: "string" },
      "without-sync": { type: "boolean", default: false },
    },
  });
  if (values.backend === "simulated") return simulated(Number(values.seed ?? 1), Number(values.seeds));
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31));
  return real(values.backend, seed, Number(values.rounds), values["without-sync"]);
}

async function real(name: string, seed: number, rounds: number, withoutSync: boolean): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "torture-"));
  const backend = await backendOf(name, folder, withoutSync);
  console.log(`torture of ${backend.name}, seed ${seed}, data in ${folder}`);
  const environment = await realEnvironment(backend);
  const seconds = stopwatch();
  let failed = true;
  try {
    const { violations, history, ...counts } = await torture(environment, { rounds, seed, progress: teller() });
    failed = violations.length > 0;
    console.log(
      `${counts.rounds} rounds, ${counts.kills} kills, ${counts.writes} writes acknowledged, ${counts.unknown} with unknown outcome, ${counts.reads} reads and refusals, ${counts.events} events, ${counts.resumes} watches opened, ${violations.length} violations in ${seconds()} s`,
    );
    show(violations);
    if (failed) writeFileSync(join(folder, "history.json"), JSON.stringify(history ?? null));
  } finally {
    const said = await environment.close(failed);
    if (said) console.log(said);
    if (failed) console.log(`kept: ${folder} (data, and history.json of the last round); again with --seed ${seed}`);
    else rmSync(folder, { recursive: true, force: true });
  }
  return failed ? 1 : 0;
}

/** Every seed twice: the store by itself, and the API server before it. */
async function simulated(first: number, seeds: number): Promise<number> {
  const seconds = stopwatch();
  const tell = teller();
  const total = { seeds: 0, kills: 0, writes: 0, unknown: 0, events: 0, resumes: 0 };
  let violations: readonly Violation[] = [];
  for (let seed = first; seed < first + seeds && violations.length === 0; seed++) {
    const [store, server] = [await simulateStore(seed), await simulateServer(seed)];
    violations = [...store.violations, ...server.violations];
    total.seeds++;
    for (const name of ["kills", "writes", "unknown", "events", "resumes"] as const) total[name] += store[name] + server[name];
    tell(`seed ${seed}: ${total.writes} writes so far`);
    if (violations.length > 0) console.log(`again with --seed ${seed} --seeds 1`);
  }
  console.log(
    `${total.seeds} seeds, ${total.kills} crashes, ${total.writes} writes acknowledged, ${total.unknown} with unknown outcome, ${total.events} events, ${total.resumes} watches opened, ${violations.length} violations in ${seconds()} s`,
  );
  show(violations);
  return violations.length > 0 ? 1 : 0;
}

async function backendOf(name: string, folder: string, withoutSync: boolean): Promise<Backend> {
  switch (name) {
    case "disk":
      return diskBackend(folder);
    case "power": {
      const problem = lossyDiskProblem();
      if (problem) throw new Error(`--backend power: ${problem}`);
      return powerBackend(folder, { withoutSync });
    }
    case "etcd":
      return etcdBackend();
    default:
      throw new Error(`--backend: there is no ${name}; use disk, power, etcd or simulated`);
  }
}

function show(violations: readonly Violation[]): void {
  for (const { rule, message } of violations.slice(0, shownViolations)) console.log(`${rule}: ${message}`);
}

function stopwatch(): () => string {
  const started = performance.now();
  return () => ((performance.now() - started) / 1000).toFixed(0);
}

/** Says something now and then. */
function teller(): (text: string) => void {
  let told = performance.now();
  return (text) => {
    if (performance.now() - told < tellEveryMilliseconds) return;
    told = performance.now();
    console.log(text);
  };
}

process.exitCode = await main();
