import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#platform/simulated/random.ts";
import { BoltError, BoltFile } from "./bolt-reader.ts";
import { type BoltBucket, type BoltItem, writeBolt } from "./bolt-writer.ts";

function fileOf(buckets: readonly BoltBucket[]): Uint8Array {
  const pieces: Uint8Array[] = [];
  const writing = writeBolt(buckets);
  let step = writing.next();
  for (; !step.done; step = writing.next()) pieces.push(step.value);
  return Buffer.concat([step.value, ...pieces]);
}

const reader = (file: Uint8Array) => new BoltFile((offset, length) => file.subarray(offset, offset + length));
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");
const flat = (items: Iterable<BoltItem>) => [...items].map(({ key, value }) => [text(key), text(value)]);

function itemsOf(random: SeededRandom, count: number, longest: number): BoltItem[] {
  return Array.from({ length: count }, (_, at) => ({
    key: Buffer.from(String(at).padStart(9, "0")),
    value: Buffer.alloc(random.integer(longest), String(random.integer(10))),
  }));
}

for (const [count, longest] of [
  [0, 1],
  [1, 1],
  [40, 100],
  [3_000, 300],
  [30, 20_000],
  [30_000, 3],
] as const) {
  test(`${count} items of up to ${longest} bytes are read as they were written`, () => {
    const items = itemsOf(new SeededRandom(count), count, longest);
    const file = fileOf([
      { name: "other", items: [{ key: Buffer.from("x"), value: Buffer.from("y") }] },
      { name: "key", items },
      { name: "empty", items: [] },
    ]);
    const bolt = reader(file);
    assert.deepEqual(flat(bolt.items("key")), flat(items));
    assert.deepEqual(flat(bolt.items("other")), [["x", "y"]]);
    assert.deepEqual([flat(bolt.items("empty")), flat(bolt.items("none"))], [[], []]);
    assert.equal(file.length % 4096, 0);
  });
}

test("one page of meta data is enough, whichever it is; a file that was cut is refused", () => {
  const file = fileOf([{ name: "key", items: itemsOf(new SeededRandom(1), 500, 50) }]);
  for (const damaged of [0, 4096]) {
    const copy = Uint8Array.from(file);
    copy.fill(0xff, damaged, damaged + 80);
    assert.equal(flat(reader(copy).items("key")).length, 500);
  }
  for (const length of [0, 100, 4096, 9000, 30_000])
    assert.throws(() => flat(reader(file.subarray(0, length)).items("key")), BoltError, `${length} bytes`);
});

test("whatever a file holds, reading it ends, with its items or a BoltError", () => {
  const random = new SeededRandom(3);
  const file = fileOf([{ name: "key", items: itemsOf(random, 400, 60) }]);
  for (let round = 0; round < 400; round++) {
    const copy = Uint8Array.from(file);
    for (let flips = 1 + random.integer(4); flips > 0; flips--) copy[random.integer(copy.length)] = random.integer(256);
    try {
      flat(reader(copy).items("key"));
    } catch (error) {
      assert.ok(error instanceof BoltError, String(error));
    }
  }
});

test("keys that are not in order are a mistake of the caller", () => {
  const items = ["b", "a"].map((key) => ({ key: Buffer.from(key), value: Buffer.alloc(0) }));
  assert.throws(() => fileOf([{ name: "key", items }]), /ascending/);
});
