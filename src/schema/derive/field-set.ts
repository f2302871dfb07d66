// Sets of field paths, in the form managedFields publish them (FieldsV1), which is a tree already:
// {"f:spec": {"f:containers": {"k:{\"name\":\"web\"}": {".": {}, "f:image": {}}}}}.
// A node without keys is a member; a node with keys is one only if it has ".". Sets are never changed; operations return an operand where it is the answer.
import type { Json, JsonObject } from "../field.ts";
import { isObject, type MutableJson, sameJson } from "./json-objects.ts";
import { valueKey } from "./field-plan.ts";

export type FieldSet = JsonObject;

/** A member without children; and, as a root, the set of nothing. */
export const member: FieldSet = Object.freeze({});
export const emptySet: FieldSet = member;

export function isEmptySet(set: FieldSet): boolean {
  for (const _ in set) return false;
  return true;
}

/** Whether the path that leads to a node is itself in the set. */
function isMember(node: FieldSet): boolean {
  return isEmptySet(node) || "." in node;
}

/** Every path in either set. */
export function union(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b || isEmptySet(b)) return a;
  return isEmptySet(a) ? b : uniteChildren(a, b);
}

function uniteChildren(a: FieldSet, b: FieldSet): FieldSet {
  let result: MutableJson | undefined;
  for (const key in b) {
    if (key === ".") continue;
    const mine = a[key] as FieldSet | undefined;
    const node = mine === undefined ? (b[key] as FieldSet) : uniteNodes(mine, b[key] as FieldSet);
    if (node !== mine) (result ??= { ...a })[key] = node;
  }
  return result ?? a;
}

function uniteNodes(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return a;
  if (isEmptySet(a)) return isMember(b) ? b : { ".": member, ...b };
  const children = uniteChildren(a, b);
  return isMember(b) && !("." in children) ? { ".": member, ...children } : children;
}

/** Every path of `a` that is not in `b`. Removing a path leaves what is below it. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return emptySet;
  return subtractChildren(a, b) ?? emptySet;
}

/** The children that are left, without "."; undefined when none is. */
function subtractChildren(a: FieldSet, b: FieldSet): FieldSet | undefined {
  let changed = false;
  const result: MutableJson = {};
  let left = false;
  for (const key in a) {
    const mine = a[key] as FieldSet;
    const other = key === "." ? undefined : (b[key] as FieldSet | undefined);
    const node = other === undefined ? mine : subtractNodes(mine, other);
    if (node !== mine) changed = true;
    if (node === undefined) continue;
    result[key] = node;
    left = true;
  }
  if (!changed) return a;
  return left ? result : undefined;
}

function subtractNodes(a: FieldSet, b: FieldSet): FieldSet | undefined {
  if (isEmptySet(a)) return isMember(b) ? undefined : a;
  const children = isEmptySet(b) ? a : subtractChildren(a, b);
  if (children === undefined) return undefined;
  if (!("." in children)) return children;
  const { ".": self, ...rest } = children;
  if (isMember(b)) return isEmptySet(rest) ? undefined : rest;
  return isEmptySet(rest) ? member : children;
}

/** Every path in both sets. */
export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  if (a === b) return a;
  const result: MutableJson = {};
  for (const key in a) {
    const other = key === "." ? undefined : (b[key] as FieldSet | undefined);
    if (other === undefined) continue;
    const mine = a[key] as FieldSet;
    const children = intersection(mine, other);
    if (!isEmptySet(children))
      result[key] = isMember(mine) && isMember(other) ? { ".": member, ...withoutSelf(children) } : withoutSelf(children);
    else if (isMember(mine) && isMember(other)) result[key] = member;
  }
  return result;
}

function withoutSelf(node: FieldSet): FieldSet {
  if (!("." in node)) return node;
  const { ".": self, ...rest } = node;
  return rest;
}

export function sameSet(a: FieldSet, b: FieldSet): boolean {
  return a === b || sameJson(a, b);
}

/** Whether the set has the member that `keys` lead to. */
export function has(set: FieldSet, keys: readonly string[]): boolean {
  let node: FieldSet = set;
  for (const key of keys) {
    if (!Object.hasOwn(node, key)) return false;
    node = node[key] as FieldSet;
  }
  return keys.length > 0 && isMember(node);
}

export type PathKeys = readonly string[];

/** Every member, as the keys that lead to it, in the order in which upstream lists them. */
export function paths(set: FieldSet, above: PathKeys = []): PathKeys[] {
  const keys = Object.keys(set)
    .filter((key) => key !== ".")
    .sort();
  const here = keys.filter((key) => isMember(set[key] as FieldSet)).map((key) => [...above, key]);
  return [...here, ...keys.flatMap((key) => paths(set[key] as FieldSet, [...above, key]))];
}

/** A path as messages show it: .spec.containers[name="web"].image */
export function pathText(keys: PathKeys): string {
  return keys
    .map((key) => {
      if (key.startsWith("f:")) return `.${key.slice(2)}`;
      if (key.startsWith("v:")) return `[=${key.slice(2)}]`;
      if (key.startsWith("i:")) return `[${key.slice(2)}]`;
      const pairs = Object.entries(JSON.parse(key.slice(2)) as JsonObject);
      return `[${pairs.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(",")}]`;
    })
    .join("");
}

const maxDepth = 100;

/** A set as a client sent it, with keys in canonical form; undefined when it is none. */
export function readFieldsV1(json: Json | undefined, depth = 0): FieldSet | undefined {
  if (!isObject(json) || depth > maxDepth) return undefined;
  let result: MutableJson | undefined;
  const keys = Object.keys(json);
  for (const key of keys) {
    const canonical = canonicalKey(key);
    const child = json[key] as Json;
    const node = readFieldsV1(child, depth + 1);
    if (canonical === undefined || node === undefined) return undefined;
    if (!result && (node !== child || canonical !== key)) {
      result = {};
      for (const before of keys.slice(0, keys.indexOf(key))) result[before] = json[before] as Json;
    }
    if (result) result[canonical] = node;
  }
  return result ?? json;
}

function canonicalKey(key: string): string | undefined {
  if (key === "." || (key.startsWith("f:") && key.length > 2)) return key;
  if (key.startsWith("i:")) return /^i:\d{1,9}$/.test(key) ? key : undefined;
  try {
    const value = JSON.parse(key.slice(2)) as Json;
    if (key.startsWith("v:")) return typeof value === "object" ? undefined : valueKey(value);
    if (!key.startsWith("k:") || !isObject(value)) return undefined;
    const pairs = Object.keys(value)
      .sort()
      .map((name) => `${JSON.stringify(name)}:${JSON.stringify(value[name])}`);
    return pairs.length > 0 ? `k:{${pairs.join(",")}}` : undefined;
  } catch {
    return undefined;
  }
}
