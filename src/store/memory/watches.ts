// Who watches what, and telling them in order.
//
// Invariants:
// - Every live watch has been told everything up to `#told`, and nothing behind it.
// - A watch that starts in the past reads history in a turn of its own, before it joins the live ones.
// - Telling is never nested: stores tell in turns of their own, so what a watcher writes is told after all have heard of what it saw.
import { type Revision, type StoreEvent, type StoreWatch, Compacted, type WatchOptions, type Watcher } from "../store.ts";
import type { Version } from "./history.ts";

const noEvents: readonly StoreEvent[] = Object.freeze([]);

/** What watches are told of. */
export interface Changes {
  /** Changes up to here are forgotten. */
  readonly compacted: Revision;
  /** Changes with after < revision <= upTo, in order. */
  changes(after: Revision, upTo: Revision): readonly Version[];
}

interface Watch {
  readonly prefix: string;
  readonly previous: boolean;
  readonly watcher: Watcher;
  /** The first revision it wants; only of interest while that lies in the future. */
  readonly from: Revision;
  collected: StoreEvent[];
  stopped: boolean;
}

export class Watches {
  readonly #history: Changes;
  readonly #live = new Set<Watch>();
  readonly #starting = new Set<Watch>();
  readonly #byPrefix = new Map<string, Set<Watch>>();
  /** The lengths that occur among the prefixes. */
  #lengths: readonly number[] = [];
  #told: Revision;
  #durable: Revision;

  constructor(history: Changes, durable: Revision) {
    this.#history = history;
    this.#told = durable;
    this.#durable = durable;
  }

  add(options: WatchOptions, watcher: Watcher): StoreWatch {
    const from = options.from ?? this.#durable + 1;
    const watch: Watch = { prefix: options.prefix, previous: options.previous ?? false, watcher, from, collected: [], stopped: false };
    this.#starting.add(watch);
    queueMicrotask(() => this.#begin(watch));
    return { stop: () => this.#remove(watch) };
  }

  /** Makes everything up to `durable` known. `tell` follows, at once or in a turn of its own. */
  advance(durable: Revision): void {
    this.#durable = durable;
  }

  /** Tells every watch what it has not been told yet. Called in turns of its own, never from inside of a watcher. */
  tell(): void {
    const upTo = this.#durable;
    if (this.#told === upTo) return;
    const changes = this.#history.changes(this.#told, upTo);
    this.#told = upTo;
    this.#tellAll(changes, upTo);
  }

  endAll(error: Error): void {
    for (const watch of [...this.#live, ...this.#starting]) this.#end(watch, error);
  }

  #begin(watch: Watch): void {
    if (watch.stopped) return;
    this.#starting.delete(watch);
    const { compacted } = this.#history;
    if (watch.from <= compacted) return this.#end(watch, new Compacted(watch.from, compacted));
    for (const change of this.#history.changes(watch.from - 1, this.#told)) {
      if (change.key.startsWith(watch.prefix)) watch.collected.push(event(change, watch.previous));
    }
    this.#join(watch);
    this.#deliver(watch, this.#told);
  }

  #tellAll(changes: readonly Version[], upTo: Revision): void {
    for (const change of changes) {
      let plain: StoreEvent | undefined;
      let full: StoreEvent | undefined;
      for (const length of this.#lengths) {
        if (length > change.key.length) continue;
        for (const watch of this.#byPrefix.get(change.key.slice(0, length)) ?? []) {
          if (change.modRevision < watch.from) continue;
          watch.collected.push(watch.previous ? (full ??= event(change, true)) : (plain ??= event(change, false)));
        }
      }
    }
    for (const watch of [...this.#live]) this.#deliver(watch, upTo);
  }

  #deliver(watch: Watch, revision: Revision): void {
    if (watch.stopped || revision < watch.from - 1) return;
    const events = watch.collected.length > 0 ? watch.collected : noEvents;
    if (events !== noEvents) watch.collected = [];
    try {
      watch.watcher.batch({ events, revision });
    } catch (error) {
      this.#end(watch, error instanceof Error ? error : new Error(String(error)));
    }
  }

  #join(watch: Watch): void {
    this.#live.add(watch);
    const same = this.#byPrefix.get(watch.prefix);
    if (same) same.add(watch);
    else {
      this.#byPrefix.set(watch.prefix, new Set([watch]));
      this.#noteLengths();
    }
  }

  #end(watch: Watch, error: Error): void {
    if (watch.stopped) return;
    this.#remove(watch);
    watch.watcher.ended(error);
  }

  #remove(watch: Watch): void {
    watch.stopped = true;
    this.#starting.delete(watch);
    if (!this.#live.delete(watch)) return;
    const same = this.#byPrefix.get(watch.prefix);
    same?.delete(watch);
    if (same?.size === 0) {
      this.#byPrefix.delete(watch.prefix);
      this.#noteLengths();
    }
  }

  #noteLengths(): void {
    this.#lengths = [...new Set([...this.#byPrefix.keys()].map((prefix) => prefix.length))];
  }
}

function event(change: Version, withPrevious: boolean): StoreEvent {
  const before = withPrevious && change.previous && !change.previous.deleted ? { previous: change.previous } : undefined;
  return change.deleted
    ? { type: "delete", key: change.key, revision: change.modRevision, ...before }
    : { type: "put", current: change, ...before };
}
