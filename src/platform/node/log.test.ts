import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeLog } from "./log.ts";

test("a line has time, level, message and fields, and stays one line", () => {
  const lines: string[] = [];
  const log = nodeLog({ level: "info", now: () => 0, write: (line) => lines.push(line) });
  log.debug("unheard");
  log.info("started", { port: 6443, path: "/a/b", words: "two words", nothing: undefined, list: [1, 2n] });
  log.with({ pod: "default/a" }).warn("evil\nERROR line", { value: "x\ny" });
  assert.deepEqual(lines, [
    `1970-01-01T00:00:00.000Z INFO  started port=6443 path=/a/b words="two words" list="[1,\\"2\\"]"\n`,
    `1970-01-01T00:00:00.000Z WARN  evil ERROR line pod=default/a value="x\\ny"\n`,
  ]);
});

test("fields that cannot be written do not throw", () => {
  const lines: string[] = [];
  const log = nodeLog({ write: (line) => lines.push(line) });
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  log.error("odd", { circle, function: () => {}, error: new Error("reason"), long: "a".repeat(100_000) });
  assert.match(lines[0] ?? "", /reason/);
  assert.ok((lines[0] ?? "").length < 20_000);
});
