import assert from "node:assert/strict";
import { test } from "node:test";
import { simulatedWorld } from "#platform/simulated/world.ts";
import { readLastWords } from "./last-words.ts";

async function wordsOf({ message, log }: { message?: string; log?: readonly string[] }): Promise<string> {
  const { files } = simulatedWorld({ seed: 1 });
  await files.makeFolder("/c");
  if (message !== undefined) await files.write("/c/message", message);
  if (log !== undefined) await files.write("/c/log", log.map((line) => `2026-11-21T08:00:00.123456789Z stdout ${line}\n`).join(""));
  return readLastWords(files, { message: "/c/message", log: log && "/c/log" });
}

test("STATUS4 a container's file comes before its log, and its end counts", async () => {
  assert.equal(await wordsOf({ message: "why", log: ["F because"] }), "why");
  assert.equal(await wordsOf({}), "");
  const long = await wordsOf({ message: `${"a".repeat(5_000)}end` });
  assert.deepEqual([long.length, long.slice(-4)], [4_096, "aend"]);
});

test("STATUS4 a log is what was written: lines that were not ended are joined, the last 80 lines and 2048 bytes", async () => {
  assert.equal(await wordsOf({ message: "", log: ["F one", "P DO", "P NE"] }), "one\nDONE");
  const many = Array.from({ length: 100 }, (_, index) => `F ${index}`);
  assert.match(await wordsOf({ log: many }), /^20\n[^]*\n99\n$/);
  assert.equal((await wordsOf({ log: Array(50).fill(`F ${"x".repeat(200)}`) })).length, 2_048);
});
