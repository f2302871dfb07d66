// Runs programs one after the other or side by side as the steps of a check: each with its time, a limit, and its output when it matters.
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export interface Step {
  readonly name: string;
  readonly program: string;
  readonly arguments: readonly string[];
  /** The step is ended, with everything it started, after this. */
  readonly limitSeconds: number;
  /** True for a run of tests with our reporter: it is counted by its tests. */
  readonly counts?: boolean;
  /** Shows the output as it comes; without, it is shown at the end, and only of a step that failed or counts. */
  readonly streams?: boolean;
}

export const root = join(import.meta.dirname, "..");

export const none: Counts = { passed: 0, failed: 0, skipped: 0 };

export function add(one: Counts, other: Counts): Counts {
  return { passed: one.passed + other.passed, failed: one.failed + other.failed, skipped: one.skipped + other.skipped };
}

/** Arguments that make `node --test` use our reporter. */
export const reporterArguments = [`--test-reporter=${join(root, "tools/test-reporter.ts")}`, "--test-reporter-destination=stdout"];

const running = new Set<number>();
const patienceSeconds = 15;
const linesShown = 80;
let stopped: number | undefined;

/** Ends what runs, lets it clean up for a while, and leaves. */
function leave(code: number): void {
  if (stopped !== undefined) return;
  stopped = code;
  for (const id of running) end(id, "SIGTERM");
  setTimeout(() => {
    for (const id of running) end(id, "SIGKILL");
    process.exit(code);
  }, patienceSeconds * 1000);
  if (running.size === 0) process.exit(code);
}
process.on("SIGINT", () => leave(130));
process.on("SIGTERM", () => leave(143));

/** Runs a step and prints one line about it. Never rejects: what cannot be started has failed. */
export async function runStep(step: Step): Promise<Counts> {
  const folder = mkdtempSync(join(tmpdir(), "keelson-step-"));
  const countsPath = join(folder, "counts.json");
  const started = performance.now();
  if (step.streams) console.log(`\n${step.name}`);
  try {
    const { code, output } = await run(step, countsPath);
    const counts = countsOf(step, code, countsPath);
    const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(6);
    const mark = counts.failed > 0 ? "FAILED" : "ok";
    if (!step.streams && (counts.failed > 0 || step.counts) && output.trim() !== "")
      console.log(step.counts ? output.trimEnd() : head(output));
    const detail = step.counts ? `  ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped;` : "";
    console.log(`${seconds} s  ${step.name}:${detail} ${mark}`);
    return counts;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The first lines of what a tool says: the first complaints are the ones that are mended first. */
function head(output: string): string {
  const lines = output.trimEnd().split("\n");
  return lines.length <= linesShown
    ? lines.join("\n")
    : `${lines.slice(0, linesShown).join("\n")}\n… and ${lines.length - linesShown} more lines`;
}

function run(step: Step, countsPath: string): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(step.program, step.arguments, {
      cwd: root,
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own, so that what it started can be ended with it.
      detached: true,
      env: { ...process.env, KEELSON_TEST_COUNTS: countsPath, ...(step.streams && { KEELSON_TEST_NAMES: "1" }) },
    });
    const { pid } = child;
    if (pid !== undefined) running.add(pid);
    let output = "";
    const take = (chunk: Buffer) => {
      if (step.streams) process.stdout.write(chunk);
      else if (output.length < 4_000_000) output += chunk.toString();
    };
    child.stdout.on("data", take);
    child.stderr.on("data", take);
    const limit = setTimeout(() => {
      take(Buffer.from(`\n${step.name} did not end within ${step.limitSeconds} s and was stopped\n`));
      if (pid === undefined) return;
      end(pid, "SIGTERM");
      setTimeout(() => end(pid, "SIGKILL"), 10_000).unref();
    }, step.limitSeconds * 1000);
    const finish = (code: number) => {
      clearTimeout(limit);
      if (pid !== undefined) running.delete(pid);
      if (stopped !== undefined && running.size === 0) process.exit(stopped);
      resolve({ code, output });
    };
    child.on("error", (error) => {
      take(Buffer.from(`${error.message}\n`));
      finish(127);
    });
    child.on("close", (code) => finish(code ?? 1));
  });
}

function countsOf(step: Step, code: number, countsPath: string): Counts {
  if (!step.counts) return code === 0 ? { ...none, passed: 1 } : { ...none, failed: 1 };
  try {
    const counts = JSON.parse(readFileSync(countsPath, "utf8")) as Counts;
    // A run can fail without a failing test: a file that cannot be loaded, an error after the last test.
    return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
  } catch {
    return { ...none, failed: 1 };
  }
}

function end(id: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-id, signal);
  } catch {
    // It has ended already.
  }
}
