import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { FileError } from "../files.ts";
import { nodeFiles as files } from "./files.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "keelson-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("files are written, read, listed in byte order and removed", async () => {
  await files.makeFolder(join(folder, "a/b"));
  await files.makeFolder(join(folder, "a/b"));
  await files.write(join(folder, "a/é"), "x", { mode: 0o600 });
  await files.write(join(folder, "a/Z"), "longer");
  await files.write(join(folder, "a/Z"), "short");
  await files.append(join(folder, "a/Z"), "er");
  assert.equal(await files.readText(join(folder, "a/Z")), "shorter");
  assert.deepEqual(await files.list(join(folder, "a")), ["Z", "b", "é"]);
  const info = await files.stat(join(folder, "a/é"));
  assert.deepEqual([info?.kind, info?.size, info?.mode], ["file", 1, 0o600]);
  await files.link("Z", join(folder, "a/l"));
  assert.equal(await files.readLink(join(folder, "a/l")), "Z");
  assert.equal((await files.stat(join(folder, "a/l")))?.kind, "link");
  assert.equal((await files.stat(join(folder, "a/l"), { follow: true }))?.kind, "file");
  await files.rename(join(folder, "a/Z"), join(folder, "z"));
  await files.remove(join(folder, "a/b"));
  await files.remove(join(folder, "a"), { recursive: true });
  await files.remove(join(folder, "a"), { recursive: true });
  await files.remove(join(folder, "none"));
  assert.equal(await files.stat(join(folder, "a")), undefined);
  assert.equal(await files.stat(join(folder, "z/below")), undefined);
  assert.ok((await files.space(folder)).total > 0);
});

test("folders nested deeper than a path can say are removed with what is in them", async () => {
  const half = Array.from({ length: 30 }, () => "d".repeat(100)).join("/");
  await files.makeFolder(join(folder, "a", half));
  await files.makeFolder(join(folder, "b", half));
  await files.write(join(folder, "b", half, "file"), "x");
  await files.rename(join(folder, "b"), join(folder, "a", half, "b"));
  await files.remove(join(folder, "a"), { recursive: true });
  assert.deepEqual(await files.list(folder), []);
});

test("failures carry the system's code and the path", async () => {
  const path = join(folder, "none");
  await assert.rejects(
    files.read(path),
    (error: FileError) => error instanceof FileError && error.code === "ENOENT" && error.path === path,
  );
  await files.makeFolder(join(folder, "full/x"));
  await assert.rejects(files.remove(join(folder, "full")), { name: "FileError", code: "ENOTEMPTY" });
});

test("a folder that cannot be made is an error, wherever it should be", async () => {
  const refused = (path: string, code: string) => assert.rejects(files.makeFolder(path), { name: "FileError", code, path });
  if (process.platform === "linux") {
    await refused("/proc/keelson", "ENOENT");
    await refused("/proc/keelson/a/b", "ENOENT");
  }
  const file = join(folder, "file");
  await files.write(file, "x");
  await refused(file, "EEXIST");
  await refused(join(file, "below"), "ENOTDIR");
  await files.makeFolder(join(folder, "made/below"), { mode: 0o700 });
  assert.equal((await files.stat(join(folder, "made")))?.mode, 0o700);
  await Promise.all([files.makeFolder(join(folder, "same/x")), files.makeFolder(join(folder, "same/x"))]);
});

test("replacing leaves one file with the new content and mode", async () => {
  const path = join(folder, "f");
  await files.write(path, "old", { mode: 0o644 });
  const before = await files.stat(path);
  await files.replace(path, "new", { mode: 0o600 });
  const after = await files.stat(path);
  assert.equal(await files.readText(path), "new");
  assert.notEqual(after?.inode, before?.inode);
  assert.equal(after?.mode, 0o600);
  assert.deepEqual(await files.list(folder), ["f"]);
  await files.makeFolder(join(folder, "d"));
  await assert.rejects(files.replace(join(folder, "d"), "x"), { name: "FileError" });
  assert.deepEqual(await files.list(folder), ["d", "f"]);
});

test("an open file is read from where one likes while it grows", async () => {
  const path = join(folder, "f");
  await files.write(path, "hello");
  const open = await files.open(path);
  assert.equal(Buffer.from(await open.read(1, 3)).toString(), "ell");
  assert.equal((await open.read(5, 10)).length, 0);
  await files.append(path, " you");
  assert.equal(Buffer.from(await open.read(5, 10)).toString(), " you");
  assert.equal((await open.stat()).size, 9);
  await open.close();
});

/** Counts reports and waits for the next one. */
function watching(path: string) {
  let count = 0;
  let wake: (() => void) | undefined;
  const watch = files.watch(path, () => {
    count++;
    wake?.();
  });
  return {
    close: () => watch.close(),
    next: async (what: string) => {
      const from = count;
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => (timer = setTimeout(() => reject(new Error(`not reported: ${what}`)), 2_000)));
      while (count === from) await Promise.race([new Promise<void>((resolve) => (wake = resolve)), late]);
      clearTimeout(timer);
    },
  };
}

test("a watched folder reports changes, replacements and its own deletion and return", async () => {
  const path = join(folder, "manifests");
  await files.makeFolder(path);
  const watch = watching(path);
  try {
    const steps: [string, () => Promise<unknown>][] = [
      ["a new file", () => files.write(join(path, "a"), "1")],
      ["an atomic replacement", () => files.replace(join(path, "a"), "2")],
      ["a removed file", () => files.remove(join(path, "a"))],
      ["the removed folder", () => files.remove(path, { recursive: true })],
      ["the folder again", () => files.makeFolder(path)],
      ["a file in the folder that returned", () => files.write(join(path, "b"), "1")],
    ];
    for (const [what, step] of steps) {
      const reported = watch.next(what);
      await step();
      await reported;
    }
  } finally {
    watch.close();
  }
});

test("a watched file that does not exist yet, in a folder that does not exist yet, is reported", async () => {
  const path = join(folder, "later/file");
  const watch = watching(path);
  try {
    const created = watch.next("the created file");
    await files.makeFolder(join(folder, "later"));
    await files.write(path, "1");
    await created;
    const replaced = watch.next("the replaced file");
    await files.replace(path, "2");
    await replaced;
    const written = watch.next("the file written in place");
    await files.append(path, "3");
    await written;
  } finally {
    watch.close();
  }
});
