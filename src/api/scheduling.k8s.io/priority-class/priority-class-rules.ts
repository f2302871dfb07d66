// The rules of PriorityClasses: the highest priorities are the system's own.
import { forbidden } from "#schema/derive/field-error.ts";
import type { FieldError } from "#schema/kind.ts";
import type { PriorityClass } from "./priority-class.ts";

/** The highest priority that users may give. */
export const userPriorityMax = 1_000_000_000;

/** The classes that every cluster has. */
export const systemPriorities: Readonly<Record<string, number>> = {
  "system-cluster-critical": 2 * userPriorityMax,
  "system-node-critical": 2 * userPriorityMax + 1000,
};

export function priorityClassErrors(
  { metadata, value, globalDefault }: PriorityClass,
  { old }: { readonly old?: PriorityClass },
): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (metadata.name?.startsWith("system-")) {
    const known = Object.hasOwn(systemPriorities, metadata.name) && systemPriorities[metadata.name] === value && !globalDefault;
    if (!known) errors.push(forbidden("metadata.name", "priority class names with 'system-' prefix are reserved for system use only"));
  } else if (value > userPriorityMax) {
    errors.push(forbidden("value", `maximum allowed value of a user defined priority is ${userPriorityMax}`));
  }
  if (old !== undefined && old.value !== value) errors.push(forbidden("value", "may not be changed in an update."));
  return errors;
}
