// JSON values whose keys come from outside: "__proto__" is a key like any other, and inherited names are not keys.
import type { Json, JsonObject } from "../field.ts";

export type MutableJson = { [key: string]: Json };

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function isList(value: unknown): value is readonly Json[] {
  return Array.isArray(value);
}

/** The value an object holds itself, never one it inherits. */
export function ownValue(object: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Sets a key of an object that is still being made. */
export function setOwn(object: { [key: string]: unknown }, key: string, value: unknown): void {
  if (key === "__proto__") Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  else object[key] = value;
}

/** A shallow copy without the named keys. */
export function without(object: JsonObject, ...keys: readonly string[]): JsonObject {
  const rest: MutableJson = {};
  for (const key of Object.keys(object)) if (!keys.includes(key)) setOwn(rest, key, object[key]);
  return rest;
}

/** Whether two JSON values are the same; keys that hold undefined count as absent, and 1n equals 1. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) {
    if (typeof a === "bigint") return typeof b === "number" && Number.isInteger(b) && BigInt(b) === a;
    return typeof b === "bigint" && typeof a === "number" && Number.isInteger(a) && BigInt(a) === b;
  }
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    for (let i = 0; i < a.length; i++) if (!sameJson(a[i], b[i])) return false;
    return true;
  }
  if (Array.isArray(b)) return false;
  const left = a as JsonObject;
  const right = b as JsonObject;
  let count = 0;
  for (const key of Object.keys(left)) {
    if (left[key] === undefined) continue;
    count++;
    if (!Object.hasOwn(right, key) || !sameJson(left[key], right[key])) return false;
  }
  for (const key of Object.keys(right)) if (right[key] !== undefined) count--;
  return count === 0;
}
