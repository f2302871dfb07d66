// The field set of a new object, taken from an earlier object of the same shape where there is one: most objects are made by programs, over
// and over alike, and so have the same fields. Objects that share a set also share its memory.
import type { Json, JsonObject } from "../field.ts";
import { type KeyedPlan, memberOf, type StructPlan } from "./field-plan.ts";
import type { Plan } from "./field-plan.ts";
import { emptySet, type FieldSet } from "./field-set.ts";
import { isList, isObject, ownValue } from "./json-objects.ts";
import { touchedFields } from "./object-fields.ts";

/** What of a value decides about its paths: two values of one shape have the same. */
type Shape =
  /** Any value. */
  | { readonly type: "leaf" }
  /** This very value: where an object that says nothing has one too, being equal to that one counts. */
  | { readonly type: "value"; readonly value: Json }
  | { readonly type: "object"; readonly names: readonly string[]; readonly inner: readonly Shape[] }
  | { readonly type: "set"; readonly values: readonly Json[] }
  | {
      readonly type: "keyed";
      readonly keys: readonly string[];
      readonly items: readonly { readonly values: readonly Json[]; readonly inner: Shape }[];
    };

interface Known {
  readonly shape: Shape;
  readonly set: FieldSet;
}

const shapesKept = 8;
const leaf: Shape = { type: "leaf" };
const known = new WeakMap<StructPlan, Known[]>();

/** The paths of `object` that `empty`, an object that says nothing, does not have. The set is shared and never to be changed. */
export function createdFields(plan: StructPlan, empty: JsonObject, object: JsonObject): FieldSet {
  let recent = known.get(plan);
  if (!recent) known.set(plan, (recent = []));
  for (const [index, one] of recent.entries()) {
    if (!fits(one.shape, object)) continue;
    if (index > 0) recent.unshift(...recent.splice(index, 1));
    return one.set;
  }
  const set = touchedFields(plan, empty, object) ?? emptySet;
  const shape = shapeOf(plan, empty, object);
  if (shape) {
    recent.unshift({ shape, set });
    recent.length = Math.min(recent.length, shapesKept);
  }
  return set;
}

/** Undefined for values too unusual to be worth remembering. */
function shapeOf(plan: Plan, before: Json | undefined, value: Json): Shape | undefined {
  switch (plan.kind) {
    case "leaf":
      if (before === undefined) return leaf;
      return typeof value === "object" ? undefined : { type: "value", value };
    case "struct":
      return isObject(value) ? objectShape(value, before, (name) => memberOf(plan, name)?.plan) : undefined;
    case "free":
    case "map":
      return isObject(value) ? objectShape(value, before, () => (plan.kind === "map" ? plan.item : plan)) : undefined;
    case "set":
      return isList(value) && isNothing(before) && value.every((item) => typeof item !== "object")
        ? { type: "set", values: value }
        : undefined;
    case "keyed":
      return isList(value) && isNothing(before) ? keyedShape(plan, value as readonly JsonObject[]) : undefined;
  }
}

function isNothing(before: Json | undefined): boolean {
  return before === undefined || (isList(before) && before.length === 0);
}

function objectShape(value: JsonObject, before: Json | undefined, planOfMember: (name: string) => Plan | undefined): Shape | undefined {
  if (before !== undefined && !isObject(before)) return undefined;
  const names: string[] = [];
  const inner: Shape[] = [];
  for (const name in value) {
    if (name === "__proto__") return undefined;
    names.push(name);
    const member = value[name];
    const plan = planOfMember(name);
    const shape =
      member === undefined
        ? { type: "value" as const, value: member as never }
        : !plan
          ? leaf
          : shapeOf(plan, before && ownValue(before, name), member);
    if (!shape) return undefined;
    inner.push(shape);
  }
  return { type: "object", names, inner };
}

function keyedShape({ keys, item: plan }: KeyedPlan, items: readonly JsonObject[]): Shape | undefined {
  const names = keys.map(({ name }) => name);
  const shapes: { values: readonly Json[]; inner: Shape }[] = [];
  const seen = new Set<string>();
  for (const item of items) {
    if (!isObject(item)) return undefined;
    const values = names.map((name) => item[name] as Json);
    if (values.some((value) => typeof value === "object" || typeof value === "bigint")) return undefined;
    const inner = shapeOf(plan, undefined, item);
    const identity = JSON.stringify(values);
    if (!inner || seen.has(identity)) return undefined;
    seen.add(identity);
    shapes.push({ values, inner });
  }
  return { type: "keyed", keys: names, items: shapes };
}

function fits(shape: Shape, value: Json | undefined): boolean {
  switch (shape.type) {
    case "leaf":
      return value !== undefined;
    case "value":
      return value === shape.value;
    case "object": {
      if (typeof value !== "object" || value === null || isList(value)) return false;
      const { names, inner } = shape;
      let at = 0;
      for (const name in value) {
        if (name !== names[at] || !fits(inner[at] as Shape, value[name])) return false;
        at++;
      }
      return at === names.length;
    }
    case "set":
      return isList(value) && value.length === shape.values.length && shape.values.every((item, index) => item === value[index]);
    case "keyed": {
      if (!isList(value) || value.length !== shape.items.length) return false;
      for (let index = 0; index < value.length; index++) {
        const item = value[index] as JsonObject;
        const { values, inner } = shape.items[index] as (typeof shape.items)[number];
        if (typeof item !== "object" || item === null) return false;
        for (let key = 0; key < values.length; key++) if (item[shape.keys[key] as string] !== values[key]) return false;
        if (!fits(inner, item)) return false;
      }
      return true;
    }
  }
}
