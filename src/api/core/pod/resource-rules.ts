// The rules of what a container may ask for.
import { invalid, required } from "#schema/derive/field-error.ts";
import { qualifiedNameProblems } from "#schema/derive/formats.ts";
import type { FieldError } from "#schema/kind.ts";
import { compareQuantities, isQuantity, quantityToMilli } from "#schema/quantity.ts";
import type { ResourceRequirements } from "./container.ts";

/** Errors of limits and requests, and of requests above limits. */
export function resourceErrors({ limits = {}, requests = {} }: ResourceRequirements, path: string): readonly FieldError[] {
  const errors = [...listErrors(limits, `${path}.limits`), ...listErrors(requests, `${path}.requests`)];
  for (const [name, amount] of Object.entries(requests)) {
    const limit = Object.hasOwn(limits, name) ? limits[name] : undefined;
    if (limit === undefined) {
      if (!mayExceed(name)) errors.push(required(`${path}.limits`, "Limit must be set for non overcommitable resources"));
    } else if (!isQuantity(amount) || !isQuantity(limit)) {
      continue;
    } else if (!mayExceed(name) && compareQuantities(amount, limit) !== 0) {
      errors.push(invalid(`${path}.requests`, amount, `must be equal to ${name} limit of ${limit}`));
    } else if (compareQuantities(amount, limit) > 0) {
      errors.push(invalid(`${path}.requests`, amount, `must be less than or equal to ${name} limit of ${limit}`));
    }
  }
  return errors;
}

function listErrors(list: Readonly<Record<string, string>>, path: string): readonly FieldError[] {
  return Object.entries(list).flatMap(([name, amount]) => {
    const at = `${path}[${name}]`;
    return [...nameErrors(name, at), ...amountErrors(name, amount, at)];
  });
}

function nameErrors(name: string, path: string): readonly FieldError[] {
  const problems = qualifiedNameProblems(name);
  if (problems.length > 0) return problems.map((problem) => invalid(path, name, problem));
  if (name.includes("/") || isStandard(name)) return [];
  return [invalid(path, name, "must be a standard resource for containers")];
}

function amountErrors(name: string, amount: string, path: string): readonly FieldError[] {
  if (compareQuantities(amount, "0") < 0) return [invalid(path, amount, "must be greater than or equal to 0")];
  return !mayExceed(name) && quantityToMilli(amount) % 1000 !== 0 ? [invalid(path, amount, "must be an integer")] : [];
}

function isStandard(name: string): boolean {
  return name === "cpu" || name === "memory" || name === "ephemeral-storage" || name.startsWith("hugepages-");
}

/** What comes in whole pieces, or is set aside in full, cannot be promised twice. */
function mayExceed(name: string): boolean {
  return isNative(name) && !name.startsWith("hugepages-");
}

function isNative(name: string): boolean {
  return !name.includes("/") || name.split("/")[0]?.endsWith("kubernetes.io") === true;
}
