// Keys and bytes with revisions: the memory of the cluster. It does not know what a Pod is.
//
// One counter, the revision, grows by one with every successful transaction that changes anything. Every promise below is named in SPEC.md.

/** A whole number from 1 up; safe as a JavaScript number (2^53 writes). */
export type Revision = number;

export interface KeyValue {
  readonly key: string;
  readonly value: Uint8Array;
  /** The revision that made the key. */
  readonly createRevision: Revision;
  /** The revision of the last change. */
  readonly modRevision: Revision;
  /** 1 when made, one more with each change. */
  readonly version: number;
}

export interface RangeOptions {
  /** As of this revision; the newest when absent. Rejects with Compacted or FutureRevision. */
  readonly revision?: Revision;
  readonly limit?: number;
}

export interface RangeResult {
  /** In byte order of the keys' UTF-8. */
  readonly items: readonly KeyValue[];
  /** The store's revision the answer is true at. */
  readonly revision: Revision;
  /** Whether keys follow behind `limit`. */
  readonly more: boolean;
  /** Keys in the whole range. */
  readonly count: number;
}

/** What must hold for a transaction to happen. 0 as modRevision: the key must not exist. */
export interface Condition {
  readonly key: string;
  readonly modRevision: Revision;
}

export type Operation =
  /** The store keeps `value` itself: it must not be changed afterwards. After `timeToLiveSeconds` the store deletes the key by itself, unless it was written again. */
  | { readonly type: "put"; readonly key: string; readonly value: Uint8Array; readonly timeToLiveSeconds?: number }
  | { readonly type: "delete"; readonly key: string };

/** Each key may be written once. Keys are well-formed text (no lone surrogates), at least one character and at most 4096 long. */
export interface Transaction {
  readonly conditions: readonly Condition[];
  readonly operations: readonly Operation[];
}

export type TransactionResult =
  | { readonly succeeded: true; readonly revision: Revision }
  /** `current` holds, for each condition, the key as it is (undefined: absent), so that the caller can try again without another read. */
  | { readonly succeeded: false; readonly revision: Revision; readonly current: readonly (KeyValue | undefined)[] };

export type StoreEvent =
  | { readonly type: "put"; readonly current: KeyValue; readonly previous?: KeyValue }
  /** `current` is not there; `revision` is that of the deletion. */
  | { readonly type: "delete"; readonly key: string; readonly revision: Revision; readonly previous?: KeyValue };

/**
 * All events of one or more whole revisions, in order; or, with no events, the promise that nothing up to `revision` is missing.
 * Every watcher gets one after every durable change, so its `revision` never lags behind the store's for longer than a turn.
 */
export interface WatchBatch {
  readonly events: readonly StoreEvent[];
  /** Everything up to and including this revision has been delivered. */
  readonly revision: Revision;
}

export interface WatchOptions {
  /** Keys starting with this. */
  readonly prefix: string;
  /** The first revision to deliver. Absent: the one after now. In the future: nothing is delivered until then. */
  readonly from?: Revision;
  /** Events carry `previous`. */
  readonly previous?: boolean;
}

export interface StoreWatch {
  stop(): void;
}

export interface Watcher {
  /** Called in order, never again after `stop` or `ended`. Must not throw. */
  batch(batch: WatchBatch): void;
  /** The watch is over: Compacted, or the backend was lost. Not called after `stop`. */
  ended(error: Error): void;
}

export interface Store {
  /** One key, newest. */
  get(key: string): Promise<{ readonly item: KeyValue | undefined; readonly revision: Revision }>;
  /** Keys with from <= key < to, in the byte order of UTF-8. An empty `to` stands behind every key. */
  range(from: string, to: string, options?: RangeOptions): Promise<RangeResult>;
  /** Resolves once the change would survive a crash of the process and of the machine. Rejects with StoreUnavailable when it cannot be made durable, and with TransactionTooLarge. */
  transact(transaction: Transaction): Promise<TransactionResult>;
  /** Delivers durable changes only. */
  watch(options: WatchOptions, watcher: Watcher): StoreWatch;
  /** The newest durable revision. */
  revision(): Promise<Revision>;
  /** Forgets history up to and including `revision`; the state at it stays readable. */
  compact(revision: Revision): Promise<void>;
  /** Bytes in use: on disk, or in memory where there is no disk. */
  size(): Promise<number>;
  /** For /readyz and /metrics: rejects with the reason when the store cannot take writes. */
  healthy(): Promise<void>;
}

export class Compacted extends Error {
  override readonly name = "Compacted";
  readonly compacted: Revision;
  constructor(requested: Revision, compacted: Revision) {
    super(`revision ${requested} has been compacted; history starts after ${compacted}`);
    this.compacted = compacted;
  }
}

export class FutureRevision extends Error {
  override readonly name = "FutureRevision";
  readonly current: Revision;
  constructor(requested: Revision, current: Revision) {
    super(`revision ${requested} is in the future; the store is at ${current}`);
    this.current = current;
  }
}

/** A transaction larger than the store takes. */
export class TransactionTooLarge extends Error {
  override readonly name = "TransactionTooLarge";
}

export class StoreUnavailable extends Error {
  override readonly name = "StoreUnavailable";
}

/** The smallest key greater than every key that starts with `prefix`, in byte order; empty (no end) when there is none. */
export function prefixEnd(prefix: string): string {
  const characters = [...prefix];
  for (let last = characters.pop(); last !== undefined; last = characters.pop()) {
    const code = last.codePointAt(0) as number;
    if (code < 0x10ffff) return characters.join("") + String.fromCodePoint(code === 0xd7ff ? 0xe000 : code + 1);
  }
  return "";
}
