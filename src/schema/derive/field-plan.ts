// How the fields of a message merge: leaves that change as one, messages and maps that change field by field, lists whose items have an identity.
// A plan is made once per message and used on every write.
import type { Json, JsonObject } from "../field.ts";
import type { Field, Type } from "../message.ts";

/** What one value is to merging. */
export type Plan =
  | { readonly kind: "leaf" }
  | StructPlan
  | { readonly kind: "map"; readonly item: Plan }
  | { readonly kind: "set" }
  | KeyedPlan
  /** A value of undeclared shape: objects are granular, everything else is a leaf. */
  | { readonly kind: "free" };

export interface StructPlan {
  readonly kind: "struct";
  readonly fields: ReadonlyMap<string, PlanField>;
  /** How what is not declared merges, where it is kept. */
  readonly unknown?: (name: string) => Plan | undefined;
}

export interface KeyedPlan {
  readonly kind: "keyed";
  /** Sorted, as they stand in a path. */
  readonly keys: readonly { readonly name: string; readonly prefix: string; readonly fallback: Json | undefined; readonly zero: Json }[];
  readonly item: Plan;
}

export interface PlanField {
  /** As it stands in a path: "f:spec". */
  readonly path: string;
  readonly plan: () => Plan;
  readonly required: boolean;
  /** What an object that says nothing has here: {}, [] or a zero value where the field is always there, else undefined. */
  readonly empty: () => Json | undefined;
}

export const leafPlan: Plan = { kind: "leaf" };
const freePlan: Plan = { kind: "free" };
const setPlan: Plan = { kind: "set" };
const plans = new WeakMap<Type<unknown>, Plan>();

/** How a message merges, made on first use. */
export function planOf(type: Type<unknown>): Plan {
  const known = plans.get(type);
  if (known) return known;
  const plan = type.options.atomic || type.options.either ? leafPlan : structOf(type);
  plans.set(type, plan);
  return plan;
}

const granular = new WeakMap<Type<unknown>, Plan>();

/** How it merges where a field says that it does, though elsewhere it is one value. */
function granularOf(type: Type<unknown>): Plan {
  const known = granular.get(type);
  if (known) return known;
  const plan = structOf(type);
  granular.set(type, plan);
  return plan;
}

/** How a member merges; undefined when there is no such thing. */
export function memberOf(plan: StructPlan, name: string): { readonly path: string; readonly plan: Plan } | undefined {
  const field = plan.fields.get(name);
  if (field) return { path: field.path, plan: field.plan() };
  const unknown = plan.unknown?.(name);
  return unknown && { path: `f:${name}`, plan: unknown };
}

/** The same plan without some fields, and with others merging in another way. */
export function adjusted(plan: StructPlan, change: (name: string) => Plan | "leave out" | undefined): StructPlan {
  const fields = new Map<string, PlanField>();
  for (const [name, field] of plan.fields) {
    const other = change(name);
    if (other !== "leave out") fields.set(name, other ? { ...field, plan: () => other } : field);
  }
  const { unknown } = plan;
  if (!unknown) return { kind: "struct", fields };
  return { kind: "struct", fields, unknown: (name) => (change(name) === "leave out" ? undefined : unknown(name)) };
}

function structOf(type: Type<unknown>): StructPlan {
  const fields = new Map<string, PlanField>();
  for (const [name, field] of Object.entries(type.fields)) {
    let plan: Plan | undefined;
    fields.set(name, {
      path: `f:${name}`,
      plan: () => (plan ??= planOfField(field)),
      required: field.required === true,
      empty: () => emptyField(field),
    });
  }
  const { keepsUnknown, typed } = type.options;
  if (!keepsUnknown) return { kind: "struct", fields };
  return { kind: "struct", fields, unknown: (name) => (typed && (name === "apiVersion" || name === "kind") ? undefined : freePlan) };
}

function emptyField({ optional, always, shape, element }: Field): Json | undefined {
  if (optional) return undefined;
  if (shape === "one" && "message" in element) return emptyOf(element.message().options.either ? leafPlan : structOf(element.message()));
  if (!always) return undefined;
  if (shape === "list") return [];
  return shape === "map" ? {} : zeroOf("scalar" in element ? element.scalar : "string");
}

/** What a decoded value holds when nothing was said about it. */
export function emptyOf(plan: Plan): JsonObject {
  const empty: { [key: string]: Json } = {};
  if (plan.kind !== "struct") return empty;
  for (const [name, field] of plan.fields) {
    const value = field.empty();
    if (value !== undefined) empty[name] = value;
  }
  return empty;
}

function zeroOf(scalar: string): Json {
  switch (scalar) {
    case "bool":
      return false;
    case "int32":
    case "int64":
    case "uint32":
    case "uint64":
    case "double":
      return 0;
    default:
      return "";
  }
}

function planOfField(field: Field): Plan {
  if (field.atomic) return leafPlan;
  switch (field.shape) {
    case "one":
      return planOfElement(field);
    case "map":
      return { kind: "map", item: planOfElement(field) };
    case "list":
      if (field.list === "set") return setPlan;
      if (field.list !== "map" || !field.keys?.length || !("message" in field.element)) return leafPlan;
      return { kind: "keyed", keys: keysOf(field.keys, field.element.message()), item: planOfElement(field) };
  }
}

function planOfElement({ element, atomic }: Field): Plan {
  if ("message" in element) return atomic === false ? granularOf(element.message()) : planOf(element.message());
  return atomic === false && (element.scalar === "rawObject" || element.scalar === "rawValue") ? freePlan : leafPlan;
}

function keysOf(names: readonly string[], item: Type<unknown>): KeyedPlan["keys"] {
  return [...names].sort().map((name) => {
    const field = item.fields[name];
    const zero = zeroOf(field && "scalar" in field.element ? field.element.scalar : "string");
    return { name, prefix: `${JSON.stringify(name)}:`, fallback: field?.default as Json | undefined, zero };
  });
}

/** An item's identity as it stands in a path: `k:{"name":"web"}`. A missing key counts as its default, else as its zero value. */
export function keyOf({ keys }: KeyedPlan, item: JsonObject): string {
  let text = "";
  for (const key of keys) {
    const value = (item[key.name] ?? key.fallback ?? key.zero) as Json;
    text += (text === "" ? key.prefix : `,${key.prefix}`) + jsonText(value);
  }
  return `k:{${text}}`;
}

/** The identity of an item of a set of scalars: `v:"kubernetes.io/pvc-protection"`. */
export function valueKey(value: Json): string {
  return `v:${jsonText(value)}`;
}

const plain = /^[\w .:/@+=,-]*$/;

function jsonText(value: Json): string {
  if (typeof value === "string") return plain.test(value) ? `"${value}"` : JSON.stringify(value);
  return typeof value === "bigint" ? value.toString() : JSON.stringify(value);
}
