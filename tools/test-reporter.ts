// How the tests are reported: failures in full, skips with their reason, and, when KEELSON_TEST_NAMES is set, every test as it ends. The
// counts go to the file that KEELSON_TEST_COUNTS names, for whoever adds up several runs.
import { writeFileSync } from "node:fs";
import { relative } from "node:path";
import type { TestEvent } from "node:test/reporters";

const everyName = process.env["KEELSON_TEST_NAMES"] !== undefined;
const countsPath = process.env["KEELSON_TEST_COUNTS"];

interface Ended {
  readonly name: string;
  readonly file?: string | undefined;
  readonly line?: number | undefined;
  readonly skip?: string | boolean | undefined;
  readonly details: { readonly duration_ms: number; readonly type?: string | undefined };
}

export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string, void> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for await (const event of events) {
    switch (event.type) {
      case "test:pass": {
        const test = event.data as Ended;
        if (test.details.type === "suite") break;
        if (test.skip === undefined || test.skip === false) {
          counts.passed += 1;
          if (everyName) yield `✔ ${test.name} (${duration(test)})\n`;
        } else {
          counts.skipped += 1;
          yield `- ${test.name}: skipped${typeof test.skip === "string" && test.skip !== "" ? `, ${test.skip}` : ""}\n`;
        }
        break;
      }
      case "test:fail": {
        const test = event.data as Ended;
        const { error } = event.data.details;
        // A suite or parent that fails only because of what is inside it adds nothing.
        if ((error as { failureType?: string }).failureType === "subtestsFailed") break;
        counts.failed += 1;
        yield `✖ ${test.name} (${duration(test)})  ${place(test)}\n${indent(explain(error))}\n`;
        break;
      }
      case "test:diagnostic":
        if (event.data.level === "error") yield `${event.data.message}\n`;
        break;
      case "test:stdout":
      case "test:stderr":
        yield event.data.message;
        break;
      default:
    }
  }
  if (countsPath !== undefined) writeFileSync(countsPath, JSON.stringify(counts));
}

function duration(test: Ended): string {
  const milliseconds = test.details.duration_ms;
  return milliseconds < 1000 ? `${Math.round(milliseconds)} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

function place(test: Ended): string {
  return test.file === undefined ? "" : `${relative(process.cwd(), test.file)}:${test.line ?? 1}`;
}

function explain(error: Error): string {
  const cause = error.cause instanceof Error ? error.cause : error;
  const stack = cause.stack ?? String(cause);
  // Lines inside of Node say nothing about the failure.
  return stack
    .split("\n")
    .filter((line) => !/^\s+at .*\(?node:internal\//.test(line))
    .join("\n");
}

function indent(text: string): string {
  return text.replace(/^/gm, "    ");
}
