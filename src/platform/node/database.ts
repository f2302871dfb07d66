// Databases on SQLite, each in a thread of its own so that waiting for the disk never holds up the program.
//
// The thread's file stands beside this one: as source, and in a bundle as `database-worker.js`, which the bundler has to make an entry.
import { URL } from "node:url";
import { Worker } from "node:worker_threads";
import { type Change, type Database, DatabaseError, type Databases } from "../database.ts";
import { packRows, unpackRows } from "./database-rows.ts";
import type { DatabaseRequest, DatabaseResponse } from "./database-worker.ts";

type WithoutId<T> = T extends unknown ? Omit<T, "id"> : never;
type Answer = Extract<DatabaseResponse, { size?: number }>;
interface Waiting {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
}

export function nodeDatabases(): Databases {
  return {
    async open(path) {
      const database = new SqliteDatabase(path);
      await database.open();
      return database;
    },
  };
}

class SqliteDatabase implements Database {
  readonly #path: string;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #requests = 0;
  #closed = false;

  constructor(path: string) {
    this.#path = path;
  }

  async open(): Promise<void> {
    try {
      await this.#request({ type: "open", path: this.#path });
    } catch (error) {
      await this.#worker?.terminate();
      throw error;
    }
  }

  async commit(changes: readonly Change[]): Promise<void> {
    const rows = packRows(changes);
    await this.#request({ type: "commit", rows }, [rows]);
  }

  async *scan(from: Uint8Array, to: Uint8Array): AsyncIterable<readonly { readonly key: Uint8Array; readonly value: Uint8Array }[]> {
    let next = this.#request({ type: "scan", to, from, behind: false });
    for (;;) {
      const { rows } = await next;
      const page = rows ? (unpackRows(rows) as Required<Change>[]) : [];
      const last = page.at(-1);
      if (!last) return;
      // The next page is read while this one is used.
      next = this.#request({ type: "scan", to, from: last.key.slice(), behind: true });
      next.catch(() => {});
      yield page;
    }
  }

  async size(): Promise<number> {
    const { size } = await this.#request({ type: "size" });
    return size ?? 0;
  }

  async copy(path: string): Promise<void> {
    await this.#request({ type: "copy", path });
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    const closing = this.#worker ? this.#request({ type: "close" }) : undefined;
    this.#closed = true;
    try {
      await closing;
    } finally {
      await this.#worker?.terminate();
    }
  }

  #request(request: WithoutId<DatabaseRequest>, transfer: readonly ArrayBuffer[] = []): Promise<Answer> {
    if (this.#closed) return Promise.reject(new DatabaseError("io", `${this.#path} was closed`));
    const worker = this.#running(request.type);
    return new Promise((resolve, reject) => this.#post(worker, request, transfer, { resolve, reject }));
  }

  #post(worker: Worker, request: WithoutId<DatabaseRequest>, transfer: readonly ArrayBuffer[], waiting: Waiting): void {
    const id = ++this.#requests;
    this.#waiting.set(id, waiting);
    worker.postMessage({ ...request, id }, transfer);
  }

  /** The thread; started anew, with the file opened again, when it had ended. */
  #running(purpose: DatabaseRequest["type"]): Worker {
    if (this.#worker) return this.#worker;
    const name = import.meta.url.endsWith(".ts") ? "./database-worker.ts" : "./database-worker.js";
    const worker = new Worker(new URL(name, import.meta.url), {
      name: "database",
      resourceLimits: { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4, stackSizeMb: 1 },
    });
    let reason = "its thread ended";
    worker.on("message", (response: DatabaseResponse) => this.#answered(response));
    worker.on("error", (error) => {
      reason = error instanceof Error ? error.message : String(error);
    });
    worker.on("exit", () => this.#lost(worker, reason));
    this.#worker = worker;
    if (purpose !== "open") this.#post(worker, { type: "open", path: this.#path }, [], { resolve: () => {}, reject: () => {} });
    return worker;
  }

  #answered(response: DatabaseResponse): void {
    const waiting = this.#waiting.get(response.id);
    this.#waiting.delete(response.id);
    if ("damage" in response) waiting?.reject(new DatabaseError(response.damage, response.message));
    else waiting?.resolve(response);
  }

  #lost(worker: Worker, reason: string): void {
    if (this.#worker === worker) this.#worker = undefined;
    const all = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of all) reject(new DatabaseError("io", `${this.#path}: ${reason}`));
  }
}
