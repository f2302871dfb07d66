import assert from "node:assert/strict";
import { test } from "node:test";
import { simulatedWorld } from "#platform/simulated/world.ts";
import { type LogOptions, readLog } from "./log-reader.ts";

const path = "/var/log/pods/p/web/0.log";
const line = (second: number, text: string, { stream = "stdout", tag = "F" } = {}) =>
  `2026-01-01T00:00:0${second}.5Z ${stream} ${tag} ${text}\n`;
const plain: LogOptions = { follow: false, timestamps: false, stream: "all" };

async function setUp(text: string) {
  const world = simulatedWorld({ seed: 1 });
  await world.files.makeFolder("/var/log/pods/p/web");
  await world.files.write(path, text);
  const read = async (options: Partial<LogOptions>) => {
    let out = "";
    const write = async (bytes: Uint8Array) => void (out += new TextDecoder().decode(bytes));
    await readLog(world, { ...plain, ...options }, { path, write, signal: new AbortController().signal, isRunning: async () => false });
    return out;
  };
  return { world, read };
}

test("lines come without their heads, pieces put together, streams told apart", async () => {
  const { read } = await setUp(
    line(1, "a") + line(2, "lo", { tag: "P" }) + line(2, "ng") + line(3, "e", { stream: "stderr" }) + "damaged\n" + line(4, ""),
  );
  assert.equal(await read({}), "a\nlong\ne\n\n");
  assert.equal(await read({ stream: "stderr" }), "e\n");
  assert.equal(
    await read({ timestamps: true, stream: "stdout" }),
    "2026-01-01T00:00:01.500000000Z a\n2026-01-01T00:00:02.500000000Z long\n2026-01-01T00:00:04.500000000Z \n",
  );
  assert.equal(await read({ since: Date.parse("2026-01-01T00:00:03Z") }), "e\n\n");
  assert.equal(await read({ limitBytes: 3 }), "a\nl");
});

test("tailLines finds the newest lines of a long file", async () => {
  const many = Array.from({ length: 5_000 }, (_, index) => line(1, `line ${index} ${"x".repeat(40)}`)).join("");
  const { read } = await setUp(many);
  assert.deepEqual(
    (await read({ tailLines: 3 })).split("\n").map((text) => text.split(" ")[1]),
    ["4997", "4998", "4999", undefined],
  );
  assert.equal((await read({ tailLines: 4_000 })).split("\n").length, 4_001);
  assert.equal((await read({ tailLines: 9_000 })).split("\n").length, 5_001);
  assert.equal(await read({ tailLines: 0 }), "");
});

test("follow goes on through growth and rotation, and ends when the container ended", async () => {
  const { world } = await setUp(line(1, "a"));
  let out = "";
  let running = true;
  let isOver = false;
  const write = async (bytes: Uint8Array) => void (out += new TextDecoder().decode(bytes));
  const done = readLog(
    world,
    { ...plain, follow: true },
    { path, write, signal: new AbortController().signal, isRunning: async () => running },
  ).then(() => {
    isOver = true;
  });
  await world.advance(1_000);
  assert.equal(out, "a\n");
  await world.files.append(path, line(2, "b"));
  await world.advance(1_000);
  assert.equal(out, "a\nb\n");
  await world.files.append(path, line(3, "c"));
  await world.files.rename(path, `${path}.20260101-000003`);
  await world.files.write(path, line(4, "d"));
  await world.advance(1_000);
  assert.equal(out, "a\nb\nc\nd\n");
  assert.equal(isOver, false);
  await world.files.append(path, line(5, "last"));
  running = false;
  await world.advance(2_000);
  await done;
  assert.equal(out, "a\nb\nc\nd\nlast\n");
});
