// The rules that ConfigMaps and Secrets share: names of entries, how much there may be, and that it may be sealed.
import { deepEqual } from "#schema/derive/equal.ts";
import { forbidden, invalid } from "#schema/derive/field-error.ts";
import { configMapKeyProblems } from "#schema/derive/formats.ts";
import type { FieldError } from "#schema/kind.ts";

export const dataSizeMax = 1024 * 1024;

export function keyErrors(data: Readonly<Record<string, unknown>> | undefined, path: string): readonly FieldError[] {
  return Object.keys(data ?? {}).flatMap((key) => configMapKeyProblems(key).map((problem) => invalid(`${path}[${key}]`, key, problem)));
}

/** How many bytes base64 text stands for. */
export function decodedLength(text: string): number {
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  return (text.length / 4) * 3 - padding;
}

/** What is sealed does not change, and is not unsealed. */
export function sealErrors<T extends { readonly immutable?: boolean | undefined }>(
  object: T,
  old: T | undefined,
  fields: readonly (keyof T & string)[],
): readonly FieldError[] {
  if (old?.immutable !== true) return [];
  const detail = "field is immutable when `immutable` is set";
  return [
    ...(object.immutable === true ? [] : [forbidden("immutable", detail)]),
    ...fields.filter((field) => !deepEqual(object[field], old[field])).map((field) => forbidden(field, detail)),
  ];
}
