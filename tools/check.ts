// The quick part of the tests, under a minute: types, lint, format, and all tests that need nothing but Node.
//   npm run check
import { globSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { add, none, reporterArguments, root, runStep } from "./steps.ts";
import type { Counts, Step } from "./steps.ts";

const packaged = (path: string) => join(root, "node_modules", path);
const node = (name: string, script: string, ...rest: string[]): Step => ({
  name,
  program: process.execPath,
  arguments: [script, ...rest],
  limitSeconds: 120,
});
const folders = ["src", "test", "tools"];

const typeSteps: readonly Step[] = [
  node("types", packaged("typescript/bin/tsc"), "--noEmit"),
  node("types of portable code", packaged("typescript/bin/tsc"), "--noEmit", "-p", "tsconfig.portable.json"),
];
const styleSteps: readonly Step[] = [
  node("lint", packaged("oxlint/bin/oxlint"), "--quiet", ...folders),
  node("format", packaged("@biomejs/biome/bin/biome"), "format", ...folders),
];

/** Every test that needs neither root nor containers: a few processes with many files each, since to start one costs more than most tests. */
function testSteps(files: readonly string[]): readonly Step[] {
  const processes = Math.min(availableParallelism(), 4);
  return Array.from({ length: processes }, (_, at) =>
    testStep(
      `tests, ${at + 1} of ${processes}`,
      files.filter((_file, index) => index % processes === at),
    ),
  );
}

function testStep(name: string, files: readonly string[]): Step {
  return {
    name,
    program: process.execPath,
    arguments: ["--disable-warning=ExperimentalWarning", "--test", "--test-isolation=none", ...reporterArguments, ...files],
    limitSeconds: 180,
    counts: true,
  };
}

/** Runs all of it and prints what failed. */
export async function check(): Promise<Counts> {
  const tests = globSync("{src,tools,test/simulation,test/support,test/checkers,test/torture}/**/*.test.ts", { cwd: root }).sort();
  const counts = [
    ...(await Promise.all(typeSteps.map(runStep))),
    ...(await Promise.all(styleSteps.map(runStep))),
    ...(await Promise.all(testSteps(tests).map(runStep))),
  ];
  return counts.reduce(add, none);
}

if (import.meta.main) {
  const { passed, failed, skipped } = await check();
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exitCode = failed > 0 ? 1 : 0;
}
