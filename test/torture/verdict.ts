// What the checkers say of one round.
import { checkLinearizable, type KeyOperation } from "../checkers/linearizable.ts";
import type { ObservedList, ObservedWatch, Violation } from "../checkers/observed.ts";
import { checkAcknowledged, checkRebuilt, checkRevisions, checkWatcherState } from "../checkers/state-promises.ts";
import { checkWatches, joinHistory } from "../checkers/watch-promises.ts";
import type { Record } from "./writer.ts";

export interface Round {
  readonly before: ObservedList;
  /** Made when all writers had ended. */
  readonly after: ObservedList;
  /** When that list was asked for, and when it came. */
  readonly afterTimes: { readonly start: number; readonly end: number };
  readonly record: Record;
  /** The server that answered them is gone: what has an unknown outcome has happened by now, or never will. */
  readonly restarted: number;
  readonly watches: readonly ObservedWatch[];
  /** What each watcher believes to be there. */
  readonly states: readonly {
    readonly name: string;
    readonly state: ReadonlyMap<string, string>;
    readonly selects: (key: string, value: string) => boolean;
  }[];
  readonly problems: readonly string[];
}

export function judge(round: Round): readonly Violation[] {
  const { before, after, record, watches, states } = round;
  const known = new Map([...before.items].map(([key, { value }]) => [key, value]));
  const { history, violations } = joinHistory(before.revision, known, watches);
  const rules = (rule: string, messages: readonly string[]) => messages.map((message) => ({ rule, message }));
  return [
    ...violations,
    ...rules("W5", round.problems),
    ...rules("API", record.odd),
    ...checkWatches(history, watches),
    ...checkAcknowledged(history, record.acknowledged, after.revision),
    ...checkRevisions([...record.revisions, { by: "the list at the end", ...round.afterTimes, revision: after.revision, made: false }]),
    ...checkRebuilt(history, after),
    ...states.flatMap(({ name, state, selects }) => checkWatcherState(name, state, after, selects)),
    ...linearizability(round, known),
  ];
}

function linearizability({ record, restarted, after, afterTimes }: Round, before: ReadonlyMap<string, string>): readonly Violation[] {
  const keys = new Set([...before.keys(), ...after.items.keys(), ...record.operations.map(({ key }) => key)]);
  const lists = [...record.lists, { client: "the list at the end", ...afterTimes, list: after }];
  const reads: KeyOperation[] = [];
  for (const { client, start, end, list } of lists) {
    for (const key of keys) reads.push({ key, client, start, end, when: { is: list.items.get(key)?.value ?? null } });
  }
  const initial = new Map([...before].map(([key, value]) => [key, [value]]));
  const operations = record.operations.map((operation) =>
    operation.maybe ? { ...operation, end: Math.max(restarted, operation.end) } : operation,
  );
  const verdict = checkLinearizable([...operations, ...reads], { initial });
  if (verdict.verdict === "linearizable") return [];
  return [{ rule: verdict.verdict === "undecided" ? "undecided" : "linearizable", message: verdict.message }];
}
