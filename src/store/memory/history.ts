// Every version of every key since the last compaction, in memory.
//
// Invariants:
// - `log` holds the changes of every revision after `compacted`, in order; the newest may not be durable yet and can be undone.
// - A key's versions form a chain from the newest back; compaction cuts it behind the version that was current at `compacted`.
// - A key without versions is in neither index.
import { assert } from "#base/assert.ts";
import type { Condition, KeyValue, Operation, Revision } from "../store.ts";
import { OrderedKeys } from "./ordered-keys.ts";

const nothing = new Uint8Array(0);
const digestModulus = 2 ** 48;
/** What a version costs beside its key and value, roughly. */
const versionOverheadBytes = 160;
/** Revision of a store in which nothing was ever written; 0 is kept for "no revision". */
export const firstRevision: Revision = 1;

/** One change of one key: what a put left, or the mark of a deletion. */
export class Version implements KeyValue {
  readonly key: string;
  readonly value: Uint8Array;
  readonly createRevision: Revision;
  readonly modRevision: Revision;
  readonly version: number;
  readonly deleted: boolean;
  /** Place among the changes of its transaction. */
  readonly order: number;
  /** Milliseconds since 1970; 0: never. */
  readonly expiresAt: number;
  /** The version before; undefined when there was none or it was compacted. */
  previous: Version | undefined;
  /** Of the row on disk; 0 where there is no disk. */
  checksum = 0;

  constructor(fields: Omit<Version, "checksum" | "previous">) {
    this.key = fields.key;
    this.value = fields.value;
    this.createRevision = fields.createRevision;
    this.modRevision = fields.modRevision;
    this.version = fields.version;
    this.deleted = fields.deleted;
    this.order = fields.order;
    this.expiresAt = fields.expiresAt;
    this.previous = undefined;
  }
}

/** The sum of a base's checksums with one more in it, or less when it is negative. */
export function sumWith(sum: number, checksum: number): number {
  return (sum + checksum + digestModulus) % digestModulus;
}

interface Entry {
  readonly key: string;
  head: Version;
}

export class History {
  readonly #entries = new Map<string, Entry>();
  readonly #ordered = new OrderedKeys<Entry>();
  #log: Version[] = [];
  #logStart = 0;
  #newest: Revision = firstRevision;
  #compacted: Revision = 0;
  #bytes = 0;
  #supersededBytes = 0;
  #baseCount = 0;
  #baseSum = 0;

  /** The revision of the last change, durable or not. */
  get newest(): Revision {
    return this.#newest;
  }

  get compacted(): Revision {
    return this.#compacted;
  }

  /** Of all versions that are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Of versions that are kept only as history. */
  get supersededBytes(): number {
    return this.#supersededBytes;
  }

  /** Count and sum of checksums of the keys as they were at `compacted`: tells whether a row of that state was lost. */
  get base(): { readonly count: number; readonly sum: number } {
    return { count: this.#baseCount, sum: this.#baseSum };
  }

  /** The key's newest version, durable or not; undefined when absent or deleted. */
  current(key: string): Version | undefined {
    const head = this.#entries.get(key)?.head;
    return head && !head.deleted ? head : undefined;
  }

  at(key: string, revision: Revision): Version | undefined {
    const entry = this.#entries.get(key);
    return entry && visible(entry, revision);
  }

  range(from: string, to: string, revision: Revision, limit: number): { readonly items: readonly Version[]; readonly count: number } {
    const items: Version[] = [];
    let count = 0;
    this.#ordered.walk(from, to, (entry) => {
      const version = visible(entry, revision);
      if (version) {
        count++;
        if (items.length < limit) items.push(version);
      }
      return true;
    });
    return { items, count };
  }

  /** Whether every condition holds against the newest versions. */
  holds(conditions: readonly Condition[]): boolean {
    for (const { key, modRevision } of conditions) {
      if ((this.current(key)?.modRevision ?? 0) !== modRevision) return false;
    }
    return true;
  }

  /** Applies the operations as one new revision. Returns the changes: none, and no new revision, when nothing was there to delete. */
  apply(operations: readonly Operation[], now: number): readonly Version[] {
    const revision = this.#newest + 1;
    const changes: Version[] = [];
    for (const operation of operations) {
      const { key } = operation;
      const previous = this.#entries.get(key)?.head;
      const live = previous && !previous.deleted ? previous : undefined;
      const place = { key, modRevision: revision, order: changes.length };
      if (operation.type === "put") {
        const seconds = operation.timeToLiveSeconds;
        const expiresAt = seconds === undefined ? 0 : Math.ceil(now + seconds * 1000);
        const createRevision = live?.createRevision ?? revision;
        changes.push(
          new Version({ ...place, value: operation.value, createRevision, version: (live?.version ?? 0) + 1, deleted: false, expiresAt }),
        );
      } else if (live) {
        changes.push(new Version({ ...place, value: nothing, createRevision: 0, version: 0, deleted: true, expiresAt: 0 }));
      }
    }
    for (const change of changes) this.append(change);
    return changes;
  }

  /** Adds a change behind all others. For those who read history back; the order is theirs to keep. */
  append(version: Version): void {
    const entry = this.#entries.get(version.key);
    if (entry) {
      version.previous = entry.head;
      entry.head = version;
      this.#supersededBytes += cost(version.previous);
    } else {
      version.previous = undefined;
      const made = { key: version.key, head: version };
      this.#entries.set(version.key, made);
      this.#ordered.insert(made);
    }
    this.#bytes += cost(version);
    this.#newest = version.modRevision;
    this.#log.push(version);
  }

  /** Takes back every change after `revision`. */
  undo(revision: Revision): void {
    for (let last = this.#log.at(-1); last && last.modRevision > revision && this.#log.length > this.#logStart; last = this.#log.at(-1)) {
      this.#log.pop();
      this.#bytes -= cost(last);
      const entry = this.#entries.get(last.key);
      assert(entry?.head === last, "changes are undone newest first");
      const { previous } = last;
      if (previous && !(previous.deleted && previous.modRevision <= this.#compacted)) {
        entry.head = previous;
        this.#supersededBytes -= cost(previous);
      } else this.#drop(last.key);
    }
    this.#newest = Math.min(this.#newest, revision);
  }

  /** Changes with after < revision <= upTo, in order. */
  changes(after: Revision, upTo: Revision): readonly Version[] {
    return this.#log.slice(this.#firstAfter(after), this.#firstAfter(upTo));
  }

  /** Forgets history up to and including `revision`. Returns what is no longer needed, oldest first. */
  compact(revision: Revision): readonly Version[] {
    const removed: Version[] = [];
    const end = this.#firstAfter(revision);
    for (let at = this.#logStart; at < end; at++) {
      const version = this.#log[at] as Version;
      const { previous } = version;
      if (previous && !previous.deleted) {
        removed.push(previous);
        this.#supersededBytes -= cost(previous);
        this.#count(-1, previous);
      }
      version.previous = undefined;
      if (!version.deleted) this.#count(1, version);
      else {
        removed.push(version);
        if (this.#entries.get(version.key)?.head === version) this.#drop(version.key);
        else this.#supersededBytes -= cost(version);
      }
    }
    this.#logStart = end;
    if (this.#logStart > this.#log.length / 2) {
      this.#log = this.#log.slice(this.#logStart);
      this.#logStart = 0;
    }
    this.#compacted = Math.max(this.#compacted, revision);
    this.#newest = Math.max(this.#newest, this.#compacted);
    for (const version of removed) this.#bytes -= cost(version);
    return removed.sort((left, right) => left.modRevision - right.modRevision || left.order - right.order);
  }

  #count(sign: 1 | -1, version: Version): void {
    this.#baseCount += sign;
    this.#baseSum = sumWith(this.#baseSum, sign * version.checksum);
  }

  #drop(key: string): void {
    this.#entries.delete(key);
    this.#ordered.remove(key);
  }

  /** The place in the log of the first change after `revision`. */
  #firstAfter(revision: Revision): number {
    let low = this.#logStart;
    let high = this.#log.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#log[middle] as Version).modRevision <= revision) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function visible(entry: Entry, revision: Revision): Version | undefined {
  let version: Version | undefined = entry.head;
  while (version && version.modRevision > revision) version = version.previous;
  return version && !version.deleted ? version : undefined;
}

function cost(version: Version): number {
  return version.key.length + version.value.length + versionOverheadBytes;
}
