// Strategic merge patch: a merge patch that knows from the declarations which lists merge, and by which key their items are the same.
// Fields that are not declared are merged as JSON merge patch would, so that whoever reads the result can complain about them.
import type { Json, JsonObject } from "../field.ts";
import type { Field, Type } from "../message.ts";
import { isList, isObject, type MutableJson, ownValue, setOwn } from "./json-objects.ts";

/** A patch that cannot be applied; message and code are upstream's. */
export class StrategicMergeError extends Error {
  override readonly name = "StrategicMergeError";
  readonly code: 400 | 422;
  readonly detail: string;
  constructor(code: 400 | 422, detail: string) {
    super(code === 400 ? detail : "the server rejected our request due to an error in our request");
    this.code = code;
    this.detail = detail;
  }
}

/** The target with the patch merged in, as JSON still to be read by the declaration. Neither argument is changed. Throws StrategicMergeError. */
export function strategicMergePatch(type: Type<unknown>, target: Json, patch: Json): JsonObject {
  if (!isObject(patch)) throw refused("invalid JSON document");
  return mergeObject(isObject(target) ? target : {}, patch, { type, patched: undefined });
}

/** What is known about a value: the message it is, or the map or list whose values it is one of. */
interface Shape {
  readonly type: Type<unknown> | undefined;
  /** For the values of a map: what each of them is. */
  readonly patched: { readonly valueType: Type<unknown> | undefined } | undefined;
}
const undeclared: Shape = { type: undefined, patched: undefined };

const orderPrefix = "$setElementOrder/";
const deletePrefix = "$deleteFromPrimitiveList/";

function mergeObject(original: JsonObject, patch: JsonObject, shape: Shape): JsonObject {
  const directive = ownValue(patch, "$patch");
  if (directive === "replace") return cleaned(patch, shape);
  if (directive === "delete") return {};
  if (directive !== undefined && directive !== "merge") throw unknownDirective(directive, patch);

  const merged: MutableJson = { ...original };
  retainOnly(merged, patch);
  const orderedLists = listsOf(patch, orderPrefix);
  const primitiveDeletions = listsOf(patch, deletePrefix);

  for (const name of Object.keys(patch)) {
    if (isDirective(name)) continue;
    const change = patch[name] as Json;
    if (change === null) {
      delete merged[name];
      continue;
    }
    const before = ownValue(merged, name);
    const inner = shapeOf(shape, name);
    if (isObject(change)) {
      const replaces = fieldOf(shape, name)?.patch === "replace";
      setOwn(merged, name, replaces ? cleaned(change, inner) : mergeObject(isObject(before) ? before : {}, change, inner));
    } else if (isList(change)) {
      const field = fieldOf(shape, name);
      const list = mergesAsList(field)
        ? mergeList(isList(before) ? before : [], change, field, inner, orderedLists.get(name), name)
        : cleanedList(change, inner);
      setOwn(merged, name, list);
    } else setOwn(merged, name, change);
  }
  for (const [name, gone] of primitiveDeletions) {
    const before = ownValue(merged, name);
    const values = new Set<Json>(gone);
    if (isList(before))
      setOwn(
        merged,
        name,
        before.filter((value) => !values.has(value)),
      );
  }
  for (const [name, order] of orderedLists) {
    const field = fieldOf(shape, name);
    const list = ownValue(merged, name);
    if (!isList(list) || !mergesAsList(field)) continue;
    const serverOrder = ownValue(original, name);
    setOwn(merged, name, inOrder(list, order, isList(serverOrder) ? serverOrder : [], identityFor(field)));
  }
  return merged;
}

/** `$retainKeys`: of a union, only these fields stay. */
function retainOnly(merged: MutableJson, patch: JsonObject): void {
  const retained = ownValue(patch, "$retainKeys");
  if (retained === undefined) return;
  if (!isList(retained)) throw refused("invalid patch format of retainKeys");
  const kept = new Set<Json>(retained);
  for (const name of Object.keys(patch)) {
    if (!isDirective(name) && patch[name] !== null && !kept.has(name)) {
      throw new StrategicMergeError(422, "patch content doesn't match retainKeys list");
    }
  }
  for (const name of Object.keys(merged)) if (!kept.has(name)) delete merged[name];
}

function listsOf(patch: JsonObject, prefix: string): ReadonlyMap<string, readonly Json[]> {
  const lists = new Map<string, readonly Json[]>();
  for (const key of Object.keys(patch)) {
    if (!key.startsWith(prefix)) continue;
    const list = patch[key];
    if (!isList(list)) {
      throw refused(prefix === orderPrefix ? "invalid patch format of setElementOrder list" : "invalid patch format of primitive list");
    }
    lists.set(key.slice(prefix.length), list);
  }
  return lists;
}

function mergeList(
  original: readonly Json[],
  patch: readonly Json[],
  field: Field,
  shape: Shape,
  order: readonly Json[] | undefined,
  name: string,
): readonly Json[] {
  if (patch.some(isList)) throw new StrategicMergeError(422, "lists of lists are not supported");
  const identity = identityFor(field);
  if (!("message" in field.element)) {
    if (order) demandSuperset(order, patch, identity);
    const values = new Map([...original, ...patch].map((value) => [identity(value), value]));
    return inOrder([...values.values()], order ?? patch, original, identity);
  }
  const key = field.mergeKey;
  if (key === undefined) throw refused(`cannot merge lists without merge key for ${name}`);
  const items = patch.map((item) => {
    if (!isObject(item)) throw refused(`expected a map, but received a ${typeof item}`);
    return item;
  });
  const plain = items.filter((item) => ownValue(item, "$patch") === undefined || ownValue(item, "$patch") === "merge");
  for (const item of items) {
    const directive = ownValue(item, "$patch");
    if (directive === "replace") return plain.map((other) => cleaned(other, shape));
    if (directive !== undefined && directive !== "delete" && directive !== "merge") throw unknownDirective(directive, item);
    if (ownValue(item, key) === undefined) throw refused(`map: ${goText(item)} does not contain declared merge key: ${key}`);
  }
  const gone = new Set(items.filter((item) => ownValue(item, "$patch") === "delete").map(identity));
  const merged = original.filter((item) => !gone.has(identity(item)));
  if (order) demandSuperset(order, plain, identity);
  const places = ranksOf(merged, identity);
  for (const item of plain) {
    const id = identity(item);
    const at = places.get(id);
    if (at === undefined) places.set(id, merged.push(mergeObject({}, item, shape)) - 1);
    else merged[at] = mergeObject(merged[at] as JsonObject, item, shape);
  }
  return inOrder(merged, order ?? plain, original, identity);
}

/** What makes two items of a list the same; an item without its key is like no other. */
type Identity = (item: Json) => unknown;

function identityFor(field: Field): Identity {
  const key = "message" in field.element ? field.mergeKey : undefined;
  return (item) => {
    const value = key === undefined ? item : isObject(item) ? ownValue(item, key) : undefined;
    if (value === undefined) return item;
    return typeof value === "object" ? goText(value) : typeof value === "bigint" ? Number(value) : value;
  };
}

function ranksOf(items: readonly Json[], identity: Identity): Map<unknown, number> {
  const ranks = new Map<unknown, number>();
  for (const [i, item] of items.entries()) if (!ranks.has(identity(item))) ranks.set(identity(item), i);
  return ranks;
}

function demandSuperset(order: readonly Json[], items: readonly Json[], identity: Identity): void {
  const ranks = ranksOf(order, identity);
  let last = -1;
  for (const item of items) {
    const rank = ranks.get(identity(item)) ?? -1;
    if (rank < last || rank < 0) {
      throw refused(`The order in patch list:\n${goText(items)}\n doesn't match $setElementOrder list:\n${goText(order)}\n`);
    }
    last = rank;
  }
}

/** Items the writer named stand in the writer's order; the others keep their places between them where the server's order tells. */
function inOrder(items: readonly Json[], order: readonly Json[], serverOrder: readonly Json[], identity: Identity): readonly Json[] {
  const [wanted, served] = [ranksOf(order, identity), ranksOf(serverOrder, identity)];
  const rank = (item: Json) => wanted.get(identity(item)) as number;
  const named = items.filter((item) => wanted.has(identity(item))).sort((a, b) => rank(a) - rank(b));
  const others = items.filter((item) => !wanted.has(identity(item)));
  const result: Json[] = [];
  let i = 0;
  for (const item of others) {
    const place = served.get(identity(item));
    for (; i < named.length; i++) {
      const mine = served.get(identity(named[i] as Json));
      if (mine !== undefined && place !== undefined && mine > place) break;
      result.push(named[i] as Json);
    }
    result.push(item);
  }
  return [...result, ...named.slice(i)];
}

/** A patch that has nothing to merge with: what it says, without directives and nulls. */
function cleaned(patch: JsonObject, shape: Shape): JsonObject {
  const rest: MutableJson = {};
  for (const name of Object.keys(patch)) if (name !== "$patch") setOwn(rest, name, patch[name]);
  return mergeObject({}, rest, shape);
}

function cleanedList(list: readonly Json[], shape: Shape): readonly Json[] {
  return list.map((item) => (isObject(item) ? cleaned(item, shape) : item));
}

function isDirective(name: string): boolean {
  return name === "$patch" || name === "$retainKeys" || name.startsWith(orderPrefix) || name.startsWith(deletePrefix);
}

function fieldOf({ type }: Shape, name: string): Field | undefined {
  return type && Object.hasOwn(type.fields, name) ? type.fields[name] : undefined;
}

function mergesAsList(field: Field | undefined): field is Field {
  return field?.shape === "list" && field.patch?.split(",").includes("merge") === true;
}

function shapeOf(shape: Shape, name: string): Shape {
  if (shape.patched) return { type: shape.patched.valueType, patched: undefined };
  const field = fieldOf(shape, name);
  if (!field) return undeclared;
  const type = "message" in field.element ? field.element.message() : undefined;
  return field.shape === "map" ? { type: undefined, patched: { valueType: type } } : { type, patched: undefined };
}

function refused(message: string): StrategicMergeError {
  return new StrategicMergeError(400, message);
}

function unknownDirective(directive: Json, patch: JsonObject): StrategicMergeError {
  return refused(`unknown patch type: ${goText(directive)} in map: ${goText(patch)}`);
}

/** As Go prints a value, which is what upstream's messages show. */
function goText(value: Json): string {
  if (isList(value)) return `[${value.map(goText).join(" ")}]`;
  if (!isObject(value)) return value === null ? "<nil>" : String(value);
  return `map[${Object.keys(value)
    .sort()
    .map((key) => `${key}:${goText(value[key] as Json)}`)
    .join(" ")}]`;
}
