// The rules of PodDisruptionBudgets.
import { invalid } from "#schema/derive/field-error.ts";
import type { FieldError } from "#schema/kind.ts";
import { countOrPercentErrors, overAllErrors, selectorErrors } from "#api/meta/rules.ts";
import type { PodDisruptionBudget } from "./pod-disruption-budget.ts";

export function podDisruptionBudgetErrors(
  { spec }: PodDisruptionBudget,
  { subresource }: { readonly subresource: string },
): readonly FieldError[] {
  if (subresource !== "") return [];
  const { minAvailable, maxUnavailable, selector } = spec;
  const errors: FieldError[] = [];
  if (minAvailable !== undefined && maxUnavailable !== undefined) {
    errors.push(invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set"));
  }
  for (const [name, count] of Object.entries({ minAvailable, maxUnavailable })) {
    errors.push(...countOrPercentErrors(count, `spec.${name}`), ...overAllErrors(count, `spec.${name}`));
  }
  return selector === undefined ? errors : [...errors, ...selectorErrors(selector, "spec.selector")];
}
