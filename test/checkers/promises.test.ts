// Every checker is shown what it must pass and, for each way of being wrong, what it must not.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#platform/simulated/random.ts";
import type { Change, ObservedBatch, ObservedEvent, ObservedList, ObservedWatch, Violation } from "./observed.ts";
import { checkAcknowledged, checkRebuilt, checkRevisions, checkWatcherState } from "./state-promises.ts";
import { checkWatches, type History, joinHistory } from "./watch-promises.ts";

const before = new Map([["a", "a0"]]);
const changes: readonly Change[] = [
  { revision: 11, key: "b", value: "b1" },
  { revision: 12, key: "a", value: "a1" },
  { revision: 12, key: "c", value: "c1" },
  { revision: 13, key: "b", value: null },
  { revision: 14, key: "a", value: "a2" },
  { revision: 15, key: "d", value: "d1" },
  { revision: 16, key: "c", value: "c2" },
];
const history: History = { after: 10, changes, before };

/** What a perfect watch delivers: a batch for each revision, and a bookmark at the end. */
function perfect(from = 11): ObservedWatch {
  const state = new Map<string, string | null>(before);
  const batches = new Map<number, ObservedEvent[]>();
  for (const change of changes) {
    const previous = state.get(change.key) ?? null;
    state.set(change.key, change.value);
    if (change.revision >= from) batches.set(change.revision, [...(batches.get(change.revision) ?? []), { ...change, previous }]);
  }
  const all: ObservedBatch[] = [...batches].map(([revision, events]) => ({ revision, events }));
  return { name: "w", from, batches: [...all, { revision: 17, events: [] }] };
}

type Mutation = (batches: ObservedBatch[]) => void;
const rulesOf = (violations: readonly Violation[]) => [...new Set(violations.map(({ rule }) => rule))];
function judged(mutate: Mutation, from = 11): readonly string[] {
  const batches = perfect(from).batches.map(({ revision, events }) => ({ revision, events: [...events] }));
  mutate(batches);
  return rulesOf(checkWatches(history, [{ name: "w", from, batches }]));
}
const batch = (batches: readonly ObservedBatch[], at: number) => batches[at] as { revision: number; events: ObservedEvent[] };

test("a perfect watch breaks nothing, from wherever it starts", () => {
  for (let from = 11; from <= 17; from++)
    assert.deepEqual(
      judged(() => {}, from),
      [],
    );
});

const mutations: Readonly<Record<string, { readonly rule: string; readonly mutate: Mutation; readonly from?: number }>> = {
  "events out of order inside of a batch": {
    rule: "W1",
    mutate: (batches) => batches.splice(0, 2, { revision: 12, events: [...batch(batches, 1).events, ...batch(batches, 0).events] }),
  },
  "a repeated event": { rule: "W2", mutate: (batches) => batches.splice(4, 0, batch(batches, 3)) },
  "an event repeated in its batch": {
    rule: "W2",
    mutate: (batches) => batch(batches, 2).events.push(batch(batches, 2).events[0] as ObservedEvent),
  },
  "a split revision": {
    rule: "W3",
    mutate: (batches) => {
      const [first, second] = batch(batches, 1).events as [ObservedEvent, ObservedEvent];
      batches.splice(1, 1, { revision: 12, events: [first] }, { revision: 12, events: [second] });
    },
  },
  "half a revision": { rule: "W4", mutate: (batches) => void batch(batches, 1).events.pop() },
  "a lost event": { rule: "W4", mutate: (batches) => void batches.splice(3, 1) },
  "a gap after the resume": { rule: "W5", mutate: (batches) => void batches.splice(0, 1), from: 13 },
  "an event from before the resume": {
    rule: "W5",
    mutate: (batches) => void batches.unshift({ revision: 13, events: [{ revision: 12, key: "a", value: "a1" }] }),
    from: 14,
  },
  "a bookmark that is too early": { rule: "W6", mutate: (batches) => batches.splice(3, 0, { revision: 15, events: [] }) },
  "a bookmark that goes back": { rule: "W6", mutate: (batches) => batches.splice(3, 0, { revision: 11, events: [] }) },
  "an event beyond its batch's revision": { rule: "W6", mutate: (batches) => (batch(batches, 3).revision = 13) },
  "another value": { rule: "W4", mutate: (batches) => (batch(batches, 3).events[0] = { revision: 14, key: "a", value: "a1" }) },
  "an event that never happened": {
    rule: "W4",
    mutate: (batches) => batch(batches, 3).events.push({ revision: 14, key: "z", value: "z1" }),
  },
  "a wrong previous value": {
    rule: "W7",
    mutate: (batches) => (batch(batches, 3).events[0] = { revision: 14, key: "a", value: "a2", previous: "a0" }),
  },
  "new, though it was there": {
    rule: "W7",
    mutate: (batches) => (batch(batches, 3).events[0] = { revision: 14, key: "a", value: "a2", previous: null }),
  },
};
for (const [name, { rule, mutate, from }] of Object.entries(mutations)) {
  test(`watches: ${name} breaks ${rule}`, () => assert.ok(judged(mutate, from).includes(rule), judged(mutate, from).join()));
}

test("what stops being selected is seen as deleted, and what comes to be as new", () => {
  const selects = (_key: string, value: string) => value.endsWith("1");
  const events: ObservedEvent[] = [
    { revision: 11, key: "b", value: "b1", previous: null },
    { revision: 12, key: "a", value: "a1", previous: null },
    { revision: 12, key: "c", value: "c1" },
    { revision: 13, key: "b", value: null, previous: "b1" },
    { revision: 14, key: "a", value: null },
    { revision: 15, key: "d", value: "d1" },
    { revision: 16, key: "c", value: null },
  ];
  const watch = (own: readonly ObservedEvent[]): ObservedWatch => ({
    name: "s",
    from: 11,
    selects,
    batches: [{ revision: 16, events: own }],
  });
  assert.deepEqual(checkWatches(history, [watch(events)]), []);
  assert.deepEqual(rulesOf(checkWatches(history, [watch(events.filter(({ revision }) => revision !== 14))])), ["W4"]);
  const kept = events.map((event) => (event.revision === 14 ? { ...event, value: "a2" } : event));
  assert.deepEqual(rulesOf(checkWatches(history, [watch(kept)])), ["W4"]);
});

test("histories are joined from all watches, and two that disagree are found", () => {
  const late = perfect(14);
  const early = { ...perfect(), batches: perfect().batches.slice(0, 2) };
  const middle = { ...perfect(13), batches: perfect(13).batches.slice(0, 1) };
  const joined = joinHistory(10, before, [late, early, middle]);
  assert.deepEqual(joined, { history, violations: [] });
  const other = { ...perfect(), batches: [{ revision: 11, events: [{ revision: 11, key: "b", value: "other" }] }] };
  assert.deepEqual(rulesOf(joinHistory(10, before, [perfect(), other]).violations), ["R1"]);
});

const list: ObservedList = {
  revision: 16,
  items: new Map([
    ["a", { value: "a2", revision: 14 }],
    ["c", { value: "c2", revision: 16 }],
    ["d", { value: "d1", revision: 15 }],
  ]),
};
const without = (key: string): ObservedList => ({ ...list, items: new Map([...list.items].filter(([name]) => name !== key)) });

test("a store that is not what history makes of it is found", () => {
  assert.deepEqual(checkRebuilt(history, list), []);
  assert.deepEqual(rulesOf(checkRebuilt(history, without("d"))), ["D1"]);
  assert.deepEqual(rulesOf(checkRebuilt({ ...history, changes: changes.slice(0, 5) }, list)), ["D1", "R3"]);
  const older = { ...list, items: new Map([...list.items, ["a", { value: "a2", revision: 12 }]]) };
  assert.deepEqual(rulesOf(checkRebuilt(history, older)), ["R3"]);
  assert.deepEqual(
    checkRebuilt(history, {
      revision: 11,
      items: new Map([
        ["a", { value: "a0", revision: 3 }],
        ["b", { value: "b1", revision: 11 }],
      ]),
    }),
    [],
  );
});

test("a watcher that does not end with the list is found", () => {
  const state = new Map([
    ["a", "a2"],
    ["c", "c2"],
    ["d", "d1"],
  ]);
  assert.deepEqual(checkWatcherState("w", state, list), []);
  assert.deepEqual(rulesOf(checkWatcherState("w", state, without("c"))), ["W4"]);
  assert.deepEqual(rulesOf(checkWatcherState("w", new Map(), list)), ["W4"]);
  assert.deepEqual(
    checkWatcherState("w", new Map([["d", "d1"]]), list, (key) => key === "d"),
    [],
  );
});

test("a lost acknowledged write is found", () => {
  const acknowledged = (revision: number, key: string, value: string) => [{ client: "c", revision, key, value }];
  assert.deepEqual(checkAcknowledged(history, acknowledged(14, "a", "a2"), 16), []);
  assert.deepEqual(checkAcknowledged(history, acknowledged(9, "a", "old"), 16), []);
  assert.deepEqual(rulesOf(checkAcknowledged(history, acknowledged(14, "b", "b9"), 16)), ["D1"]);
  assert.deepEqual(rulesOf(checkAcknowledged(history, acknowledged(14, "a", "a9"), 16)), ["D1"]);
  assert.deepEqual(rulesOf(checkAcknowledged(history, acknowledged(19, "a", "a9"), 16)), ["D1"]);
});

test("a revision that goes back or is given twice is found", () => {
  const seen = (start: number, end: number, revision: number, made = false) => ({ by: "c", start, end, revision, made });
  assert.deepEqual(checkRevisions([seen(0, 1, 5, true), seen(2, 3, 5), seen(4, 5, 6, true), seen(4, 9, 5)]), []);
  assert.deepEqual(rulesOf(checkRevisions([seen(0, 1, 5, true), seen(2, 3, 4)])), ["R4"]);
  assert.deepEqual(rulesOf(checkRevisions([seen(0, 1, 5), seen(2, 3, 5, true)])), ["R4"]);
  assert.deepEqual(rulesOf(checkRevisions([seen(0, 4, 5, true), seen(1, 3, 5, true)])), ["R1"]);
});

test("of many random histories, every one with a lost event is found", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = new SeededRandom(seed);
    const all: ObservedBatch[] = Array.from({ length: 30 }, (_, at) => ({
      revision: at + 11,
      events: [{ revision: at + 11, key: `k${random.integer(5)}`, value: random.integer(9) === 0 ? null : `v${at}` }],
    }));
    // A deletion of what is not there is no event.
    const there = new Set<string>();
    const batches = all.filter(({ events: [event] }) => {
      const { key, value } = event as ObservedEvent;
      return value === null ? there.delete(key) : there.add(key);
    });
    const whole: ObservedWatch = { name: "whole", from: 11, batches };
    const { history: joined } = joinHistory(10, new Map(), [whole]);
    assert.deepEqual(checkWatches(joined, [whole]), []);
    const lost = random.integer(batches.length - 1);
    const broken = { ...whole, name: "broken", batches: batches.filter((_, at) => at !== lost) };
    assert.notDeepEqual(checkWatches(joined, [whole, broken]), [], `seed ${seed}`);
  }
});
