// The store over real etcd.
import type { Scope } from "#base/scope.ts";
import { GrpcError } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import type { Draft, InferProtocol } from "#schema/message.ts";
import { checkOperations } from "../memory/history-store.ts";
import {
  Compacted,
  type Condition,
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
  TransactionTooLarge,
  type Watcher,
  type WatchOptions,
} from "../store.ts";
import { compactNowAndThen } from "./compactor.ts";
import { EtcdConnection, type EtcdEndpoints, OutcomeUnknown } from "./connection.ts";
import { Feed, versionOf } from "./feed.ts";
import { keyBytes, keyRange } from "./keys.ts";
import { Leases } from "./leases.ts";
import * as m from "./messages.ts";

export interface EtcdStoreOptions extends EtcdEndpoints {
  /** How often history is compacted, to what it was the time before. 0: never. Default 5 minutes. */
  readonly compactionMilliseconds?: number;
  /** What an earlier process asked for, and is still on its way when this resolves, comes to nothing. */
  readonly endEarlier?: boolean;
}

type RangeRequest = InferProtocol<typeof m.RangeRequest>;
type RangeResponse = InferProtocol<typeof m.RangeResponse>;
type RequestOp = InferProtocol<typeof m.RequestOp>;

const defaultCompactionMilliseconds = 300_000;
/** How long a store that does not answer is waited for when it is opened. */
const openingMilliseconds = 10_000;
/** A long range is read in pages of one revision. */
const pageKeys = 5_000;
/**
 * Written when nobody knows what became of a transaction. Transactions that were asked for before then fail, whenever they arrive: a request
 * may lie in a member's queue or on a broken cable for long, and what it makes may have been made and deleted meanwhile.
 */
const fenceKey = "keelson/fence";
/** How often a change is asked for while nobody knows what became of it. */
const attempts = 5;
/** How long the watch may take to tell what is known to have happened. */
const hearingMilliseconds = 2_000;
const modTarget = 2;
const outOfRange = 11;
const notFound = 5;
const invalidArgument = 3;

/** Connects to etcd. Rejects with StoreUnavailable when no member answers. */
export async function openEtcdStore(scope: Scope, world: World, options: EtcdStoreOptions): Promise<Store> {
  const own = scope.child("etcd");
  const connection = new EtcdConnection(own, world, options);
  const { clock } = world;
  const started = clock.monotonic();
  const patiently = async <T>(ask: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        if (!(error instanceof StoreUnavailable) || clock.monotonic() - started >= openingMilliseconds) throw error;
      }
    }
  };
  try {
    const { header } = await patiently(() => connection.call("/etcdserverpb.KV/Range", m.RangeRequest, nothing, m.RangeResponse));
    const store = new EtcdStore(own, world, connection, Number(header?.revision ?? 0), options);
    if (options.endEarlier) await patiently(() => store.raiseFence());
    return store;
  } catch (error) {
    await own.stop();
    throw error instanceof GrpcError ? new StoreUnavailable(`etcd: ${error.message}`, { cause: error }) : error;
  }
}

/** A range that tells nothing but the revision. */
const nothing = { key: keyBytes("\0"), limit: 1, keysOnly: true, countOnly: true } as const;

class EtcdStore implements Store {
  readonly #scope: Scope;
  readonly #world: World;
  readonly #connection: EtcdConnection;
  readonly #leases: Leases;
  /** Tells most watches; renewed when etcd forgot what it had to say. */
  #feed: Feed;
  #known: Revision;
  /** The last change of the fence: every transaction asks for it to be that still. */
  #fence: Revision = 0;
  #raising: Promise<Revision> | undefined;
  #compacted: Revision = 0;
  #closed = false;
  #asking: Promise<Revision> | undefined;
  #next: Promise<Revision> | undefined;

  constructor(scope: Scope, world: World, connection: EtcdConnection, revision: Revision, options: EtcdStoreOptions) {
    this.#scope = scope;
    this.#world = world;
    this.#connection = connection;
    this.#leases = new Leases(world, connection);
    this.#known = revision;
    this.#feed = this.#newFeed(revision + 1, false);
    const { compactionMilliseconds = defaultCompactionMilliseconds } = options;
    if (compactionMilliseconds > 0) {
      scope.start("compact etcd's history", (task) => compactNowAndThen(task, world, connection, compactionMilliseconds));
    }
    scope.defer("close", () => {
      this.#closed = true;
    });
  }

  async get(key: string): Promise<{ readonly item: KeyValue | undefined; readonly revision: Revision }> {
    const { items, header } = await this.#range({ key: keyBytes(key) });
    return { item: items[0] && itemOf(items[0]), revision: this.#saw(header) };
  }

  async range(from: string, to: string, options: RangeOptions = {}): Promise<RangeResult> {
    const { revision, limit = 0 } = options;
    const { key, rangeEnd } = keyRange(from, to);
    const items: KeyValue[] = [];
    let first: RangeResponse | undefined;
    let at = revision ?? 0;
    let start = key;
    for (;;) {
      const left = limit > 0 ? limit - items.length : pageKeys;
      const page = await this.#range({ key: start, rangeEnd, revision: at, limit: Math.min(left, pageKeys) }, revision);
      first ??= page;
      if (at === 0) at = Number(page.header?.revision ?? 0);
      for (const item of page.items) items.push(itemOf(item));
      const last = page.items.at(-1);
      if (!page.more || !last || (limit > 0 && items.length >= limit)) {
        return { items, count: Number(first.count), more: page.more, revision: this.#saw(first.header) };
      }
      start = Uint8Array.of(...last.key, 0);
    }
  }

  async transact({ conditions, operations }: Transaction): Promise<TransactionResult> {
    this.#throwIfClosed();
    checkOperations(operations);
    const before = this.#known;
    const compare = conditions.map(compareOf);
    const success = await Promise.all(operations.map((operation) => this.#requestOf(operation)));
    const failure = [...conditions.map(({ key }) => key), fenceKey].map((key) => ({ range: { key: keyBytes(key) } }));
    const ask = async (again: boolean): Promise<TransactionResult> => {
      for (;;) {
        const fence = this.#fence;
        const request = { compare: [...compare, compareOf({ key: fenceKey, modRevision: fence })], success, failure };
        const options = { changes: true, again };
        const call = () => this.#connection.call("/etcdserverpb.KV/Txn", m.TxnRequest, request, m.TxnResponse, options);
        const answer = await this.#asked(call, undefined);
        const revision = this.#saw(answer.header);
        if (answer.succeeded) return { succeeded: true, revision };
        const current = answer.responses.map(({ range }) => range?.items[0] && itemOf(range.items[0]));
        this.#fence = Math.max(this.#fence, current.pop()?.modRevision ?? 0);
        if (this.#fence === fence) return { succeeded: false, revision, current };
      }
    };
    try {
      return await ask(true);
    } catch (error) {
      if (!(error instanceof OutcomeUnknown)) throw error;
      return this.#askAgain(error, before, operations, ask);
    }
  }

  /**
   * Makes sure that no earlier attempt can take effect any more, looks whether one did in what was heard behind `before`, and asks again if
   * not. What it cannot tell stays unknown.
   */
  async #askAgain(
    unknown: OutcomeUnknown,
    before: Revision,
    operations: readonly Operation[],
    ask: (again: boolean) => Promise<TransactionResult>,
  ): Promise<TransactionResult> {
    for (let attempt = 2; attempt <= attempts; attempt++) {
      try {
        const made = await this.#madeAt(before, operations, await this.raiseFence());
        if (made !== undefined) return { succeeded: true, revision: made };
        const result = await ask(attempt < attempts);
        // A deletion looks like anybody's: what is gone may be gone by the first attempt.
        if (!result.succeeded && operations.some(({ type }) => type === "delete")) throw unknown;
        return result;
      } catch (error) {
        if (error === unknown || !(error instanceof StoreUnavailable)) throw error;
      }
    }
    throw unknown;
  }

  /** From the revision it resolves to on, no transaction that was asked for before takes effect, however long it was on its way. */
  raiseFence(): Promise<Revision> {
    this.#raising ??= this.#connection
      .call("/etcdserverpb.KV/Put", m.PutRequest, { key: keyBytes(fenceKey) }, m.PutResponse, { changes: true, again: true })
      .then(({ header }) => {
        const revision = this.#saw(header);
        this.#fence = Math.max(this.#fence, revision);
        return revision;
      })
      .finally(() => {
        this.#raising = undefined;
      });
    return this.#raising;
  }

  /**
   * The revision behind `before` that did just this. Objects carry identities and times, so that nobody else writes the same bytes. A
   * deletion alone looks like anybody's.
   */
  async #madeAt(before: Revision, operations: readonly Operation[], upTo: Revision): Promise<Revision | undefined> {
    if (!operations.some(({ type }) => type === "put")) return undefined;
    const changes = await this.#feed.changes(before, upTo, hearingMilliseconds);
    if (!changes) throw new StoreUnavailable("what happened meanwhile is not known");
    const wanted = new Map(operations.map((operation) => [operation.key, operation]));
    const matches = new Map<Revision, number>();
    for (const { key, value, deleted, modRevision } of changes) {
      const operation = wanted.get(key);
      if (!operation) continue;
      const isSame = operation.type === "delete" ? deleted : !deleted && sameBytes(value, operation.value);
      if (isSame) matches.set(modRevision, (matches.get(modRevision) ?? 0) + 1);
    }
    for (const [revision, count] of matches) if (count === wanted.size) return revision;
    return undefined;
  }

  watch(options: WatchOptions, watcher: Watcher): StoreWatch {
    if (this.#closed) return endedWatch(watcher, new StoreUnavailable("the store was closed"));
    const { from, previous = false } = options;
    if (from !== undefined && from <= this.#compacted) return endedWatch(watcher, new Compacted(from, this.#compacted));
    if (this.#feed.over) this.#feed = this.#newFeed(this.#known + 1, false);
    const start = from ?? this.#known + 1;
    if (!previous && start >= this.#feed.from) return this.#feed.add({ ...options, from: start }, watcher, () => {});
    // What happened longer ago, or with what was before, is told by a stream of its own.
    const scope = this.#scope.child(`watch from ${start}`);
    const first = Math.min(start, this.#known + 1);
    const feed = this.#newFeed(first, previous, scope);
    return feed.add({ ...options, from: start }, watcher, () => void scope.stop());
  }

  /** One that was asked of etcd after this call; calls that come while one is under way share the next. */
  revision(): Promise<Revision> {
    this.#next ??= this.#askNext();
    return this.#next;
  }

  async compact(revision: Revision): Promise<void> {
    this.#throwIfClosed();
    const current = await this.revision();
    if (revision > current) throw new FutureRevision(revision, current);
    if (revision <= this.#compacted) throw new Compacted(revision, this.#compacted);
    await this.#asked(
      () =>
        this.#connection.call("/etcdserverpb.KV/Compact", m.CompactionRequest, { revision, physical: true }, m.CompactionResponse, {
          changes: true,
        }),
      revision,
    );
    this.#compacted = Math.max(this.#compacted, revision);
  }

  async size(): Promise<number> {
    this.#throwIfClosed();
    const { dbSize } = await this.#connection.call("/etcdserverpb.Maintenance/Status", m.StatusRequest, {}, m.StatusResponse);
    return Number(dbSize);
  }

  async healthy(): Promise<void> {
    await this.revision();
  }

  async #askNext(): Promise<Revision> {
    await this.#asking?.catch(() => {});
    this.#next = undefined;
    this.#asking = this.#ask();
    return this.#asking;
  }

  async #ask(): Promise<Revision> {
    const { header } = await this.#range(nothing);
    return this.#saw(header);
  }

  async #range(request: Draft<RangeRequest>, revision?: Revision): Promise<RangeResponse> {
    this.#throwIfClosed();
    return this.#asked(() => this.#connection.call("/etcdserverpb.KV/Range", m.RangeRequest, request, m.RangeResponse), revision);
  }

  /** Turns what etcd refuses into what the contract calls it. */
  async #asked<T>(ask: () => Promise<T>, revision: Revision | undefined): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof GrpcError)) throw error;
      if (error.code === outOfRange && error.message.includes("compacted")) {
        throw new Compacted(revision ?? 0, Math.max(this.#compacted, revision ?? 0));
      }
      if (error.code === outOfRange && error.message.includes("future revision")) throw new FutureRevision(revision ?? 0, this.#known);
      if (error.code === invalidArgument && error.message.includes("too large"))
        throw new TransactionTooLarge(error.message, { cause: error });
      if (error.code === notFound && error.message.includes("lease")) this.#leases.forget();
      throw new StoreUnavailable(error.message, { cause: error });
    }
  }

  async #requestOf(operation: Operation): Promise<Draft<RequestOp>> {
    const key = keyBytes(operation.key);
    if (operation.type === "delete") return { deleteRange: { key } };
    const { value, timeToLiveSeconds } = operation;
    if (timeToLiveSeconds === undefined) return { put: { key, value } };
    return { put: { key, value, lease: await this.#leases.of(timeToLiveSeconds) } };
  }

  #newFeed(from: Revision, previous: boolean, scope = this.#scope): Feed {
    const isThere = (revision: Revision) => this.#range({ ...nothing, revision }, revision + 1);
    return new Feed(scope, this.#world, { connection: this.#connection, from, previous, isThere });
  }

  #saw(header: InferProtocol<typeof m.ResponseHeader> | undefined): Revision {
    const revision = Number(header?.revision ?? 0);
    if (revision > this.#known) {
      this.#known = revision;
      this.#feed?.expect(revision);
    }
    return revision;
  }

  #throwIfClosed(): void {
    if (this.#closed) throw new StoreUnavailable("the store was closed");
  }
}

function itemOf(message: InferProtocol<typeof m.KeyValueMessage>): KeyValue {
  return versionOf(message, false, 0);
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, at) => byte === right[at]);
}

function compareOf({ key, modRevision }: Condition): Draft<InferProtocol<typeof m.Compare>> {
  return { target: modTarget, key: keyBytes(key), modRevision };
}

function endedWatch(watcher: Watcher, error: Error): StoreWatch {
  let stopped = false;
  queueMicrotask(() => {
    if (!stopped) watcher.ended(error);
  });
  return { stop: () => void (stopped = true) };
}
