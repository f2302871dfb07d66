import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { copyFile, mkdtemp, open, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { Worker } from "node:worker_threads";
import type { Database } from "../database.ts";
import { nodeDatabases } from "./database.ts";

const databases = nodeDatabases();
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array) => new TextDecoder().decode(value);
let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "database-"));
});
after(() => rm(folder, { recursive: true, force: true }));

async function rows(database: Database, from = "", to = "\u{10ffff}"): Promise<string[]> {
  const all: string[] = [];
  for await (const page of database.scan(bytes(from), bytes(to)))
    for (const { key, value } of page) all.push(`${text(key)}=${text(value)}`);
  return all;
}

test("rows are kept in the order of their bytes, through closing and in copies", async () => {
  const path = join(folder, "deep/er/rows.db");
  let database = await databases.open(path);
  await database.commit([
    { key: bytes("b"), value: bytes("1") },
    { key: bytes("a"), value: bytes("") },
    { key: bytes("c"), value: bytes("1") },
  ]);
  await database.commit([{ key: bytes("c") }, { key: bytes("b"), value: bytes("2") }, { key: bytes("gone") }]);
  assert.deepEqual(await rows(database), ["a=", "b=2"]);
  assert.deepEqual(await rows(database, "b", "c"), ["b=2"]);
  assert.ok((await database.size()) > 0);
  await database.copy(join(folder, "copy.db"));
  await assert.rejects(database.copy(join(folder, "copy.db")), { damage: "io" });
  await database.close();
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  for (const kept of [path, join(folder, "copy.db")]) {
    database = await databases.open(kept);
    assert.deepEqual(await rows(database), ["a=", "b=2"]);
    await database.close();
  }
  await assert.rejects(database.commit([]), { damage: "io" });
});

test("many rows come in pages", async () => {
  const database = await databases.open(join(folder, "pages.db"));
  const value = new Uint8Array(1000).fill(120);
  await database.commit(Array.from({ length: 500 }, (_, at) => ({ key: bytes(String(1000 + at)), value })));
  let pages = 0;
  for await (const page of database.scan(bytes("1"), bytes("2"))) pages += page.length > 0 ? 1 : 0;
  assert.ok(pages > 2, `${pages} pages`);
  assert.equal((await rows(database)).length, 500);
  await database.close();
});

test("a database in use is locked", async () => {
  const path = join(folder, "locked.db");
  const database = await databases.open(path);
  await assert.rejects(databases.open(path), { name: "DatabaseError", damage: "locked", message: `${path} is in use by another process` });
  await database.close();
});

test("it stays locked against other processes after it was measured and copied", async () => {
  const path = join(folder, "held.db");
  const database = await databases.open(path);
  await database.commit([{ key: bytes("a"), value: bytes("1") }]);
  await database.size();
  await database.copy(join(folder, "held-copy.db"));
  const other = spawnSync(process.execPath, [
    "--disable-warning=ExperimentalWarning",
    "--input-type=module",
    "--eval",
    `import { DatabaseSync } from "node:sqlite"; new DatabaseSync(${JSON.stringify(path)}).prepare("SELECT count(*) FROM rows").get();`,
  ]);
  assert.match(other.stderr.toString(), /database is locked/);
  await database.close();
});

test("a copy ends as an error when its database is closed", async () => {
  const database = await databases.open(join(folder, "closing.db"));
  await database.commit([{ key: bytes("a"), value: new Uint8Array(20_000_000) }]);
  const copied = database.copy(join(folder, "closing-copy.db"));
  const settled = Promise.allSettled([copied, database.close()]);
  const [copy, close] = await settled;
  assert.equal(close.status, "fulfilled");
  if (copy.status === "rejected") assert.equal(copy.reason.damage, "io");
});

test("files that are not ours, or newer, are left alone", async () => {
  const other = join(folder, "text");
  await writeFile(other, "no database at all ".repeat(100));
  await assert.rejects(databases.open(other), { damage: "foreign" });
  const foreign = join(folder, "foreign.db");
  const sqlite = new DatabaseSync(foreign);
  sqlite.exec("CREATE TABLE something (x)");
  sqlite.close();
  const content = await readFile(foreign);
  await assert.rejects(databases.open(foreign), { damage: "foreign" });
  assert.deepEqual(await readFile(foreign), content);
  const newer = join(folder, "newer.db");
  await (await databases.open(newer)).close();
  const changed = new DatabaseSync(newer);
  changed.exec("PRAGMA user_version = 7");
  changed.close();
  await assert.rejects(databases.open(newer), { damage: "newer" });
});

test("a write-ahead log that lost its tail is noticed, and so is a damaged page", async () => {
  const path = join(folder, "tail.db");
  const database = await databases.open(path);
  for (let at = 0; at < 50; at++) await database.commit([{ key: bytes(`k${at}`), value: bytes("x".repeat(500)) }]);
  // What a crash would leave, with one bit flipped in the log.
  const crashed = join(folder, "crashed.db");
  for (const suffix of ["", "-wal", "-mark"]) await copyFile(path + suffix, crashed + suffix);
  await database.close();
  const whole = join(folder, "whole.db");
  for (const suffix of ["", "-wal", "-mark"]) await copyFile(crashed + suffix, whole + suffix);
  const reopened = await databases.open(whole);
  assert.equal((await rows(reopened)).length, 50);
  await reopened.close();
  const log = await open(`${crashed}-wal`, "r+");
  const middle = Math.floor((await log.stat()).size / 2);
  const { buffer } = await log.read(Buffer.alloc(1), 0, 1, middle);
  await log.write(Buffer.of((buffer[0] as number) ^ 1), 0, 1, middle);
  await log.close();
  await assert.rejects(databases.open(crashed), { damage: "corrupt", message: /has lost its last \d+ acknowledged commits/ });

  await writeFile(path, (await readFile(path)).fill(255, 16384, 16384 * 2));
  const opening = databases.open(path).then(async (damaged) => {
    try {
      await rows(damaged);
    } finally {
      await damaged.close();
    }
  });
  await assert.rejects(opening, { damage: "corrupt" });
});

test("when its thread ends, a database starts another", async (context) => {
  const spy = context.mock.method(Worker.prototype, "postMessage");
  const database = await databases.open(join(folder, "thread.db"));
  await database.commit([{ key: bytes("a"), value: bytes("1") }]);
  const thread = spy.mock.calls.at(-1)?.this as Worker;
  const waiting = [database.size(), database.size()];
  // What the thread answered before it ended is an answer; everything else ends as an error, and nothing waits for ever.
  const settled = Promise.allSettled(waiting);
  await thread.terminate();
  for (const result of await settled) if (result.status === "rejected") assert.equal(result.reason.damage, "io");
  await database.commit([{ key: bytes("b"), value: bytes("1") }]);
  assert.deepEqual(await rows(database), ["a=1", "b=1"]);
  assert.notEqual(spy.mock.calls.at(-1)?.this, thread);
  await database.close();
});

test("a copy made during writes holds whole commits", async () => {
  const database = await databases.open(join(folder, "busy.db"));
  const value = new Uint8Array(5000);
  const commits: Promise<void>[] = [];
  const write = (at: number) => commits.push(database.commit(["a", "b"].map((half) => ({ key: bytes(`${half}-${at}`), value }))));
  for (let at = 0; at < 200; at++) write(at);
  const copied = database.copy(join(folder, "busy-copy.db"));
  for (let at = 200; at < 400; at++) write(at);
  await Promise.all([copied, ...commits]);
  await database.close();
  const copy = await databases.open(join(folder, "busy-copy.db"));
  const first = (await rows(copy, "a", "b")).length;
  assert.equal(first, 200);
  assert.equal((await rows(copy, "b", "c")).length, first);
  await copy.close();
});
