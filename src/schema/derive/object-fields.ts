// Which field paths an object has, and which differ between two objects: the sets that managedFields are made of.
import type { Json, JsonObject } from "../field.ts";
import { type KeyedPlan, keyOf, memberOf, type Plan, valueKey } from "./field-plan.ts";
import { type FieldSet, member } from "./field-set.ts";
import { isList, isObject, type MutableJson, ownValue, sameJson } from "./json-objects.ts";

/** Every path of a value that was not there before, its containers included. */
export function allFields(plan: Plan, value: Json): FieldSet {
  let set: MutableJson | undefined;
  switch (plan.kind) {
    case "leaf":
      return member;
    case "struct":
      for (const name in value as JsonObject) {
        const field = memberOf(plan, name);
        const inner = (value as JsonObject)[name];
        if (field && inner !== undefined) (set ??= { ".": member })[field.path] = allFields(field.plan, inner);
      }
      return set ?? member;
    case "free":
    case "map":
      if (!isObject(value)) return member;
      for (const name of Object.keys(value)) {
        (set ??= { ".": member })[`f:${name}`] = allFields(plan.kind === "map" ? plan.item : plan, value[name] as Json);
      }
      return set ?? member;
    case "set":
      for (const item of itemsOf(value)) (set ??= { ".": member })[valueKey(item)] = member;
      return set ?? member;
    case "keyed":
      for (const item of itemsOf(value) as readonly JsonObject[]) {
        const key = keyOf(plan, item);
        set ??= { ".": member };
        set[key] = key in set ? member : allFields(plan.item, item);
      }
      return set ?? member;
  }
}

/** The paths that are new or have another value. Undefined when there are none. */
export function touchedFields(plan: Plan, old: Json | undefined, value: Json): FieldSet | undefined {
  if (old === undefined) return allFields(plan, value);
  if (old === value) return undefined;
  let set: MutableJson | undefined;
  switch (plan.kind) {
    case "leaf":
      return sameJson(old, value) ? undefined : member;
    case "struct":
      if (old === null || value === null) return allFields(plan, value);
      for (const name in value as JsonObject) {
        const inner = (value as JsonObject)[name];
        const before = ownValue(old as JsonObject, name);
        if (inner === before || inner === undefined) continue;
        const field = memberOf(plan, name);
        const touched = field && touchedFields(field.plan, before, inner);
        if (field && touched) (set ??= {})[field.path] = touched;
      }
      return set;
    case "free":
    case "map":
      if (!isObject(value)) return sameJson(old, value) ? undefined : member;
      if (!isObject(old)) return allFields(plan, value);
      for (const name of Object.keys(value)) {
        const before = Object.hasOwn(old, name) ? old[name] : undefined;
        const touched = touchedFields(plan.kind === "map" ? plan.item : plan, before, value[name] as Json);
        if (touched) (set ??= {})[`f:${name}`] = touched;
      }
      return set;
    case "set": {
      const before = new Set(itemsOf(old).map(valueKey));
      for (const item of itemsOf(value)) {
        const key = valueKey(item);
        if (!before.has(key)) (set ??= {})[key] = member;
      }
      return set;
    }
    case "keyed": {
      const before = itemsByKey(plan, old);
      for (const [key, item] of itemsByKey(plan, value)) {
        const touched = touchedItem(plan, before.get(key), item);
        if (touched) (set ??= {})[key] = touched;
      }
      return set;
    }
  }
}

function touchedItem(plan: KeyedPlan, old: Items | undefined, item: Items): FieldSet | undefined {
  if (!isList(item) && (old === undefined || !isList(old))) return touchedFields(plan.item, old, item);
  return sameJson(old, item) ? undefined : member;
}

/** The paths that are gone. Undefined when there are none. */
export function removedFields(plan: Plan, old: Json, value: Json | undefined): FieldSet | undefined {
  if (value === undefined) return allFields(plan, old);
  if (old === value) return undefined;
  let set: MutableJson | undefined;
  switch (plan.kind) {
    case "leaf":
      return undefined;
    case "struct":
      for (const name in old as JsonObject) {
        const inner = (old as JsonObject)[name];
        const after = value === null ? undefined : ownValue(value as JsonObject, name);
        if (inner === after || inner === undefined) continue;
        const field = memberOf(plan, name);
        const removed = field && removedFields(field.plan, inner, after);
        if (field && removed) (set ??= {})[field.path] = removed;
      }
      return set;
    case "free":
    case "map": {
      if (!isObject(old)) return undefined;
      const now = isObject(value) ? value : {};
      for (const name of Object.keys(old)) {
        const after = Object.hasOwn(now, name) ? now[name] : undefined;
        const removed = removedFields(plan.kind === "map" ? plan.item : plan, old[name] as Json, after);
        if (removed) (set ??= {})[`f:${name}`] = removed;
      }
      return set;
    }
    case "set": {
      const now = new Set(itemsOf(value).map(valueKey));
      for (const item of itemsOf(old)) {
        const key = valueKey(item);
        if (!now.has(key)) (set ??= {})[key] = member;
      }
      return set;
    }
    case "keyed": {
      const now = itemsByKey(plan, value);
      for (const [key, item] of itemsByKey(plan, old)) {
        const after = now.get(key);
        const removed =
          after === undefined
            ? isList(item)
              ? member
              : allFields(plan.item, item)
            : isList(item) || isList(after)
              ? undefined
              : removedFields(plan.item, item, after);
        if (removed) (set ??= {})[key] = removed;
      }
      return set;
    }
  }
}

/** One item, or all that share a key: those have no fields of their own, they change together. */
type Items = JsonObject | readonly JsonObject[];

function itemsByKey(plan: KeyedPlan, list: Json): ReadonlyMap<string, Items> {
  const items = new Map<string, Items>();
  for (const item of itemsOf(list) as readonly JsonObject[]) {
    const key = keyOf(plan, item);
    const known = items.get(key);
    items.set(key, known === undefined ? item : isList(known) ? [...known, item] : [known as JsonObject, item]);
  }
  return items;
}

/** A list that may be null has no items then. */
function itemsOf(list: Json): readonly Json[] {
  return isList(list) ? list : [];
}
