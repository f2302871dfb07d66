// Brings a plain JSON value, such as the result of a patch, under the rules of decoded values: what json.ts does for text.
import { DecodeError } from "#wire/decode-error.ts";
import { setKey } from "#wire/json/json.ts";
import { depthMax } from "#wire/json/scanner.ts";
import type { Json } from "../field.ts";
import type { Scalar, Type } from "../message.ts";
import { type FieldPlan, goElement, goType, type MessagePlan, planOf } from "./plan.ts";
import { canonicalText, inRange, isText } from "./scalars.ts";
import { type StrictProblem, Trail } from "./trail.ts";

/**
 * The value as a decoded message; unknown fields are dropped and reported. What it shares with `settled`, a decoded message of this type, is
 * taken as it is. Throws DecodeError where a type is wrong.
 */
export function normalise<T>(type: Type<T>, value: Json, settled?: NoInfer<T>): { value: T; problems: readonly StrictProblem[] } {
  const trail = new Trail();
  const plan = planOf(type);
  return { value: (message(plan, value, trail, settled) ?? plan.empty()) as T, problems: trail.problems };
}

/** Undefined stands for null. */
function message(plan: MessagePlan, value: unknown, trail: Trail, settled?: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  if (plan.type.options.either !== undefined) return either(plan, value, trail);
  if (typeof value !== "object" || Array.isArray(value)) throw trail.mismatch(found(value), plan.goName);
  const level = enter(trail, plan);
  const given = value as Record<string, unknown>;
  const unknown = Object.keys(given).filter((key) => !plan.byName.has(key) && given[key] !== undefined);
  if (!plan.keepsUnknown) for (const key of unknown) trail.problem("unknown", key);
  const fillers = plan.fillers();
  const before = typeof settled === "object" && settled !== null ? (settled as Record<string, unknown>) : undefined;
  const object: Record<string, unknown> = {};
  trail.level = level + 1;
  for (const field of plan.fields) {
    let read: unknown;
    if (Object.hasOwn(given, field.name)) {
      const raw = given[field.name];
      if (raw !== undefined && raw !== null) {
        const known = before && Object.hasOwn(before, field.name) ? before[field.name] : undefined;
        trail.steps[level] = field.name;
        read = raw === known ? raw : member(field, raw, trail, known);
      }
    }
    read ??= fillers[field.index];
    if (read !== undefined) object[field.name] = read;
    else if (field.nullable && given[field.name] === null) object[field.name] = null;
  }
  if (plan.keepsUnknown) for (const key of unknown) setKey(object, key, given[key]);
  trail.level = level;
  return object;
}

function enter(trail: Trail, owner: MessagePlan | undefined): number {
  if (trail.level >= depthMax) throw new DecodeError(`exceeded max depth of ${depthMax}`);
  trail.owners[trail.level] = owner;
  return trail.level;
}

function member(field: FieldPlan, value: unknown, trail: Trail, settled?: unknown): unknown {
  if (field.shape === "list") return list(field, value, trail);
  if (field.shape === "map") return map(field, value, trail);
  if (field.scalar === undefined) return message(field.message(), value, trail, settled);
  const read = scalarValue(field.scalar, field, value, trail);
  return read === field.zero && !field.keepsZero ? undefined : read;
}

function list(field: FieldPlan, value: unknown, trail: Trail): unknown {
  if (!Array.isArray(value)) throw trail.mismatch(found(value), goType(field));
  if (value.length === 0 && !field.keepsZero) return undefined;
  const level = enter(trail, undefined);
  trail.level = level + 1;
  const read = value.map((item, index) => {
    trail.steps[level] = index;
    return element(field, item, trail);
  });
  trail.level = level;
  return read;
}

function map(field: FieldPlan, value: unknown, trail: Trail): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw trail.mismatch(found(value), goType(field));
  const read: Record<string, unknown> = {};
  let empty = true;
  const level = enter(trail, undefined);
  trail.level = level + 1;
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined) continue;
    trail.steps[level] = key;
    setKey(read, key, element(field, item, trail));
    empty = false;
  }
  trail.level = level;
  return empty && !field.keepsZero ? undefined : read;
}

function element(field: FieldPlan, value: unknown, trail: Trail): unknown {
  if (field.scalar === undefined) return message(field.message(), value, trail) ?? field.message().empty();
  if (value === null || value === undefined) return field.zero ?? null;
  return scalarValue(field.scalar, field, value, trail);
}

function scalarValue(scalar: Scalar, field: FieldPlan, value: unknown, trail: Trail): unknown {
  switch (scalar) {
    case "int32":
    case "int64":
    case "uint32":
    case "uint64":
      if (typeof value === "number" || typeof value === "bigint")
        return whole(scalar, value) ?? refuse(trail, `number ${value}`, goElement(field));
      break;
    case "double":
      if (typeof value === "number") return value;
      if (typeof value === "bigint") return Number(value);
      break;
    case "bool":
      if (typeof value === "boolean") return value;
      break;
    case "intOrString":
      if (typeof value === "string") return value;
      if (typeof value === "number") return whole("int32", value) ?? refuse(new Trail(), `number ${value}`, "int32");
      return refuse(new Trail(), found(value), "int32");
    case "rawObject":
    case "rawValue":
      return value;
    case "stringList":
      if (Array.isArray(value)) return value.map((item) => (typeof item === "string" ? item : refuse(trail, found(item), "string")));
      break;
    case "quantity":
      return canonicalText(
        scalar,
        typeof value === "string" || typeof value === "number" || typeof value === "bigint" ? String(value) : "",
      );
    case "octets":
      break;
    default:
      if (typeof value === "string") return canonicalText(scalar, value);
      if (isText(scalar) && scalar !== "string" && scalar !== "bytes") return refuse(new Trail(), found(value), "string");
  }
  return refuse(trail, found(value), goElement(field));
}

function whole(scalar: "int32" | "int64" | "uint32" | "uint64", value: number | bigint): number | bigint | undefined {
  if (typeof value === "number" ? !Number.isInteger(value) : false) return undefined;
  if (!inRange(scalar, value)) return undefined;
  if (typeof value === "number") return Number.isSafeInteger(value) ? value + 0 : BigInt(value);
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}

function either(plan: MessagePlan, value: unknown, trail: Trail): unknown {
  const { field, alternative } = plan.type.options.either as { field: string; alternative: string };
  const isObject = typeof value === "object" && !Array.isArray(value);
  const chosen = plan.byName.get(isObject ? field : alternative) as FieldPlan;
  if (isObject) return message(chosen.message(), value, trail);
  return chosen.shape === "list" ? (list(chosen, value, trail) ?? []) : scalarValue(chosen.scalar as Scalar, chosen, value, trail);
}

function refuse(trail: Trail, what: string, expected: string): never {
  throw trail.mismatch(what, expected);
}

/** What a value is, as Go calls it. */
function found(value: unknown): string {
  if (typeof value === "string") return "string";
  if (typeof value === "boolean") return "bool";
  if (typeof value === "number" || typeof value === "bigint") return "number";
  return Array.isArray(value) ? "array" : "object";
}
