// Strategic merge patch: a merge patch that knows from the declarations which lists merge, and by which key their items are the same.
// Fields that are not declared are merged as JSON merge patch would, so that whoever reads the result can complain about them.
import type { Json, JsonObject } from "../field.ts";
import type { Field, Type } from "../message.ts";
import { isList, isObject, type MutableJson, ownValue, sameJson, setOwn } from "./json-objects.ts";

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
    if (isList(before))
      setOwn(
        merged,
        name,
        before.filter((value) => !gone.some((other) => sameJson(value, other))),
      );
  }
  for (const [name, order] of orderedLists) {
    const field = fieldOf(shape, name);
    const list = ownValue(merged, name);
    if (!isList(list) || !mergesAsList(field)) continue;
    const serverOrder = ownValue(original, name);
    setOwn(merged, name, inOrder(list, order, isList(serverOrder) ? serverOrder : [], itemKey(field)));
  }
  return merged;
}

/** `$retainKeys`: of a union, only these fields stay. */
function retainOnly(merged: MutableJson, patch: JsonObject): void {
  const retained = ownValue(patch, "$retainKeys");
  if (retained === undefined) return;
  if (!isList(retained)) throw refused("invalid patch format of retainKeys");
  for (const name of Object.keys(patch)) {
    if (!isDirective(name) && patch[name] !== null && !retained.includes(name)) {
      throw new StrategicMergeError(422, "patch content doesn't match retainKeys list");
    }
  }
  for (const name of Object.keys(merged)) if (!retained.includes(name)) delete merged[name];
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
  if (!("message" in field.element)) {
    if (order) demandSuperset(order, patch, sameJson);
    const values = [...original, ...patch].filter((value, i, all) => all.findIndex((other) => sameJson(other, value)) === i);
    return inOrder(values, order ?? patch, original, sameJson);
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
  const same = itemKey(field);
  const deletions = items.filter((item) => ownValue(item, "$patch") === "delete");
  let merged = original.filter((item) => !deletions.some((gone) => same(item, gone)));
  if (order) demandSuperset(order, plain, same);
  for (const item of plain) {
    const at = merged.findIndex((other) => same(other, item));
    merged = at < 0 ? [...merged, mergeObject({}, item, shape)] : merged.with(at, mergeObject(merged[at] as JsonObject, item, shape));
  }
  return inOrder(merged, order ?? plain, original, same);
}

type Same = (a: Json, b: Json) => boolean;

function itemKey(field: Field): Same {
  const key = field.mergeKey;
  if (!("message" in field.element) || key === undefined) return sameJson;
  return (a, b) => isObject(a) && isObject(b) && ownValue(a, key) !== undefined && sameJson(ownValue(a, key), ownValue(b, key));
}

function demandSuperset(order: readonly Json[], items: readonly Json[], same: Same): void {
  const at = items.map((item) => order.findIndex((other) => same(other, item)));
  if (at.some((place, i) => place < 0 || (i > 0 && place < (at[i - 1] as number)))) {
    throw refused(`The order in patch list:\n${goText(items)}\n doesn't match $setElementOrder list:\n${goText(order)}\n`);
  }
}

/** Items the writer named stand in the writer's order; the others keep their places between them where the server's order tells. */
function inOrder(items: readonly Json[], order: readonly Json[], serverOrder: readonly Json[], same: Same): readonly Json[] {
  const rank = (item: Json, among: readonly Json[]) => among.findIndex((other) => same(other, item));
  const named = items.filter((item) => rank(item, order) >= 0).sort((a, b) => rank(a, order) - rank(b, order));
  const others = items.filter((item) => rank(item, order) < 0);
  if (others.length === 0) return named;
  const result: Json[] = [];
  let i = 0;
  for (const item of others) {
    const place = rank(item, serverOrder);
    while (i < named.length) {
      const mine = rank(named[i] as Json, serverOrder);
      if (mine >= 0 && place >= 0 && mine > place) break;
      result.push(named[i++] as Json);
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
