// Conditions, of whatever kind: a list with one entry a type, whose transition time moves with the status and with nothing else.
import type { Time } from "#schema/field.ts";

export type ConditionStatus = "True" | "False" | "Unknown";

interface ConditionShape {
  readonly type: string;
  readonly status: string;
  readonly lastTransitionTime?: Time | undefined;
}

export function conditionOf<C extends ConditionShape>(conditions: readonly C[] | undefined, type: string): C | undefined {
  return conditions?.find((condition) => condition.type === type);
}

/** Whether the condition is there and "True". */
export function isTrue(conditions: readonly ConditionShape[] | undefined, type: string): boolean {
  return conditionOf(conditions, type)?.status === "True";
}

/**
 * The list with `condition` in the place of the one of its type, or at the end.
 * lastTransitionTime becomes `now` when the status changed and is kept when it did not. The same list comes back when nothing changed.
 */
export function withCondition<C extends ConditionShape>(
  conditions: readonly C[] | undefined,
  condition: Omit<C, "lastTransitionTime">,
  now: Time,
): readonly C[] {
  const before = conditions ?? [];
  const index = before.findIndex(({ type }) => type === condition.type);
  const old = before[index];
  const lastTransitionTime = old !== undefined && old.status === condition.status ? old.lastTransitionTime : now;
  const fresh = { ...condition, ...(lastTransitionTime !== undefined && { lastTransitionTime }) } as unknown as C;
  if (old === undefined) return [...before, fresh];
  return isSame(old, fresh) ? before : before.with(index, fresh);
}

/** The list without the condition of this type; the same list when it was not there. */
export function withoutCondition<C extends ConditionShape>(conditions: readonly C[] | undefined, type: string): readonly C[] {
  const before = conditions ?? [];
  return conditionOf(before, type) === undefined ? before : before.filter((condition) => condition.type !== type);
}

/** Conditions hold scalars only, and absent is the same as undefined. */
function isSame(a: object, b: object): boolean {
  const left: Readonly<Record<string, unknown>> = { ...a };
  const right: Readonly<Record<string, unknown>> = { ...b };
  return [...Object.keys(left), ...Object.keys(right)].every((key) => left[key] === right[key]);
}
