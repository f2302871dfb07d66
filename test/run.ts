// Everything that continuous integration runs: the quick check, then the end-to-end tests, one file at a time.
//   ./keelson test                 all of it
//   node test/run.ts healing …     only the end-to-end files whose names contain one of the words
// A file that needs longer than ten minutes says so in a line "// Time limit: 20 minutes."
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { check } from "../tools/check.ts";
import { prepare } from "./prepare.ts";
import { add, none, reporterArguments, root, runStep } from "../tools/steps.ts";
import type { Counts } from "../tools/steps.ts";

const defaultLimitMinutes = 10;

/** Runs the tests and prints the closing line; gives the exit code. */
export async function runTests(words: readonly string[]): Promise<number> {
  prepare();
  let counts: Counts = words.length === 0 ? await check() : none;
  const files = globSync("test/end-to-end/**/*.test.ts", { cwd: root })
    .sort()
    .filter((file) => words.length === 0 || words.some((word) => file.includes(word)));
  if (words.length > 0 && files.length === 0) console.log(`no end-to-end test matches ${words.join(" or ")}`);
  for (const file of files) {
    counts = add(
      counts,
      await runStep({
        name: file,
        program: process.execPath,
        arguments: ["--disable-warning=ExperimentalWarning", "--test", "--test-isolation=none", ...reporterArguments, file],
        limitSeconds: limitMinutes(file) * 60,
        counts: true,
        streams: true,
      }),
    );
  }
  console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return counts.failed > 0 || (words.length > 0 && files.length === 0) ? 1 : 0;
}

function limitMinutes(file: string): number {
  const stated = /^\/\/ Time limit: (\d+) minutes?\.$/m.exec(readFileSync(join(root, file), "utf8"))?.[1];
  return stated === undefined ? defaultLimitMinutes : Number(stated);
}

if (import.meta.main) process.exitCode = await runTests(process.argv.slice(2));
