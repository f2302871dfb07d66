// The fields an applied configuration speaks about, checked against the declaration on the way.
import type { Json, JsonObject } from "../field.ts";
import { type KeyedPlan, keyOf, memberOf, type Plan, valueKey } from "./field-plan.ts";
import { type FieldSet, member, pathText } from "./field-set.ts";
import { isList, isObject, type MutableJson } from "./json-objects.ts";

/** Every field the configuration names: the leaves, and the items of lists and maps as members of their own. Adds to `problems` what does not fit. */
export function appliedFields(plan: Plan, value: Json, problems: string[], path: readonly string[] = []): FieldSet | undefined {
  switch (plan.kind) {
    case "leaf":
      return member;
    case "struct":
    case "map":
    case "free":
      if (value === null) return member;
      if (plan.kind === "free" && !isObject(value)) return member;
      if (!isObject(value)) return mismatch("map", value, path, problems);
      return Object.keys(value).length === 0 ? member : fieldsOfObject(plan, value, problems, path);
    case "set":
    case "keyed":
      if (value === null) return member;
      if (!isList(value)) return mismatch("list", value, path, problems);
      return plan.kind === "set" ? fieldsOfSet(value, problems, path) : fieldsOfItems(plan, value, problems, path);
  }
}

function fieldsOfObject(
  plan: Exclude<Plan, { kind: "leaf" | "set" | "keyed" }>,
  value: JsonObject,
  problems: string[],
  path: readonly string[],
): FieldSet | undefined {
  const set: MutableJson = {};
  let found = false;
  for (const name of Object.keys(value)) {
    const key = `f:${name}`;
    const inner = plan.kind === "struct" ? memberOf(plan, name)?.plan : plan.kind === "map" ? plan.item : plan;
    if (!inner) {
      if (path.length > 0 || (name !== "apiVersion" && name !== "kind"))
        problems.push(`${pathText([...path, key])}: field not declared in schema`);
      continue;
    }
    const node = appliedFields(inner, value[name] as Json, problems, [...path, key]);
    if (plan.kind === "struct") {
      if (!node) continue;
      set[key] = node;
    } else set[key] = withSelf(node);
    found = true;
  }
  return found ? set : undefined;
}

function fieldsOfSet(list: readonly Json[], problems: string[], path: readonly string[]): FieldSet | undefined {
  const set: MutableJson = {};
  for (const item of list) {
    const key = valueKey(item);
    if (typeof item === "object") mismatch("scalar", item, path, problems);
    else if (key in set) problems.push(`${pathText(path)}: duplicate entries for key ${pathText([key])}`);
    set[key] = member;
  }
  return list.length > 0 ? set : undefined;
}

function fieldsOfItems(plan: KeyedPlan, list: readonly Json[], problems: string[], path: readonly string[]): FieldSet | undefined {
  const set: MutableJson = {};
  for (const [i, item] of list.entries()) {
    if (!isObject(item)) {
      mismatch("map", item, path, problems);
      continue;
    }
    const lacking = plan.keys.find(({ name, fallback }) => (item[name] ?? fallback) === undefined);
    if (lacking) {
      const detail = `associative list with keys has an element that omits key field "${lacking.name}" (and doesn't have default value)`;
      problems.push(`${pathText(path)}: element ${i}: ${detail}`);
      continue;
    }
    const key = keyOf(plan, item);
    if (key in set) problems.push(`${pathText(path)}: duplicate entries for key ${pathText([key])}`);
    set[key] = withSelf(appliedFields(plan.item, item, problems, [...path, key]));
  }
  return list.length > 0 ? set : undefined;
}

function withSelf(node: FieldSet | undefined): FieldSet {
  return node === undefined || node === member ? member : { ".": member, ...node };
}

function mismatch(expected: string, value: Json, path: readonly string[], problems: string[]): undefined {
  const text = JSON.stringify(value, (_, inner: unknown) => (typeof inner === "bigint" ? inner.toString() : inner));
  problems.push(`${pathText(path)}: expected ${expected}, got ${text.length > 100 ? `${text.slice(0, 100)}…` : text}`);
  return undefined;
}
