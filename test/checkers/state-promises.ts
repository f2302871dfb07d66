// Promises about what is there: nothing acknowledged is lost (D1), the revision never goes back (R4), the store is what its history
// makes of it, and every watcher ends with what a fresh list shows.
import type { AcknowledgedWrite, ObservedList, Revision, Violation } from "./observed.ts";
import { shownValue } from "./observed.ts";
import type { History } from "./watch-promises.ts";

/** An answer that told a revision: a write's own, or the store's at the time of a list. */
export interface RevisionSeen {
  readonly by: string;
  readonly start: number;
  readonly end: number;
  readonly revision: Revision;
  /** Whether the operation made this revision. */
  readonly made: boolean;
}

/** R4: whoever asks after another was answered hears of a revision that is not older; who writes makes a newer one. */
export function checkRevisions(answers: readonly RevisionSeen[]): readonly Violation[] {
  const violations: Violation[] = [];
  const byStart = [...answers].sort((left, right) => left.start - right.start);
  const byEnd = [...answers].sort((left, right) => left.end - right.end);
  const made = new Map<Revision, RevisionSeen>();
  let ended = 0;
  let newest: RevisionSeen | undefined;
  for (const answer of byStart) {
    for (let other = byEnd[ended]; other && other.end < answer.start; other = byEnd[++ended]) {
      if (!newest || other.revision > newest.revision) newest = other;
    }
    if (newest && (answer.revision < newest.revision || (answer.made && answer.revision === newest.revision)))
      violations.push({
        rule: "R4",
        message: `${answer.by} was told of revision ${answer.revision} after ${newest.by} was told of ${newest.revision}`,
      });
    if (!answer.made) continue;
    const other = made.get(answer.revision);
    if (other) violations.push({ rule: "R1", message: `${answer.by} and ${other.by} both made revision ${answer.revision}` });
    made.set(answer.revision, answer);
  }
  return violations;
}

/** D1: every acknowledged write is in the history, at the revision and with the value that its writer was told. */
export function checkAcknowledged(
  { after, changes }: History,
  acknowledged: readonly AcknowledgedWrite[],
  newest: Revision,
): readonly Violation[] {
  const violations: Violation[] = [];
  const known = new Map(changes.map((change) => [`${change.revision} ${change.key}`, change]));
  for (const { client, revision, key, value } of acknowledged) {
    const what = `${client} was told that ${key} became ${shownValue(value)} at revision ${revision}`;
    const change = known.get(`${revision} ${key}`);
    if (revision > newest) violations.push({ rule: "D1", message: `${what}; the store is at ${newest}` });
    else if (revision > after && !change) violations.push({ rule: "D1", message: `${what}; history knows nothing of it` });
    else if (change && change.value !== value)
      violations.push({ rule: "D1", message: `${what}; history says ${shownValue(change.value)}` });
  }
  return violations;
}

/** What history makes of the keys, up to the list's revision, is what the list shows. */
export function checkRebuilt({ before, changes }: History, list: ObservedList): readonly Violation[] {
  const rebuilt = new Map(before);
  const modified = new Map<string, Revision>();
  for (const { key, value, revision } of changes) {
    if (revision > list.revision) continue;
    if (value === null) rebuilt.delete(key);
    else rebuilt.set(key, value);
    modified.set(key, revision);
  }
  const violations = [...differences("D1", "history", rebuilt, list)];
  for (const [key, { revision }] of list.items) {
    const expected = modified.get(key);
    if (expected !== undefined && expected !== revision)
      violations.push({
        rule: "R3",
        message: `${key} was changed last at revision ${expected}; the list at ${list.revision} says ${revision}`,
      });
  }
  return violations;
}

/** A watcher that has heard everything up to the list's revision holds what the list shows. */
export function checkWatcherState(
  name: string,
  state: ReadonlyMap<string, string>,
  list: ObservedList,
  selects: (key: string, value: string) => boolean = () => true,
): readonly Violation[] {
  const items = new Map([...list.items].filter(([key, { value }]) => selects(key, value)));
  return differences("W4", name, state, { revision: list.revision, items });
}

function differences(
  rule: string,
  name: string,
  state: ReadonlyMap<string, string>,
  { revision, items }: ObservedList,
): readonly Violation[] {
  const violations: Violation[] = [];
  for (const key of new Set([...state.keys(), ...items.keys()])) {
    const [left, right] = [state.get(key) ?? null, items.get(key)?.value ?? null];
    if (left !== right)
      violations.push({
        rule,
        message: `${name} has ${key} as ${shownValue(left)}; the list at revision ${revision} shows ${shownValue(right)}`,
      });
  }
  return violations;
}
