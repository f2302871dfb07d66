// Puts in what was left out: the defaults that declarations name, at every depth, and then those of the kind.
import { setKey } from "#wire/json/json.ts";
import type { Json } from "../field.ts";
import type { Kind, KubernetesObject } from "../kind.ts";
import type { Draft, Type } from "../message.ts";
import { normalise } from "./normalise.ts";
import { type FieldPlan, type MessagePlan, planOf } from "./plan.ts";

/** The value with its declared defaults; the very same value where nothing is missing. */
export function withDefaults<T>(type: Type<T>, value: T): T {
  return filled(planOf(type), value) as T;
}

/** A whole object from a draft: normalised, with apiVersion and kind, declared defaults, and the kind's own. */
export function complete<T extends KubernetesObject>(kind: Kind<T>, draft: NoInfer<Draft<T>>): T {
  const { value } = normalise(kind.message, { ...(draft as object), apiVersion: kind.apiVersion, kind: kind.name } as unknown as Json);
  return withKindDefaults(kind, value);
}

/** An object that was read, with declared defaults and the kind's own. */
export function withKindDefaults<T extends KubernetesObject>(kind: Kind<T>, object: T): T {
  const declared = withDefaults(kind.message, object);
  return kind.default === undefined ? declared : kind.default(declared as never);
}

/** The fields of a message at or below which a default may be due. */
const lacking = new WeakMap<MessagePlan, readonly FieldPlan[]>();

function lackingOf(plan: MessagePlan): readonly FieldPlan[] {
  let fields = lacking.get(plan);
  if (fields === undefined) {
    fields = plan.fields.filter(
      (field) => field.field.default !== undefined || (field.scalar === undefined && mayLack(field.message(), new Set())),
    );
    lacking.set(plan, fields);
  }
  return fields;
}

function mayLack(plan: MessagePlan, seen: Set<MessagePlan>): boolean {
  if (seen.has(plan)) return false;
  seen.add(plan);
  return plan.fields.some((field) => field.field.default !== undefined || (field.scalar === undefined && mayLack(field.message(), seen)));
}

function filled(plan: MessagePlan, value: unknown): unknown {
  // A value that JSON writes as one of two things has no defaults of its own.
  if (typeof value !== "object" || value === null || plan.type.options.either !== undefined) return value;
  let object = value as Record<string, unknown>;
  for (const field of lackingOf(plan)) {
    const before = Object.hasOwn(object, field.name) ? object[field.name] : undefined;
    const after = filledField(field, before);
    if (after === before) continue;
    if (object === value) object = { ...object };
    object[field.name] = after;
  }
  return object;
}

function filledField(field: FieldPlan, value: unknown): unknown {
  // A plain field that holds its zero value is one that was left out, unless it is always there: then the zero value is how absence looks.
  const missing = value === undefined || (!field.optional && value === field.zero);
  const present = missing && field.field.default !== undefined ? field.field.default : value;
  if (present === undefined || field.scalar !== undefined) return present;
  const plan = field.message();
  if (field.shape === "one") return filled(plan, present);
  if (field.shape === "list") return filledList(plan, present as readonly unknown[]);
  return filledMap(plan, present as Readonly<Record<string, unknown>>);
}

function filledList(plan: MessagePlan, list: readonly unknown[]): readonly unknown[] {
  let result: unknown[] | undefined;
  for (const [index, item] of list.entries()) {
    const after = filled(plan, item);
    if (after === item) continue;
    result ??= [...list];
    result[index] = after;
  }
  return result ?? list;
}

function filledMap(plan: MessagePlan, map: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  let result: Record<string, unknown> | undefined;
  for (const [key, item] of Object.entries(map)) {
    const after = filled(plan, item);
    if (after === item) continue;
    result ??= { ...map };
    setKey(result, key, after);
  }
  return result ?? map;
}
