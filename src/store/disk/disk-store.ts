// The history in memory, made durable by a database.
//
// A transaction is checked and given its revision at once; many of them then become durable in one commit, while the next ones gather.
//
// Invariants:
// - Readers and watchers see `durable` and nothing behind it, so nothing that a crash could take back.
// - One commit is under way at a time. When it fails, it and everything that gathered behind it is undone and rejected; whether its rows
//   reached the disk is not known, so the next commit removes them first.
// - Rows that compaction made unneeded are removed oldest first: what is left of a key is always its newest part.
import type { Scope } from "#base/scope.ts";
import type { Change, Database } from "#platform/database.ts";
import type { World } from "#platform/world.ts";
import type { Version } from "../memory/history.ts";
import { checkOperations, HistoryStore } from "../memory/history-store.ts";
import type { HistoryPolicy } from "../memory/retention.ts";
import { StoreUnavailable, type Transaction, type TransactionResult } from "../store.ts";
import { type Integrity, keepChecking } from "./integrity.ts";
import { type Loaded, loadHistory } from "./load.ts";
import { encodeMark, rowKey, RowWriter } from "./rows.ts";

export interface DiskStoreOptions {
  readonly path: string;
  readonly history?: HistoryPolicy;
}

const waitingLimit = 20_000;
const waitingBytesLimit = 128 * 2 ** 20;
const removalsPerCommit = 200;

interface Waiting {
  readonly result: TransactionResult;
  readonly resolve: (result: TransactionResult) => void;
  readonly reject: (error: Error) => void;
}

/** What becomes durable together. */
interface Group {
  readonly changes: Version[];
  readonly waiting: Waiting[];
  bytes: number;
}

/** Opens or makes the store at `path`. Rejects with a DatabaseError that says what is wrong with it. */
export async function openDiskStore(scope: Scope, world: World, options: DiskStoreOptions): Promise<DiskStore> {
  const database = await world.databases.open(options.path);
  try {
    const loaded = await loadHistory(database);
    scope.defer("close the database", () => database.close());
    return new DiskStore(scope, world, database, loaded, options);
  } catch (error) {
    await database.close();
    throw error;
  }
}

export class DiskStore extends HistoryStore {
  readonly #database: Database;
  readonly #writer = new RowWriter();
  #group: Group = emptyGroup();
  #underWay: Group = emptyGroup();
  #running: Promise<void> | undefined;
  #chain: number;
  #unneeded: readonly Version[];
  /** Rows of a failed commit, which may be there or not. */
  #doubtful = new Map<string, Uint8Array>();
  #failure: Error | undefined;
  #integrity: Integrity = { passes: 0, rows: 0, problem: undefined };

  constructor(scope: Scope, world: World, database: Database, loaded: Loaded, options: DiskStoreOptions) {
    super(world, loaded.history);
    this.#database = database;
    this.#chain = loaded.chain;
    this.#unneeded = loaded.unneeded;
    scope.defer("finish writing", () => this.#running);
    this.begin(scope, options.history ?? {});
    this.becameDurable(this.durable, loaded.expiring);
    if (this.#unneeded.length > 0) this.#run();
    scope.start("read the store again", (task) =>
      keepChecking(task, world, { database, image: () => this.image(), report: (found) => this.#found(found) }),
    );
  }

  /** What reading the file again has found. Damage there does not touch what is served, nor a snapshot of it. */
  get integrity(): Integrity {
    return this.#integrity;
  }

  #found(found: Integrity): void {
    const { problem } = found;
    if (problem && problem.message !== this.#integrity.problem?.message) {
      const advice =
        'what is served is whole: save it with "keelson snapshot save" before the server ends, and restore it into another folder';
      this.world.log.error("the store's file is damaged", { reason: problem.message, advice });
    } else if (!problem && this.#integrity.problem) this.world.log.info("the store's file is whole again");
    this.#integrity = found;
  }

  async transact({ conditions, operations }: Transaction): Promise<TransactionResult> {
    this.throwIfClosed();
    checkOperations(operations);
    const waiting = this.#group.waiting.length + this.#underWay.waiting.length;
    if (waiting >= waitingLimit || this.#group.bytes + this.#underWay.bytes >= waitingBytesLimit) {
      throw new StoreUnavailable(`${waiting} changes are waiting for the disk`);
    }
    if (!this.history.holds(conditions)) {
      const current = conditions.map(({ key }) => this.history.current(key));
      return this.#onceDurable({ succeeded: false, revision: this.history.newest, current });
    }
    for (const change of this.history.apply(operations, this.world.clock.now())) {
      this.#group.changes.push(change);
      this.#group.bytes += change.key.length + change.value.length;
    }
    return this.#onceDurable({ succeeded: true, revision: this.history.newest });
  }

  async size(): Promise<number> {
    this.throwIfClosed();
    return this.#database.size();
  }

  /** After a failure, tries to write before it answers. */
  async healthy(): Promise<void> {
    this.throwIfClosed();
    if (this.#failure) await this.#write();
  }

  protected override async forgotten(removed: readonly Version[]): Promise<void> {
    this.#unneeded = this.#unneeded.length > 0 ? [...this.#unneeded, ...removed] : removed;
    await this.#write();
  }

  /** The result stands on changes that are not durable yet; if they are lost, so is the result. */
  #onceDurable(result: TransactionResult): TransactionResult | Promise<TransactionResult> {
    if (this.history.newest === this.durable) return result;
    return this.#gather(result, this.#group.changes.length > 0 ? this.#group : this.#underWay);
  }

  /** Writes the mark, with or without changes. */
  #write(): Promise<TransactionResult> {
    return this.#gather({ succeeded: true, revision: this.history.newest }, this.#group);
  }

  #gather(result: TransactionResult, group: Group): Promise<TransactionResult> {
    return new Promise((resolve, reject) => {
      group.waiting.push({ result, resolve, reject });
      this.#run();
    });
  }

  #run(): void {
    this.#running ??= this.#commitAll();
  }

  async #commitAll(): Promise<void> {
    do {
      await this.world.clock.endOfTurn();
      const group = this.#group;
      this.#underWay = group;
      this.#group = emptyGroup();
      try {
        await this.#commit(group);
      } catch (error) {
        this.#undo(group, error);
      }
      this.#underWay = emptyGroup();
    } while (this.#group.waiting.length > 0 || (this.#unneeded.length > 0 && !this.#failure && !this.closed));
    this.#running = undefined;
  }

  async #commit(group: Group): Promise<void> {
    const { changes, waiting } = group;
    const durable = changes.at(-1)?.modRevision ?? this.durable;
    const removals = this.#unneeded.slice(0, removalsPerCommit);
    const rows: Change[] = [...this.#doubtful.values()].map((key) => ({ key }));
    for (const version of removals) rows.push({ key: rowKey(version) });
    let chain = this.#chain;
    this.#writer.begin(changes);
    for (const [place, change] of changes.entries()) {
      rows.push(this.#writer.write(change, chain, changes[place + 1]?.modRevision !== change.modRevision));
      chain = change.checksum;
    }
    rows.push(encodeMark({ durable, compacted: this.history.compacted, chain, base: this.history.base }));
    await this.#database.commit(rows);
    this.#chain = chain;
    this.#doubtful.clear();
    this.#unneeded = this.#unneeded.slice(removals.length);
    if (this.#failure) this.world.log.info("the store takes writes again");
    this.#failure = undefined;
    if (changes.length > 0) {
      this.becameDurable(durable, changes);
      this.watches.tell();
    }
    for (const { resolve, result } of waiting) resolve(result);
  }

  #undo(group: Group, cause: unknown): void {
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (!this.#failure) this.world.log.error("the store cannot write", { reason });
    this.#failure = new StoreUnavailable(`changes cannot be made durable: ${reason}`, { cause });
    for (const change of group.changes) this.#doubtful.set(`${change.modRevision} ${change.order}`, rowKey(change));
    this.history.undo(this.durable);
    const behind = this.#group;
    this.#group = emptyGroup();
    for (const { reject } of [...group.waiting, ...behind.waiting]) reject(this.#failure);
  }
}

function emptyGroup(): Group {
  return { changes: [], waiting: [], bytes: 0 };
}
