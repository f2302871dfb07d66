// The thread that owns one SQLite file. It answers its messages one by one, in order.
//
// The file is held by an exclusive lock. Every commit also counts itself: in the file (under the empty key, which no caller can use) and,
// once it is synced, in a mark beside the file. SQLite drops the tail of a damaged write-ahead log without a word; a file that counts less
// than its mark has lost acknowledged commits. The mark is written before a commit is answered, and synced a moment later for many of
// them: nobody waits for a second sync, and all that a power cut takes is the mark's knowledge of that moment's commits, never a commit.
//
// A sync that failed leaves the system with pages that it takes for written: a later sync saves what follows them, and not them. So whatever
// the log holds when the file is opened is brought into the file, which writes it anew, before anything is added to it.
//
// The system drops a process's locks on a file when the process closes any descriptor of that file. So nothing here opens the file a second
// time: copies are read through a descriptor that is opened before SQLite's and closed after it.
import {
  closeSync,
  existsSync,
  fdatasync,
  fdatasyncSync,
  fsyncSync,
  mkdirSync,
  openSync,
  read,
  readSync,
  statSync,
  writeSync,
} from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import { DatabaseSync, type StatementSync } from "node:sqlite";
import { promisify } from "node:util";
import { type MessagePort, parentPort } from "node:worker_threads";
import { crc32 } from "node:zlib";
import type { Damage } from "../database.ts";
import { packRows, unpackRows } from "./database-rows.ts";

export type DatabaseRequest =
  | { readonly id: number; readonly type: "open" | "copy"; readonly path: string }
  | { readonly id: number; readonly type: "commit"; readonly rows: ArrayBuffer }
  /** One page of rows from `from` on (or behind it, when `behind`). */
  | { readonly id: number; readonly type: "scan"; readonly from: Uint8Array; readonly to: Uint8Array; readonly behind: boolean }
  | { readonly id: number; readonly type: "size" | "close" };

export type DatabaseResponse =
  | { readonly id: number; readonly rows?: ArrayBuffer; readonly size?: number }
  | { readonly id: number; readonly damage: Damage; readonly message: string };

const applicationId = 0x6b65656c;
const formatVersion = 1;
const pageBytes = 64 * 1024;
const notADatabase = 26;
const countKey = new Uint8Array(0);
const lockTimeoutMilliseconds = 500;
const markSyncMilliseconds = 50;
const checkpointPages = 512;
const copyBytes = 4 * 1024 * 1024;

const readAt = promisify(read);

class Refused extends Error {
  readonly damage: Damage;
  constructor(damage: Damage, message: string) {
    super(message);
    this.damage = damage;
  }
}

class OpenFile {
  readonly #path: string;
  readonly #database: DatabaseSync;
  readonly #put: StatementSync;
  readonly #delete: StatementSync;
  readonly #scanFrom: StatementSync;
  readonly #scanBehind: StatementSync;
  readonly #mark: Mark;
  /** The file once more, for copies. */
  readonly #content: number;
  #commits: number;
  /** The log may hold what only the system's memory has. */
  #isLogDoubtful = true;
  #copy: { stopped: boolean; ended: Promise<void> } | undefined;
  #closed = false;

  constructor(path: string) {
    this.#path = path;
    prepareFile(path);
    const known = existsSync(`${path}-mark`);
    this.#content = openSync(path, "r");
    this.#database = new DatabaseSync(path, { timeout: lockTimeoutMilliseconds });
    try {
      for (const pragma of ["locking_mode=EXCLUSIVE", "page_size=16384", "cache_size=-1024", "mmap_size=0", "temp_store=MEMORY"])
        this.#pragma(pragma);
      this.#checkKind();
      for (const pragma of ["journal_mode=WAL", "synchronous=FULL", `wal_autocheckpoint=${checkpointPages}`, "journal_size_limit=8388608"])
        this.#pragma(pragma);
      this.#create();
      this.#put = this.#database.prepare("INSERT OR REPLACE INTO rows (key, value) VALUES (?, ?)");
      this.#delete = this.#database.prepare("DELETE FROM rows WHERE key = ?");
      this.#scanFrom = this.#database.prepare("SELECT key, value FROM rows WHERE key >= ? AND key < ? ORDER BY key");
      this.#scanBehind = this.#database.prepare("SELECT key, value FROM rows WHERE key > ? AND key < ? ORDER BY key");
      this.#commits = this.#readCount();
      this.#mark = new Mark(`${path}-mark`);
      this.#settleLogIfPossible();
      const missing = this.#mark.count - this.#commits;
      if (missing > 0) {
        this.#mark.close();
        throw new Refused(
          "corrupt",
          `${path} has lost its last ${missing} acknowledged commits (if an older copy was put here on purpose, remove ${path}-mark)`,
        );
      }
    } catch (error) {
      this.#database.close();
      closeSync(this.#content);
      if (sqliteCode(error) === notADatabase && !known) throw new Refused("foreign", `${path} is not a database`);
      throw error;
    }
  }

  #pragma(text: string): Record<string, unknown> | undefined {
    return this.#database.prepare(`PRAGMA ${text}`).get();
  }

  #checkKind(): void {
    const id = this.#pragma("application_id")?.application_id;
    const tables = this.#database.prepare("SELECT count(*) AS count FROM sqlite_schema").get()?.count;
    if (id !== applicationId && tables !== 0) throw new Refused("foreign", `${this.#path} is a database of another program`);
    const version = Number(this.#pragma("user_version")?.user_version);
    if (version > formatVersion)
      throw new Refused("newer", `${this.#path} was written by a newer version (format ${version}, known ${formatVersion})`);
  }

  /** Takes the lock and finds out whether the file can be written; writes only when it is new, so that a full disk does not keep it shut. */
  #create(): void {
    this.#database.exec("BEGIN IMMEDIATE");
    if (this.#pragma("application_id")?.application_id !== applicationId) {
      this.#database.exec(`CREATE TABLE rows (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
        PRAGMA application_id = ${applicationId};
        PRAGMA user_version = ${formatVersion};`);
    }
    this.#database.exec("COMMIT");
  }

  #readCount(): number {
    const row = this.#database.prepare("SELECT value FROM rows WHERE key = x''").get();
    return row ? readCount(row.value as Uint8Array) : 0;
  }

  /** Where the disk is full or cannot be written, reads go on, and the next commit tries again. */
  #settleLogIfPossible(): void {
    try {
      this.#settleLog();
    } catch (error) {
      if (sqliteCode(error) === undefined) throw error;
    }
  }

  #settleLog(): void {
    if (this.#pragma("wal_checkpoint(TRUNCATE)")?.busy !== 0) throw new Refused("io", `${this.#path}: its log cannot be brought into it`);
    this.#isLogDoubtful = false;
  }

  commit(rows: ArrayBuffer): void {
    if (this.#isLogDoubtful) this.#settleLog();
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      for (const { key, value } of unpackRows(rows)) {
        if (value) this.#put.run(key, value);
        else this.#delete.run(key);
      }
      this.#put.run(countKey, countBytes(this.#commits + 1));
      this.#database.exec("COMMIT");
    } catch (error) {
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
    this.#commits++;
    this.#mark.write(this.#commits);
  }

  scan(from: Uint8Array, to: Uint8Array, behind: boolean): ArrayBuffer {
    const rows: { key: Uint8Array; value: Uint8Array }[] = [];
    let bytes = 0;
    for (const row of (behind || from.length === 0 ? this.#scanBehind : this.#scanFrom).iterate(from, to)) {
      const { key, value } = row as { key: Uint8Array; value: Uint8Array };
      rows.push({ key, value });
      bytes += key.length + value.length;
      if (bytes >= pageBytes) break;
    }
    return packRows(rows);
  }

  size(): number {
    let size = 0;
    for (const suffix of ["", "-wal", "-mark"]) size += statSync(this.#path + suffix, { throwIfNoEntry: false })?.size ?? 0;
    return size;
  }

  /**
   * Writes what the file holds now to a new file, while commits go on: the log is brought into the file, and none of what follows it until
   * the copy is whole, so that the file does not change under it.
   */
  async copy(path: string): Promise<void> {
    await this.#copy?.ended;
    if (this.#closed) throw new Refused("io", `${this.#path} was closed`);
    this.#settleLog();
    this.#pragma("wal_autocheckpoint=0");
    const copy = { stopped: false, ended: Promise.resolve() };
    const written = this.#write(path, copy);
    copy.ended = written.catch(() => {});
    this.#copy = copy;
    try {
      await written;
    } finally {
      this.#copy = undefined;
      if (!this.#closed) this.#pragma(`wal_autocheckpoint=${checkpointPages}`);
    }
  }

  async #write(path: string, copy: { readonly stopped: boolean }): Promise<void> {
    const target = await open(path, "ax", 0o600).catch((error) => {
      throw error.code === "EEXIST" ? new Refused("io", `${path} exists already`) : error;
    });
    try {
      const buffer = new Uint8Array(copyBytes);
      for (let at = 0; ; ) {
        const { bytesRead } = await readAt(this.#content, buffer, 0, buffer.length, at);
        if (copy.stopped) throw new Refused("io", `${this.#path} was closed while ${path} was written`);
        if (bytesRead === 0) break;
        await target.writeFile(buffer.subarray(0, bytesRead));
        at += bytesRead;
      }
      await target.sync();
    } finally {
      await target.close();
      if (this.#closed) closeSync(this.#content);
    }
    syncPath(dirname(path));
  }

  /** A copy that is being written ends as an error. */
  close(): void {
    this.#closed = true;
    if (this.#copy) this.#copy.stopped = true;
    this.#database.close();
    this.#mark.close();
    if (!this.#copy) closeSync(this.#content);
  }
}

/** Two slots, written in turn, so that a torn write leaves the one before. */
class Mark {
  readonly #file: number;
  readonly count: number;
  #timer: NodeJS.Timeout | undefined;
  #syncing = false;
  #closed = false;

  constructor(path: string) {
    const isNew = !existsSync(path);
    this.#file = openSync(path, isNew ? "wx+" : "r+", 0o600);
    const bytes = new Uint8Array(1024);
    readSync(this.#file, bytes, 0, bytes.length, 0);
    this.count = Math.max(slotCount(bytes.subarray(0, 12)), slotCount(bytes.subarray(512, 524)));
    if (isNew) {
      writeSync(this.#file, bytes, 0, bytes.length, 0);
      fsyncSync(this.#file);
      syncPath(dirname(path));
    }
  }

  write(count: number): void {
    const slot = new Uint8Array(12);
    slot.set(countBytes(count));
    new DataView(slot.buffer).setUint32(8, crc32(slot.subarray(0, 8)), true);
    writeSync(this.#file, slot, 0, slot.length, (count % 2) * 512);
    this.#timer ??= setTimeout(() => this.#sync(), markSyncMilliseconds);
  }

  /** When it fails, so does what stands on the same disk: the next commit says so. */
  #sync(): void {
    if (this.#syncing) {
      this.#timer = setTimeout(() => this.#sync(), markSyncMilliseconds);
      return;
    }
    this.#timer = undefined;
    this.#syncing = true;
    fdatasync(this.#file, () => {
      this.#syncing = false;
      if (this.#closed) closeSync(this.#file);
    });
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#timer) {
      clearTimeout(this.#timer);
      fdatasyncSync(this.#file);
    }
    // The number of the file may not become another file's while it is being synced.
    if (!this.#syncing) closeSync(this.#file);
  }
}

function slotCount(slot: Uint8Array): number {
  const stored = new DataView(slot.buffer, slot.byteOffset).getUint32(8, true);
  return stored === crc32(slot.subarray(0, 8)) ? readCount(slot) : 0;
}

function countBytes(count: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(count), true);
  return bytes;
}

function readCount(bytes: Uint8Array): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
}

/** What is kept here is secret: nobody but the owner reads it. */
function prepareFile(path: string): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (!existsSync(path)) closeSync(openSync(path, "a", 0o600));
  // Also when all of it is there: whoever made it may have been killed before its names were synced.
  syncPath(folder);
  for (let inner = folder, outer = dirname(folder); outer !== inner; inner = outer, outer = dirname(outer)) syncIfAllowed(outer);
}

/** A folder that may not be opened was not made by this user. */
function syncIfAllowed(folder: string): void {
  try {
    syncPath(folder);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!["EACCES", "EPERM", "EROFS", "EINVAL"].includes(code)) throw error;
  }
}

function syncPath(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function sqliteCode(error: unknown): number | undefined {
  const code = (error as { errcode?: unknown }).errcode;
  return typeof code === "number" ? code & 0xff : undefined;
}

const damageOfSqlite: Readonly<Record<number, Damage>> = {
  5: "locked",
  6: "locked",
  8: "read-only",
  11: "corrupt",
  13: "full",
  26: "corrupt",
};
const damageOfSystem: Readonly<Record<string, Damage>> = {
  ENOSPC: "full",
  EDQUOT: "full",
  EROFS: "read-only",
  EACCES: "read-only",
  EPERM: "read-only",
};

function refusal(error: unknown, path: string): { damage: Damage; message: string } {
  if (error instanceof Refused) return { damage: error.damage, message: error.message };
  const { message, code } = error as { message: string; code?: string };
  const sqlite = sqliteCode(error);
  const damage = (sqlite === undefined ? damageOfSystem[code ?? ""] : damageOfSqlite[sqlite]) ?? "io";
  return { damage, message: damage === "locked" ? `${path} is in use by another process` : `${path}: ${message}` };
}

function serve(port: MessagePort): void {
  let file: OpenFile | undefined;
  let path = "";
  const answer = async (request: DatabaseRequest): Promise<Omit<DatabaseResponse, "id">> => {
    if (request.type === "open") {
      path = request.path;
      file = new OpenFile(path);
      return {};
    }
    // After a failure of the disk, what SQLite holds in memory is not to be trusted: it reads the file again.
    file ??= new OpenFile(path);
    switch (request.type) {
      case "commit":
        file.commit(request.rows);
        return {};
      case "scan":
        return { rows: file.scan(request.from, request.to, request.behind) };
      case "size":
        return { size: file.size() };
      case "copy":
        await file.copy(request.path);
        return {};
      case "close":
        file.close();
        file = undefined;
        return {};
    }
  };
  port.on("message", async (request: DatabaseRequest) => {
    let response: DatabaseResponse;
    try {
      response = { id: request.id, ...(await answer(request)) };
    } catch (error) {
      const { damage, message } = refusal(error, path);
      response = { id: request.id, damage, message };
      if (damage === "io" && request.type === "commit") file = closed(file);
    }
    port.postMessage(response, "rows" in response && response.rows ? [response.rows] : []);
  });
}

function closed(file: OpenFile | undefined): undefined {
  try {
    file?.close();
  } catch {
    // It failed before; opening it again will tell more.
  }
}

if (parentPort) serve(parentPort);
