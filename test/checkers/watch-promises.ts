// The promises W1 to W7 of src/store/SPEC.md, judged from what watches delivered.
//
// What happened is the sum of what all watches saw; every watch must have seen its whole part of it.
import type { Change, ObservedBatch, ObservedEvent, ObservedWatch, Revision, Value, Violation } from "./observed.ts";
import { shownValue } from "./observed.ts";

/** What happened, in order, and what the keys were before. */
export interface History {
  /** Everything up to here happened before. */
  readonly after: Revision;
  /** By revision, and within one in the order of the transaction. */
  readonly changes: readonly Change[];
  readonly before: ReadonlyMap<string, string>;
}

const shownViolations = 20;

/** Joins what every watch saw behind `after`. Two that disagree about a revision are a violation (R1: a revision is one change of the store). */
export function joinHistory(
  after: Revision,
  before: ReadonlyMap<string, string>,
  watches: readonly ObservedWatch[],
): { readonly history: History; readonly violations: readonly Violation[] } {
  const violations: Violation[] = [];
  const known = new Map<string, Change>();
  const add = ({ revision, key, value }: Change, by: string) => {
    if (revision <= after) return;
    const place = `${revision} ${key}`;
    const other = known.get(place);
    if (!other) known.set(place, { revision, key, value });
    else if (other.value !== value)
      violations.push({
        rule: "R1",
        message: `${by} saw ${key} become ${shownValue(value)} at revision ${revision}; another saw ${shownValue(other.value)}`,
      });
  };
  // Those that select everything know deletions from keys that stopped being selected, and the order inside of a transaction.
  for (const watch of watches) {
    if (!watch.selects) for (const { events } of watch.batches) for (const event of events) add(event, watch.name);
  }
  for (const watch of watches) {
    if (watch.selects) for (const { events } of watch.batches) for (const event of events) if (event.value !== null) add(event, watch.name);
  }
  const changes = [...known.values()].sort((left, right) => left.revision - right.revision);
  return { history: { after, changes, before }, violations };
}

/** Judges every watch by itself (W1, W2, W3, W6) and against what happened (W4, W5, W7). */
export function checkWatches(history: History, watches: readonly ObservedWatch[]): readonly Violation[] {
  const violations: Violation[] = [];
  for (const watch of watches) {
    violations.push(...checkOrder(watch), ...checkComplete(history, watch));
    if (violations.length >= shownViolations) break;
  }
  return violations;
}

/** W1 ordered, W2 unique, W3 atomic, W6 bookmarkable: what a single watch shows by itself. */
export function checkOrder({ name, from, batches }: ObservedWatch): readonly Violation[] {
  const violations: Violation[] = [];
  const say = (rule: string, message: string) => violations.push({ rule, message: `${name}: ${message}` });
  /** Where an event stood: "revision key" in batch. */
  const seen = new Set<string>();
  let delivered = from - 1;
  let last = from - 1;
  batches.forEach(({ events, revision }, at) => {
    for (const event of events) {
      const place = `${event.revision} ${event.key}`;
      if (seen.has(place)) say("W2", `${shownEvent(event)} came twice`);
      else if (event.revision < from) say("W5", `${shownEvent(event)} came, before the revision ${from} it was asked from`);
      else if (event.revision === delivered && lastEvent(batches, at)?.revision === event.revision)
        say("W3", `revision ${event.revision} was split: ${shownEvent(event)} came in a batch of its own`);
      else if (event.revision <= delivered)
        say("W6", `${shownEvent(event)} came after everything up to ${delivered} was said to be delivered`);
      else if (event.revision < last) say("W1", `${shownEvent(event)} came after revision ${last}`);
      seen.add(place);
      last = Math.max(last, event.revision);
    }
    if (revision < delivered) say("W6", `a batch up to ${revision} came after one up to ${delivered}`);
    if (last > revision) say("W6", `a batch up to ${revision} brought revision ${last}`);
    delivered = Math.max(delivered, revision);
  });
  return violations;
}

function lastEvent(batches: readonly ObservedBatch[], before: number): ObservedEvent | undefined {
  for (let at = before - 1; at >= 0; at--) {
    const event = batches[at]?.events.at(-1);
    if (event) return event;
  }
  return undefined;
}

/** W4 reliable (W5 when the gap is at the beginning), W7 previous, and that nothing is made up. */
export function checkComplete(history: History, watch: ObservedWatch): readonly Violation[] {
  const { name, from, batches } = watch;
  const violations: Violation[] = [];
  const say = (rule: string, message: string) => violations.push({ rule, message: `${name}: ${message}` });
  const upTo = batches.at(-1)?.revision ?? from - 1;
  const got = new Map<string, ObservedEvent>();
  for (const { events } of batches) for (const event of events) got.set(`${event.revision} ${event.key}`, event);
  let first = true;
  for (const expected of expectedEvents(history, watch)) {
    if (expected.revision < from || expected.revision > upTo) continue;
    const place = `${expected.revision} ${expected.key}`;
    const event = got.get(place);
    got.delete(place);
    if (!event) say(first ? "W5" : "W4", `${shownEvent(expected)} is missing between ${from} and ${upTo}`);
    else if (event.value !== expected.value) say("W4", `${shownEvent(event)} came instead of ${shownEvent(expected)}`);
    else if (event.previous !== undefined && event.previous !== expected.previous)
      say("W7", `${shownEvent(event)} says it was ${shownValue(event.previous)} before; it was ${shownValue(expected.previous)}`);
    first = false;
  }
  for (const event of got.values()) {
    if (event.revision > history.after && event.revision >= from) say("W4", `${shownEvent(event)} came, which never happened`);
  }
  return violations;
}

/** What a watch with this selection must be told: keys that come to be selected are new, those that stop are gone. */
function expectedEvents({ before, changes }: History, { selects }: ObservedWatch): readonly (ObservedEvent & { previous: Value })[] {
  const state = new Map(before);
  const expected: (ObservedEvent & { previous: Value })[] = [];
  const seen = (key: string, value: Value): Value => (value !== null && (!selects || selects(key, value)) ? value : null);
  for (const { revision, key, value } of changes) {
    const previous = seen(key, state.get(key) ?? null);
    const current = seen(key, value);
    if (value === null) state.delete(key);
    else state.set(key, value);
    if (previous !== null || current !== null) expected.push({ revision, key, value: current, previous });
  }
  return expected;
}

function shownEvent({ revision, key, value }: Change): string {
  return `${key} = ${shownValue(value)} at revision ${revision}`;
}
