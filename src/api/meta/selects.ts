// Whether a label selector selects an object with these labels.
import type { LabelSelector, LabelSelectorRequirement } from "./label-selector.ts";

export type Labels = Readonly<Record<string, string>>;

/** No selector selects nothing; an empty one selects everything. A requirement that is not understood selects nothing. */
export function selects(selector: LabelSelector | undefined, labels: Labels | undefined): boolean {
  if (selector === undefined) return false;
  const present = labels ?? {};
  return (
    Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labelOf(present, key) === value) &&
    (selector.matchExpressions ?? []).every((requirement) => meets(present, requirement))
  );
}

function meets(labels: Labels, { key, operator, values = [] }: LabelSelectorRequirement): boolean {
  const value = labelOf(labels, key);
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    default:
      return false;
  }
}

/** A label's value; keys are the user's, so that inherited properties must not count. */
export function labelOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
