// Rules that fields of many kinds share, in upstream's words.
import { invalid, required, forbidden } from "#schema/derive/field-error.ts";
import { labelValueProblems, portNameProblems, qualifiedNameProblems } from "#schema/derive/formats.ts";
import type { FieldError } from "#schema/kind.ts";
import type { LabelSelector } from "./label-selector.ts";

/** A label selector, wherever it stands. */
export function selectorErrors({ matchLabels, matchExpressions = [] }: LabelSelector, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(matchLabels ?? {})) {
    for (const problem of qualifiedNameProblems(key)) errors.push(invalid(`${path}.matchLabels`, key, problem));
    for (const problem of labelValueProblems(value)) errors.push(invalid(`${path}.matchLabels`, value, problem));
  }
  for (const [index, { key, operator, values = [] }] of matchExpressions.entries()) {
    const at = `${path}.matchExpressions[${index}]`;
    if (operator === "In" || operator === "NotIn") {
      if (values.length === 0) errors.push(required(`${at}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
    } else if (operator === "Exists" || operator === "DoesNotExist") {
      if (values.length > 0) errors.push(forbidden(`${at}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
    } else {
      errors.push(invalid(`${at}.operator`, operator, "not a valid selector operator"));
    }
    for (const problem of qualifiedNameProblems(key)) errors.push(invalid(`${at}.key`, key, problem));
    for (const [position, value] of values.entries()) {
      for (const problem of labelValueProblems(value)) errors.push(invalid(`${at}.values[${position}]`, value, problem));
    }
  }
  return errors;
}

export function isEmptySelector({ matchLabels, matchExpressions }: LabelSelector): boolean {
  return Object.keys(matchLabels ?? {}).length === 0 && (matchExpressions ?? []).length === 0;
}

export function rangeErrors(value: number | bigint | undefined, path: string, min: number, max: number): readonly FieldError[] {
  if (value === undefined || (value >= min && value <= max)) return [];
  return [invalid(path, value, `must be between ${min} and ${max}, inclusive`)];
}

export function portErrors(port: number, path: string): readonly FieldError[] {
  return rangeErrors(port, path, 1, 65_535);
}

/** A port by its number, or by the name that a container gives it. */
export function portOrNameErrors(port: number | string, path: string): readonly FieldError[] {
  if (typeof port === "number") return portErrors(port, path);
  return portNameProblems(port).map((problem) => invalid(path, port, problem));
}

/** A path that stays below where it begins. */
export function descendingPathErrors(text: string, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (text.startsWith("/")) errors.push(invalid(path, text, "must be a relative path"));
  if (text.split("/").includes("..")) errors.push(invalid(path, text, "must not contain '..'"));
  return errors;
}

/** The same, and not one of the names that volumes keep for themselves. */
export function volumeFilePathErrors(text: string, path: string): readonly FieldError[] {
  const errors = [...descendingPathErrors(text, path)];
  if (text.startsWith("..") && !text.startsWith("../") && text !== "..") errors.push(invalid(path, text, "must not start with '..'"));
  return errors;
}

const percentShape = /^[0-9]+%$/;

/** A whole number that is not negative, or a percentage. */
export function countOrPercentErrors(value: number | string | undefined, path: string): readonly FieldError[] {
  if (value === undefined) return [];
  if (typeof value === "number") return value < 0 ? [invalid(path, value, "must be greater than or equal to 0")] : [];
  if (percentShape.test(value)) return [];
  return [
    invalid(
      path,
      value,
      "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%' or '93%', regex used for validation is '[0-9]+%')",
    ),
  ];
}

/** Whether the value is 0 or 0%. */
export function isZeroCount(value: number | string | undefined): boolean {
  return value === undefined || value === 0 || (typeof value === "string" && /^0+%$/.test(value));
}

/** A percentage of more than everything. */
export function overAllErrors(value: number | string | undefined, path: string): readonly FieldError[] {
  if (typeof value !== "string" || !percentShape.test(value) || Number(value.slice(0, -1)) <= 100) return [];
  return [invalid(path, value, "must not be greater than 100%")];
}
