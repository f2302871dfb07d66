// JSON merge patch (RFC 7386): objects merge key by key, null removes, everything else replaces.
import type { Json } from "../field.ts";
import { isObject, type MutableJson, ownValue, setOwn } from "./json-objects.ts";

/** The target with the patch merged in. Neither is changed; what the patch does not touch is shared with the result. */
export function mergePatch(target: Json, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const merged: MutableJson = isObject(target) ? { ...target } : {};
  for (const key of Object.keys(patch)) {
    const change = patch[key] as Json;
    if (change === null) delete merged[key];
    else setOwn(merged, key, mergePatch(ownValue(merged, key) ?? null, change));
  }
  return merged;
}
