// What the memory store and the disk store share: reading and watching the durable part of a history, and keeping it bounded.
import { assert } from "#base/assert.ts";
import type { Scope } from "#base/scope.ts";
import type { World } from "#platform/world.ts";
import {
  Compacted,
  FutureRevision,
  type KeyValue,
  type Operation,
  type RangeOptions,
  type RangeResult,
  type Revision,
  type Store,
  StoreUnavailable,
  type StoreWatch,
  type Transaction,
  type TransactionResult,
  type WatchOptions,
  type Watcher,
} from "../store.ts";
import type { StoreImage } from "../image.ts";
import { Expiry } from "./expiry.ts";
import type { History, Version } from "./history.ts";
import { type HistoryPolicy, keepHistoryBounded } from "./retention.ts";
import { Watches } from "./watches.ts";

const keyLengthLimit = 4096;
const operationsLimit = 10_000;

export abstract class HistoryStore implements Store {
  protected readonly world: World;
  protected readonly history: History;
  protected readonly watches: Watches;
  protected durable: Revision;
  protected closed = false;
  readonly #expiry: Expiry;

  constructor(world: World, history: History) {
    this.world = world;
    this.history = history;
    this.durable = history.newest;
    this.watches = new Watches(history, this.durable);
    this.#expiry = new Expiry(world.clock, (key, modRevision) => this.#deleteExpired(key, modRevision));
  }

  abstract transact(transaction: Transaction): Promise<TransactionResult>;
  abstract size(): Promise<number>;
  abstract healthy(): Promise<void>;
  /** Called when history was forgotten; `removed` is what is no longer needed, oldest first. */
  protected abstract forgotten(removed: readonly Version[]): Promise<void>;

  /** Ties the store's timers and watches to the scope. */
  protected begin(scope: Scope, policy: HistoryPolicy): void {
    scope.defer("end watches", () => {
      this.closed = true;
      this.#expiry.stop();
      this.watches.endAll(new StoreUnavailable("the store was closed"));
    });
    scope.start("compact history", (task) => keepHistoryBounded(task, this.world, this, this.history, policy));
  }

  async get(key: string): Promise<{ readonly item: KeyValue | undefined; readonly revision: Revision }> {
    this.throwIfClosed();
    return { item: this.history.at(key, this.durable), revision: this.durable };
  }

  async range(from: string, to: string, options: RangeOptions = {}): Promise<RangeResult> {
    this.throwIfClosed();
    const { revision = this.durable, limit = Number.POSITIVE_INFINITY } = options;
    if (revision > this.durable) throw new FutureRevision(revision, this.durable);
    if (revision < this.history.compacted) throw new Compacted(revision, this.history.compacted);
    const { items, count } = this.history.range(from, to, revision, limit > 0 ? limit : Number.POSITIVE_INFINITY);
    return { items, count, more: count > items.length, revision: this.durable };
  }

  /** What is durable now. Writes that follow do not change it. */
  image(): StoreImage {
    this.throwIfClosed();
    const { items } = this.history.range("", "", this.durable, Number.POSITIVE_INFINITY);
    return { revision: this.durable, versions: items };
  }

  watch(options: WatchOptions, watcher: Watcher): StoreWatch {
    if (!this.closed) return this.watches.add(options, watcher);
    let stopped = false;
    queueMicrotask(() => {
      if (!stopped) watcher.ended(new StoreUnavailable("the store was closed"));
    });
    return { stop: () => void (stopped = true) };
  }

  async revision(): Promise<Revision> {
    this.throwIfClosed();
    return this.durable;
  }

  async compact(revision: Revision): Promise<void> {
    // Never from inside of a watcher's call: the changes it is being told of must stay until all have been told.
    await undefined;
    this.throwIfClosed();
    if (revision > this.durable) throw new FutureRevision(revision, this.durable);
    if (revision <= this.history.compacted) throw new Compacted(revision, this.history.compacted);
    this.watches.tell();
    await this.forgotten(this.history.compact(revision));
  }

  protected throwIfClosed(): void {
    if (this.closed) throw new StoreUnavailable("the store was closed");
  }

  /** Makes the changes up to `revision` visible; `changes` are those that are new. */
  protected becameDurable(revision: Revision, changes: readonly Version[]): void {
    this.durable = revision;
    this.watches.advance(revision);
    for (const change of changes) {
      if (change.expiresAt > 0) this.#expiry.add(change.expiresAt, change.key, change.modRevision);
    }
  }

  async #deleteExpired(key: string, modRevision: Revision): Promise<void> {
    if (this.closed) return;
    await this.transact({ conditions: [{ key, modRevision }], operations: [{ type: "delete", key }] });
  }
}

/** Throws for what no correct caller asks: the border has checked its input before. */
export function checkOperations(operations: readonly Operation[]): void {
  assert(operations.length <= operationsLimit, `a transaction has at most ${operationsLimit} operations, not ${operations.length}`);
  for (const { key } of operations) {
    assert(key.length > 0 && key.length <= keyLengthLimit, `a key has 1 to ${keyLengthLimit} characters, not ${key.length}`);
    assert(key.isWellFormed(), "a key is well-formed text");
  }
  if (operations.length < 2) return;
  assert(new Set(operations.map(({ key }) => key)).size === operations.length, "a transaction writes each key once");
}
