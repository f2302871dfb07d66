// Field errors as clients see them.
import type { FieldError, FieldErrorType } from "../kind.ts";
import { writeJson } from "./json.ts";

const names: Readonly<Record<FieldErrorType, string>> = {
  Required: "Required value",
  Invalid: "Invalid value",
  NotSupported: "Unsupported value",
  Forbidden: "Forbidden",
  Duplicate: "Duplicate value",
  TooLong: "Too long",
  TooMany: "Too many",
  TypeInvalid: "Invalid value",
  NotFound: "Not found",
  InternalError: "Internal error",
};

/** One error as upstream prints it: `spec.replicas: Invalid value: -1: must be greater than or equal to 0`. */
export function fieldErrorText(error: FieldError): string {
  return `${error.field}: ${fieldErrorBody(error)}`;
}

/** The same without the field, as the causes of a Status have it. */
export function fieldErrorBody({ type, value, detail }: FieldError): string {
  const silent = type === "Required" || type === "Forbidden" || type === "TooLong" || type === "InternalError";
  const body = silent ? names[type] : `${names[type]}: ${shown(value)}`;
  return detail === "" ? body : `${body}: ${detail}`;
}

function shown(value: unknown): string {
  return value === undefined || value === null ? '"null"' : writeJson(value);
}

/** Several at once, as upstream joins them: alone, or in brackets. */
export function fieldErrorsText(errors: readonly FieldError[]): string {
  const texts = [...new Set(errors.map(fieldErrorText))];
  return texts.length === 1 ? (texts[0] as string) : `[${texts.join(", ")}]`;
}

export function required(field: string, detail = ""): FieldError {
  return { type: "Required", field, detail };
}

export function invalid(field: string, value: unknown, detail: string): FieldError {
  return { type: "Invalid", field, value, detail };
}

export function notSupported(field: string, value: unknown, supported: readonly string[]): FieldError {
  const words = supported.toSorted().map((word) => JSON.stringify(word));
  return { type: "NotSupported", field, value, detail: words.length === 0 ? "" : `supported values: ${words.join(", ")}` };
}

export function duplicate(field: string, value: unknown): FieldError {
  return { type: "Duplicate", field, value, detail: "" };
}

export function forbidden(field: string, detail: string): FieldError {
  return { type: "Forbidden", field, detail };
}

export function tooLong(field: string, lengthMax: number): FieldError {
  return { type: "TooLong", field, detail: lengthMax >= 0 ? `may not be more than ${lengthMax} bytes` : "value is too long" };
}

export function tooMany(field: string, found: number, countMax: number): FieldError {
  return { type: "TooMany", field, value: found, detail: `must have at most ${countMax} ${countMax === 1 ? "item" : "items"}` };
}
