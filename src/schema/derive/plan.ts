// What readers and writers need to know of a message, worked out once and kept: one plan a message, made when first used.
import type { Field, Scalar, Type } from "../message.ts";

export interface FieldPlan {
  readonly name: string;
  readonly index: number;
  readonly field: Field;
  readonly shape: "one" | "list" | "map";
  /** Undefined where the element is a message. */
  readonly scalar: Scalar | undefined;
  readonly optional: boolean;
  /** Whether a zero value is put in where nothing was said. */
  readonly always: boolean;
  /** Whether a zero value stays in the object. */
  readonly keepsZero: boolean;
  /** Whether a null stays in the object. */
  readonly nullable: boolean;
  /** What a null inside a list or map stands for. */
  readonly zero: unknown;
  /** Of the element, where it is a message. */
  readonly message: () => MessagePlan;
}

export interface MessagePlan {
  readonly type: Type<unknown>;
  readonly name: string;
  readonly fields: readonly FieldPlan[];
  readonly byName: ReadonlyMap<string, FieldPlan>;
  readonly keepsUnknown: boolean;
  /** As Go prints the type: "v1.PodSpec". */
  readonly goName: string;
  /** The message of nothing: {} with what is always there. Frozen. */
  readonly empty: () => unknown;
  /** By field index, what stands in the object when nothing was said; undefined where nothing does. Shared and frozen. */
  readonly fillers: () => readonly unknown[];
  /** The names as JSON writes them before a value: `"name":`. */
  readonly keys: readonly string[];
  /** By the index of a field plus one, the index of the field that came next the last time; -1 while unknown. The only part of a plan that changes. */
  readonly followers: Int16Array;
  /** The index of the field of `text.slice(start, end)`, whose characters gave `hash`; -1 when there is none. */
  readonly find: (text: string, start: number, end: number, hash: number) => number;
}

const plans = new WeakMap<Type<unknown>, MessagePlan>();

/** The plan of a message. */
export function planOf(type: Type<unknown>): MessagePlan {
  const known = plans.get(type);
  if (known !== undefined) return known;
  const plan = makePlan(type);
  plans.set(type, plan);
  return plan;
}

function makePlan(type: Type<unknown>): MessagePlan {
  const fields: FieldPlan[] = [];
  if (type.options.typed === true) {
    for (const name of ["kind", "apiVersion"]) {
      if (!Object.hasOwn(type.fields, name)) fields.push(planField(name, typeMetaField, fields.length, false));
    }
  }
  const filled = type.options.syntax === "protocol";
  for (const [name, field] of Object.entries(type.fields)) fields.push(planField(name, field, fields.length, filled));
  let empty: unknown;
  let fillers: readonly unknown[] | undefined;
  const fillersOnce = () => (fillers ??= fields.map(fillerOf));
  return {
    type,
    name: type.name,
    fields,
    byName: new Map(fields.map((field) => [field.name, field])),
    keepsUnknown: type.options.keepsUnknown === true,
    goName: goName(type),
    empty: () => (empty ??= makeEmpty(fields, fillersOnce())),
    fillers: fillersOnce,
    keys: fields.map(({ name }) => `${JSON.stringify(name)}:`),
    followers: new Int16Array(fields.length + 1).fill(-1),
    find: finder(fields),
  };
}

const typeMetaField: Field = { number: 0, shape: "one", element: { scalar: "string" } };

function planField(name: string, field: Field, index: number, filled: boolean): FieldPlan {
  const { element, shape } = field;
  let message: MessagePlan | undefined;
  const elementMessage = () => {
    if (message === undefined) {
      if (!("message" in element)) throw new TypeError(`field ${name} holds no message`);
      message = planOf(element.message());
    }
    return message;
  };
  const scalar = "scalar" in element ? element.scalar : undefined;
  const zero = scalar === undefined ? undefined : zeroOf(scalar);
  return {
    name,
    index,
    field,
    shape,
    scalar,
    optional: field.optional === true,
    always: filled || field.always === true,
    keepsZero: filled || field.optional === true || field.always === true,
    nullable: field.nullable === true,
    zero,
    message: elementMessage,
  };
}

const emptyList: readonly unknown[] = Object.freeze([]);
const emptyMap = Object.freeze({});
const noOctets = new Uint8Array(0);

/** The zero value of a scalar as it stands in objects; undefined where absence is the only zero. */
export function zeroOf(scalar: Scalar): unknown {
  switch (scalar) {
    case "string":
    case "bytes":
      return "";
    case "octets":
      return noOctets;
    case "bool":
      return false;
    case "int32":
    case "int64":
    case "uint32":
    case "uint64":
    case "double":
    case "intOrString":
      return 0;
    case "quantity":
      return "0";
    case "duration":
      return "0s";
    case "stringList":
      return emptyList;
    case "time":
    case "microTime":
    case "rawObject":
    case "rawValue":
      return undefined;
  }
}

function fillerOf({ optional, always, shape, scalar, zero, message }: FieldPlan): unknown {
  if (optional) return undefined;
  if (shape === "one" && scalar === undefined) return message().empty();
  if (!always) return undefined;
  return shape === "one" ? zero : shape === "list" ? emptyList : emptyMap;
}

function makeEmpty(fields: readonly FieldPlan[], fillers: readonly unknown[]): unknown {
  const object: Record<string, unknown> = {};
  for (const { name, index } of fields) {
    if (fillers[index] !== undefined) object[name] = fillers[index];
  }
  return Object.freeze(object);
}

/** Hashes a key as scanners do, character by character. */
export function hashKey(hash: number, code: number): number {
  return (Math.imul(hash, 31) + code) | 0;
}

/** A hash table over the names, so that keys are found in the text without making strings of them. */
function finder(fields: readonly FieldPlan[]): MessagePlan["find"] {
  let size = 4;
  while (size < fields.length * 3) size *= 2;
  const mask = size - 1;
  const slots = new Int16Array(size).fill(-1);
  const names = fields.map(({ name }) => name);
  for (const { name, index } of fields) {
    let hash = 0;
    for (let at = 0; at < name.length; at++) hash = hashKey(hash, name.charCodeAt(at));
    let slot = (hash ^ (hash >>> 15)) & mask;
    while (slots[slot] !== -1) slot = (slot + 1) & mask;
    slots[slot] = index;
  }
  return (text, start, end, hash) => {
    let slot = (hash ^ (hash >>> 15)) & mask;
    for (;;) {
      const index = slots[slot] as number;
      if (index === -1) return -1;
      const name = names[index] as string;
      if (name.length === end - start && text.startsWith(name, start)) return index;
      slot = (slot + 1) & mask;
    }
  };
}

const goScalars: Readonly<Record<Scalar, string>> = {
  string: "string",
  bool: "bool",
  int32: "int32",
  int64: "int64",
  uint32: "uint32",
  uint64: "uint64",
  double: "float64",
  bytes: "[]uint8",
  octets: "[]uint8",
  quantity: "resource.Quantity",
  intOrString: "intstr.IntOrString",
  time: "v1.Time",
  microTime: "v1.MicroTime",
  duration: "string",
  rawObject: "runtime.RawExtension",
  rawValue: "v1.JSON",
  stringList: "v1.ExtraValue",
};

function goName({ name, options }: Type<unknown>): string {
  const version = options.openapi?.split(".").at(-2);
  return version === undefined ? name : `${version}.${name}`;
}

/** A field's element as Go prints its type. */
export function goElement(field: FieldPlan): string {
  return field.scalar === undefined ? field.message().goName : goScalars[field.scalar];
}

/** A field's value as Go prints its type: "[]v1.Container". */
export function goType(field: FieldPlan): string {
  return `${field.shape === "list" ? "[]" : field.shape === "map" ? "map[string]" : ""}${goElement(field)}`;
}
