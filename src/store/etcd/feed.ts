// One watch of every key of an etcd, and all watches of this store that are told from it.
//
// Every revision changes a key, so a watch of all keys hears of every revision by itself: nobody has to ask whether something is missing.
//
// Invariants:
// - `#told` is the last revision of which everything was heard; the stream, begun anew wherever it breaks, starts behind it.
// - The changes that were heard last are kept, so that watches can begin a little in the past without a stream of their own.
import { ScopeStopped, type Scope } from "#base/scope.ts";
import type { World } from "#platform/world.ts";
import { readProtobuf, writeProtobuf } from "#schema/derive/protobuf.ts";
import { Version } from "../memory/history.ts";
import { Watches } from "../memory/watches.ts";
import { Compacted, type Revision, StoreUnavailable, type StoreWatch, type Watcher, type WatchOptions } from "../store.ts";
import type { EtcdConnection } from "./connection.ts";
import { allKeys, keyText } from "./keys.ts";
import { type EventMessage, type KeyValueMessage, WatchRequest, WatchResponse } from "./messages.ts";
import type { InferProtocol } from "#schema/message.ts";

export interface FeedOptions {
  readonly connection: EtcdConnection;
  /** The first revision to be told. */
  readonly from: Revision;
  /** Events carry what was before. */
  readonly previous: boolean;
  /** Rejects with Compacted when the keys as of a revision are not at hand: a watch from there on could miss a deletion without a word. */
  readonly isThere: (revision: Revision) => Promise<unknown>;
}

const keptChanges = 20_000;
const keptBytes = 32 * 1024 * 1024;
const pauseFirstMilliseconds = 100;
const pauseMaxMilliseconds = 500;
/** A revision that exists is heard of within this time, or the stream is begun anew. */
const hearingMilliseconds = 1_000;
const watchPath = "/etcdserverpb.Watch/Watch";

export class Feed {
  readonly #world: World;
  readonly #options: FeedOptions;
  readonly #recent: Recent;
  readonly #watches: Watches;
  #told: Revision;
  #members = 0;
  /** Ends the stream, for another to be begun at another member. */
  #renew: (() => void) | undefined;
  #isExpecting = false;
  #waiting: { readonly revision: Revision; readonly resolve: () => void }[] = [];
  /** Set when it can tell nothing any more. */
  #over: Error | undefined;

  constructor(scope: Scope, world: World, options: FeedOptions) {
    this.#world = world;
    this.#options = options;
    this.#told = options.from - 1;
    this.#recent = new Recent(this.#told);
    this.#watches = new Watches(this.#recent, this.#told);
    scope.start(`follow etcd from revision ${options.from}`, (task) => this.#follow(task));
    scope.defer("end watches of etcd", () => this.end(new StoreUnavailable("the store was closed")));
  }

  /** Watches from here on can be served. */
  get from(): Revision {
    return this.#recent.compacted + 1;
  }

  /** How many watches it serves. */
  get members(): number {
    return this.#members;
  }

  /** Why it is over; undefined while it is not. */
  get over(): Error | undefined {
    return this.#over;
  }

  add(options: WatchOptions, watcher: Watcher, left: () => void): StoreWatch {
    this.#members++;
    let isIn = true;
    const leave = (): void => {
      if (!isIn) return;
      isIn = false;
      this.#members--;
      left();
    };
    const watch = this.#watches.add(options, {
      batch: (batch) => watcher.batch(batch),
      ended: (error) => {
        leave();
        watcher.ended(error);
      },
    });
    return {
      stop: () => {
        watch.stop();
        leave();
      },
    };
  }

  /** It is known that the revision exists. A stream that does not tell of it soon is of a member that hangs or is cut off. */
  expect(revision: Revision): void {
    if (this.#isExpecting || revision <= this.#told || this.#over) return;
    this.#isExpecting = true;
    this.#world.clock.timer(hearingMilliseconds, () => {
      this.#isExpecting = false;
      if (this.#told < revision) this.#renew?.();
    });
  }

  /** What happened behind `after` up to `upTo`, once all of it was heard; undefined when that is too long ago, or not heard in time. */
  async changes(after: Revision, upTo: Revision, timeoutMilliseconds: number): Promise<readonly Version[] | undefined> {
    if (this.#told < upTo && !this.#over) {
      await new Promise<void>((resolve) => {
        const waiting = { revision: upTo, resolve: () => (timer.cancel(), resolve()) };
        const timer = this.#world.clock.timer(timeoutMilliseconds, () => {
          this.#waiting = this.#waiting.filter((one) => one !== waiting);
          resolve();
        });
        this.#waiting.push(waiting);
      });
    }
    return this.#told < upTo || after < this.#recent.compacted ? undefined : this.#recent.changes(after, upTo);
  }

  end(error: Error): void {
    this.#over ??= error;
    this.#wake(Number.MAX_SAFE_INTEGER);
    this.#watches.endAll(error);
  }

  async #follow(task: Scope): Promise<void> {
    let pause = pauseFirstMilliseconds;
    while (!task.stopped && !this.#over) {
      const before = this.#told;
      try {
        if (this.#told > 0) await this.#options.isThere(this.#told);
        await this.#stream(task);
      } catch (error) {
        if (error instanceof ScopeStopped || task.stopped) return;
        if (error instanceof Compacted) return this.end(error);
        this.#world.log.warn("the watch of etcd broke; going on", { from: this.#told + 1, error: (error as Error).message });
      }
      if (this.#over || task.stopped) return;
      pause = this.#told > before ? pauseFirstMilliseconds : Math.min(pause * 2, pauseMaxMilliseconds);
      await this.#world.clock.sleep(task, pause);
    }
  }

  async #stream(task: Scope): Promise<void> {
    const { connection, previous } = this.#options;
    const stream = connection.duplex(watchPath);
    const stop = (): void => stream.close();
    task.signal.addEventListener("abort", stop, { once: true });
    this.#renew = stream.broken;
    const create = { ...allKeys, startRevision: this.#told + 1, progressNotify: true, previous };
    stream.write(writeProtobuf(WatchRequest, { create }));
    try {
      for await (const message of stream.messages) {
        task.throwIfStopped();
        const { canceled, cancelReason, compactRevision, events } = readProtobuf(WatchResponse, message);
        if (canceled) {
          if (compactRevision !== 0) return this.end(new Compacted(this.#told + 1, Number(compactRevision)));
          throw new Error(cancelReason || "etcd ended the watch");
        }
        if (events.length > 0) this.#heard(events);
      }
      throw new Error("etcd closed the stream");
    } finally {
      this.#renew = undefined;
      task.signal.removeEventListener("abort", stop);
      stream.close();
      if (!task.stopped) stream.broken();
    }
  }

  #heard(events: readonly InferProtocol<typeof EventMessage>[]): void {
    let order = 0;
    let last = 0;
    for (const { type, current, previous } of events) {
      if (!current) continue;
      const revision = Number(current.modRevision);
      order = revision === last ? order + 1 : 0;
      last = revision;
      // A member that the stream was moved to may begin with what another had told already.
      if (revision <= this.#told) continue;
      const version = versionOf(current, type === 1, order);
      if (previous) version.previous = versionOf(previous, false, 0);
      this.#recent.push(version);
    }
    if (last <= this.#told) return;
    this.#told = last;
    this.#watches.advance(last);
    this.#watches.tell();
    this.#wake(last);
    this.#recent.shorten(keptChanges, keptBytes);
  }

  #wake(revision: Revision): void {
    if (this.#waiting.length === 0) return;
    const due = this.#waiting.filter((one) => one.revision <= revision);
    this.#waiting = this.#waiting.filter((one) => one.revision > revision);
    for (const { resolve } of due) resolve();
  }
}

export function versionOf(message: InferProtocol<typeof KeyValueMessage>, deleted: boolean, order: number): Version {
  return new Version({
    key: keyText(message.key),
    value: message.value,
    createRevision: Number(message.createRevision),
    modRevision: Number(message.modRevision),
    version: Number(message.version),
    deleted,
    order,
    expiresAt: 0,
  });
}

/** The changes of the newest revisions. */
class Recent {
  compacted: Revision;
  #log: Version[] = [];
  #start = 0;
  #bytes = 0;

  constructor(compacted: Revision) {
    this.compacted = compacted;
  }

  push(version: Version): void {
    this.#log.push(version);
    this.#bytes += version.value.length;
  }

  changes(after: Revision, upTo: Revision): readonly Version[] {
    return this.#log.slice(this.#firstAfter(after), this.#firstAfter(upTo));
  }

  /** Forgets whole revisions, oldest first. */
  shorten(changesMax: number, bytesMax: number): void {
    while (this.#log.length - this.#start > changesMax || this.#bytes > bytesMax) {
      const { modRevision } = this.#log[this.#start] as Version;
      this.compacted = modRevision;
      for (let version = this.#log[this.#start]; version?.modRevision === modRevision; version = this.#log[++this.#start]) {
        this.#bytes -= version.value.length;
      }
    }
    if (this.#start > 1_000 && this.#start > this.#log.length / 2) {
      this.#log = this.#log.slice(this.#start);
      this.#start = 0;
    }
  }

  #firstAfter(revision: Revision): number {
    let low = this.#start;
    let high = this.#log.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#log[middle] as Version).modRevision <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
