// What was seen from outside, in words that fit a store, an API server and a simulation alike. Checkers judge it and know nothing else.
//
// Values are identities: whoever writes makes each value differ from every other, so that who sees a value knows which write it was.

/** null: the key is not there. */
export type Value = string | null;

export type Revision = number;

/** A promise that was broken; `rule` is its id in src/store/SPEC.md. */
export interface Violation {
  readonly rule: string;
  readonly message: string;
}

/** What a revision did to a key. */
export interface Change {
  readonly revision: Revision;
  readonly key: string;
  readonly value: Value;
}

export interface ObservedEvent extends Change {
  /** What the event says the key was before; absent when it says nothing. */
  readonly previous?: Value;
}

/** With no events: a bookmark. */
export interface ObservedBatch {
  readonly events: readonly ObservedEvent[];
  /** Everything up to and including this revision is said to have been delivered. */
  readonly revision: Revision;
}

/** One watch from its opening to its end. */
export interface ObservedWatch {
  readonly name: string;
  /** The first revision that was asked for. */
  readonly from: Revision;
  readonly batches: readonly ObservedBatch[];
  /** What it selects; everything when absent. A key that stops being selected is seen as deleted. */
  readonly selects?: (key: string, value: string) => boolean;
}

/** All keys, as a list showed them. */
export interface ObservedList {
  readonly revision: Revision;
  readonly items: ReadonlyMap<string, ListedItem>;
}

export interface ListedItem {
  readonly value: string;
  readonly revision: Revision;
}

/** A write whose success was told to its writer. */
export interface AcknowledgedWrite extends Change {
  readonly client: string;
}

export function shownValue(value: Value | undefined): string {
  return value === undefined ? "unknown" : value === null ? "absent" : `"${value}"`;
}
