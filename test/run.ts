// Everything that continuous integration runs: the quick check, then the end-to-end tests, one file at a time.
//   ./keelson test                 all of it
//   node test/run.ts healing …     only the end-to-end files whose names contain one of the words
// A file that needs longer than ten minutes says so in a line "// Time limit: 20 minutes."
//
// End-to-end tests share one machine with whoever else is on it. Where no more than a few files failed, these are run once more, after all
// others, and count as they end then; the closing lines name them. What fails twice, or in many files, has failed.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { check } from "../tools/check.ts";
import { prepare } from "./prepare.ts";
import { add, none, reporterArguments, root, runStep } from "../tools/steps.ts";
import type { Counts } from "../tools/steps.ts";

const defaultLimitMinutes = 10;
const filesAgainMax = 3;

/** Runs the tests and prints the closing line; gives the exit code. */
export async function runTests(words: readonly string[]): Promise<number> {
  prepare();
  const checked: Counts = words.length === 0 ? await check() : none;
  const files = globSync("test/end-to-end/**/*.test.ts", { cwd: root })
    .sort()
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)));
  if (words.length > 0 && files.length === 0) console.log(`no end-to-end test matches ${words.join(" or ")}`);
  const ended = new Map<string, Counts>();
  for (const file of files) ended.set(file, await runFile(file));
  const failed = files.filter((file) => hasFailed(ended.get(file)));
  const again = failed.length <= filesAgainMax ? failed : [];
  if (again.length > 0) console.log(`\nonce more: ${again.join(", ")}`);
  for (const file of again) ended.set(file, await runFile(file));

  const counts = [...ended.values()].reduce(add, checked);
  for (const file of again)
    console.log(`\n${file} failed, and ${hasFailed(ended.get(file)) ? "failed again" : "passed when it was run again"}`);
  console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return counts.failed > 0 || (words.length > 0 && files.length === 0) ? 1 : 0;
}

const hasFailed = (counts: Counts | undefined): boolean => counts === undefined || counts.failed > 0;

function runFile(file: string): Promise<Counts> {
  return runStep({
    name: file,
    program: process.execPath,
    arguments: ["--disable-warning=ExperimentalWarning", "--test", "--test-isolation=none", ...reporterArguments, file],
    limitSeconds: limitMinutes(file) * 60,
    counts: true,
    streams: true,
  });
}

function limitMinutes(file: string): number {
  const stated = /^\/\/ Time limit: (\d+) minutes?\.$/m.exec(readFileSync(join(root, file), "utf8"))?.[1];
  return stated === undefined ? defaultLimitMinutes : Number(stated);
}

if (import.meta.main) process.exitCode = await runTests(process.argv.slice(2));
