// Whether what clients saw of a key can be explained by operations that took effect one after the other, each at some moment between its
// call and its answer.
//
// The search is that of Wing and Gong with Lowe's memory: of the operations that may come next, one is put first and the rest is tried; a
// set of operations that was put first before, leaving the key in the same state, is not tried again. Keys are independent of each other,
// so each is judged by itself. An operation whose outcome is not known may have happened or not: the state is then the set of the values
// that are possible. A search that is too long ends as undecided, which nobody may take for passed.
import { shownValue, type Value } from "./observed.ts";

/** What the key must be when the operation takes effect. */
export type Condition = { readonly is: Value } | { readonly isNot: readonly Value[] };

export interface KeyOperation {
  readonly key: string;
  readonly client: string;
  /** When it was called and answered, on one clock. No answer: Infinity. */
  readonly start: number;
  readonly end: number;
  readonly when?: Condition;
  /** What the key is afterwards; absent when it only looks. */
  readonly becomes?: { readonly value: Value };
  /** Nobody knows whether it happened. When it did, then between start and end. */
  readonly maybe?: boolean;
}

export type Verdict =
  | { readonly verdict: "linearizable" }
  | { readonly verdict: "undecided"; readonly key: string; readonly message: string }
  | { readonly verdict: "violation"; readonly key: string; readonly message: string };

export interface LinearizableOptions {
  /** What each key may be at the beginning; `null` (absent) for keys it does not name. */
  readonly initial?: ReadonlyMap<string, readonly Value[]>;
  /** Steps for one key before the search gives up. */
  readonly stepsMax?: number;
}

const defaultStepsMax = 300_000;
const shownOperations = 12;

/** Judges every key; answers with the first that is not linearizable, else with the first that could not be decided. */
export function checkLinearizable(operations: readonly KeyOperation[], options: LinearizableOptions = {}): Verdict {
  const { initial = new Map(), stepsMax = defaultStepsMax } = options;
  let undecided: Verdict | undefined;
  for (const [key, own] of byKey(operations)) {
    const verdict = checkKey(key, own, initial.get(key) ?? [null], stepsMax);
    if (verdict.verdict === "violation") return verdict;
    if (verdict.verdict === "undecided") undecided ??= verdict;
  }
  return undecided ?? { verdict: "linearizable" };
}

function byKey(operations: readonly KeyOperation[]): ReadonlyMap<string, readonly KeyOperation[]> {
  const keys = new Map<string, KeyOperation[]>();
  for (const operation of operations) {
    const own = keys.get(operation.key);
    if (own) own.push(operation);
    else keys.set(operation.key, [operation]);
  }
  return keys;
}

/** A call or an answer in the order of time; a doubly linked list from which operations are lifted and to which they are put back. */
interface Entry {
  readonly operation: KeyOperation;
  readonly number: number;
  /** The entry of the answer; absent on answers. */
  readonly answer: Entry | undefined;
  before: Entry | undefined;
  after: Entry | undefined;
}

interface Chosen {
  readonly call: Entry;
  readonly states: readonly Value[];
}

function checkKey(key: string, operations: readonly KeyOperation[], initial: readonly Value[], stepsMax: number): Verdict {
  const head = entriesOf(operations);
  const seen = new Set<string>();
  const done = new Uint32Array(Math.ceil(operations.length / 32));
  const chosen: Chosen[] = [];
  let states: readonly Value[] = initial;
  let certain = operations.filter(({ maybe }) => !maybe).length;
  let longest: { readonly chosen: readonly Chosen[]; readonly states: readonly Value[]; readonly stuck: KeyOperation } | undefined;
  let entry = head.after;
  for (let steps = 0; certain > 0; steps++) {
    if (steps >= stepsMax)
      return { verdict: "undecided", key, message: `${key}: ${operations.length} operations were not decided in ${stepsMax} steps` };
    if (entry?.answer) {
      const next = step(states, entry.operation);
      if (next.length > 0 && remember(seen, done, entry.number, next)) {
        chosen.push({ call: entry, states });
        states = next;
        mark(done, entry.number, true);
        if (!entry.operation.maybe) certain--;
        lift(entry);
        entry = head.after;
      } else entry = entry.after;
      continue;
    }
    // An answer is reached (or the end): its operation must have taken effect by now, so the last choice was wrong.
    if (entry && (!longest || chosen.length > longest.chosen.length)) longest = { chosen: [...chosen], states, stuck: entry.operation };
    const last = chosen.pop();
    if (!last) return { verdict: "violation", key, message: explain(key, operations, longest) };
    states = last.states;
    mark(done, last.call.number, false);
    if (!last.call.operation.maybe) certain++;
    putBack(last.call);
    entry = last.call.after;
  }
  return { verdict: "linearizable" };
}

/** The states that are possible afterwards; none when the operation cannot take effect. */
function step(states: readonly Value[], { when, becomes, maybe }: KeyOperation): readonly Value[] {
  const fitting = when ? states.filter((state) => ("is" in when ? state === when.is : !when.isNot.includes(state))) : states;
  if (!maybe) return fitting.length === 0 || !becomes ? fitting : [becomes.value];
  if (!becomes || fitting.length === 0 || states.includes(becomes.value)) return states;
  return [...states, becomes.value];
}

/** False when the same operations have led to the same states before. */
function remember(seen: Set<string>, done: Uint32Array, number: number, states: readonly Value[]): boolean {
  mark(done, number, true);
  const shown = `${done.join()}|${states.map(shownValue).sort().join()}`;
  mark(done, number, false);
  if (seen.has(shown)) return false;
  seen.add(shown);
  return true;
}

function mark(done: Uint32Array, number: number, value: boolean): void {
  const bit = 1 << (number & 31);
  const word = done[number >>> 5] as number;
  done[number >>> 5] = value ? word | bit : word & ~bit;
}

/** The empty entry before the first. Of a call and an answer at the same time the call comes first: they may overlap. */
function entriesOf(operations: readonly KeyOperation[]): Entry {
  const entries: { readonly at: number; readonly entry: Entry }[] = [];
  operations.forEach((operation, number) => {
    const answer: Entry = { operation, number, answer: undefined, before: undefined, after: undefined };
    entries.push({ at: operation.start, entry: { operation, number, answer, before: undefined, after: undefined } });
    entries.push({ at: operation.end, entry: answer });
  });
  entries.sort((left, right) => (left.at === right.at ? Number(!left.entry.answer) - Number(!right.entry.answer) : left.at - right.at));
  const head = { operation: operations[0] as KeyOperation, number: -1, answer: undefined, before: undefined, after: undefined } as Entry;
  let last = head;
  for (const { entry } of entries) {
    last.after = entry;
    entry.before = last;
    last = entry;
  }
  return head;
}

function lift(call: Entry): void {
  for (const entry of [call, call.answer as Entry]) {
    (entry.before as Entry).after = entry.after;
    if (entry.after) entry.after.before = entry.before;
  }
}

function putBack(call: Entry): void {
  for (const entry of [call.answer as Entry, call]) {
    (entry.before as Entry).after = entry;
    if (entry.after) entry.after.before = entry;
  }
}

function explain(
  key: string,
  operations: readonly KeyOperation[],
  longest: { readonly chosen: readonly Chosen[]; readonly states: readonly Value[]; readonly stuck: KeyOperation } | undefined,
): string {
  if (!longest) return `${key}: no order explains its ${operations.length} operations`;
  const { chosen, states, stuck } = longest;
  const tail = chosen.slice(-shownOperations).map(({ call }) => shownOperation(call.operation));
  return `${key}: after ${chosen.length} of ${operations.length} operations (the last: ${tail.join("; ")}) the key is ${states.map(shownValue).join(" or ")}, and then ${shownOperation(stuck)} cannot have happened`;
}

function shownOperation({ client, start, end, when, becomes, maybe }: KeyOperation): string {
  const parts = [`${client} ${start.toFixed(2)}..${end.toFixed(2)}`];
  if (when) parts.push("is" in when ? `found ${shownValue(when.is)}` : `found neither ${when.isNot.map(shownValue).join(" nor ")}`);
  if (becomes) parts.push(`${maybe ? "may have written" : "wrote"} ${shownValue(becomes.value)}`);
  return parts.join(" ");
}
