import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#platform/simulated/random.ts";
import { FileRefused, LossyFiles, type LossyFilesOptions } from "./lossy-files.ts";

const seeds = Array.from({ length: 200 }, (_, seed) => seed + 1);
const bytes = (length: number, value: number) => new Uint8Array(length).fill(value);

/** A file of two sectors that was synced with its name, then overwritten; what is left of it after a power cut. */
function afterCut(seed: number, options: LossyFilesOptions = {}) {
  const files = new LossyFiles(options);
  const file = files.make(files.root, "file", false, 0o600);
  files.write(file, 0, bytes(1024, 1));
  files.sync(file);
  files.sync(files.root);
  files.write(file, 0, bytes(1024, 2));
  files.write(file, 1024, bytes(512, 3));
  files.make(files.root, "new", false, 0o600);
  files.powerCut(new SeededRandom(seed));
  const left = files.root.names.get("file");
  return { left: left && [...left.content.read(0, 4096)], names: [...files.root.names.keys()] };
}

test("what was synced survives, what was not is lost, kept, or torn between sectors", () => {
  const outcomes = new Set<string>();
  for (const seed of seeds) {
    const { left, names } = afterCut(seed);
    assert.ok(left && names.includes("file"));
    for (const sector of [left.slice(0, 512), left.slice(512, 1024)]) assert.equal(new Set(sector).size, 1, "a sector is whole");
    outcomes.add(`${left[0]} ${left[512]} ${left[1024]}, ${names.length}`);
  }
  for (const outcome of ["1 1 undefined, 1", "2 2 3, 2", "2 1 undefined, 1", "1 2 undefined, 2", "1 1 3, 1"]) {
    assert.ok(outcomes.has(outcome), `${outcome} is not among ${[...outcomes].join("; ")}`);
  }
});

test("a disk that lies loses what was synced", () => {
  assert.ok(seeds.some((seed) => !afterCut(seed, { withoutSync: true }).left));
});

test("a synced file whose name was not synced can vanish, and with a folder all that is in it", () => {
  const gone = seeds.filter((seed) => {
    const files = new LossyFiles();
    const folder = files.make(files.root, "folder", true, 0o700);
    const file = files.make(folder, "file", false, 0o600);
    files.write(file, 0, bytes(10, 1));
    files.sync(file);
    files.sync(folder);
    files.powerCut(new SeededRandom(seed));
    if (files.root.names.has("folder")) assert.equal(files.lookup(folder, "file").content.size, 10);
    else assert.throws(() => files.node(file.number), FileRefused);
    return !files.root.names.has("folder");
  });
  assert.ok(gone.length > 50 && gone.length < 150, `${gone.length}`);
});

test("a name that was exchanged is the old one or the new one", () => {
  const found = new Set<number | undefined>();
  for (const seed of seeds) {
    const files = new LossyFiles();
    const write = (name: string, value: number) => {
      const file = files.make(files.root, name, false, 0o600);
      files.write(file, 0, bytes(1, value));
      files.sync(file);
    };
    write("config", 1);
    files.sync(files.root);
    write("config.new", 2);
    files.rename(files.root, "config.new", files.root, "config");
    files.powerCut(new SeededRandom(seed));
    found.add(files.root.names.get("config")?.content.read(0, 1)[0]);
  }
  assert.deepEqual([...found].sort(), [1, 2]);
});

test("a file that shrinks and grows again is zero in between", () => {
  const files = new LossyFiles();
  const file = files.make(files.root, "file", false, 0o600);
  files.write(file, 0, bytes(8, 7));
  files.resize(file, 2);
  files.write(file, 4, bytes(1, 7));
  assert.deepEqual([...file.content.read(0, 10)], [7, 7, 0, 0, 7]);
  assert.throws(() => files.remove(files.root, "file", true), FileRefused);
  assert.throws(() => files.lookup(files.root, "other"), FileRefused);
});

test("what a failed sync left behind is read but not saved by the next sync, unless its page is written again", () => {
  const files = new LossyFiles();
  const file = files.make(files.root, "file", false, 0o600);
  files.sync(files.root);
  files.write(file, 0, bytes(8192, 1));
  files.failingSyncs = 1;
  assert.throws(() => files.sync(file), FileRefused);
  files.write(file, 4096, bytes(1, 2));
  files.sync(file);
  assert.deepEqual([...file.content.read(4094, 4)], [1, 1, 2, 1]);
  files.powerCut(new SeededRandom(1));
  assert.deepEqual([...file.content.read(4094, 4)], [0, 0, 2, 1]);
});

test("on a full disk nothing grows", () => {
  const files = new LossyFiles();
  const file = files.make(files.root, "file", false, 0o600);
  files.write(file, 0, bytes(10, 1));
  files.full = true;
  files.write(file, 5, bytes(5, 2));
  assert.throws(() => files.write(file, 5, bytes(6, 2)), FileRefused);
  assert.throws(() => files.make(files.root, "other", false, 0o600), FileRefused);
});
