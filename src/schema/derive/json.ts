// Reads JSON text straight into decoded values, directed by the declaration: one pass over the text, which finds unknown fields, duplicates and
// wrong types on its way. This is what every create and update goes through first.
import { type PlainJson, readPlainJson, scanPlain, setKey, writePlainJson } from "#wire/json/json.ts";
import { depthMax, JsonScanner } from "#wire/json/scanner.ts";
import type { Json } from "../field.ts";
import type { Scalar, Type } from "../message.ts";
import { type FieldPlan, goElement, goType, hashKey, type MessagePlan, planOf } from "./plan.ts";
import { canonicalText, isText, wholeNumber } from "./scalars.ts";
import { pathText, type StrictProblem, Trail } from "./trail.ts";

export { DecodeError } from "#wire/decode-error.ts";
export { normalise } from "./normalise.ts";
export type { StrictProblem } from "./trail.ts";

/** What was read, and what a strict reader objects to. Unknown fields are dropped; of duplicates the last one counts. */
export interface Reading<T> {
  readonly value: T;
  readonly problems: readonly StrictProblem[];
}

/** Reads one message. Throws DecodeError when the text is no JSON or a value has the wrong type. */
export function readJson<T>(type: Type<T>, text: string): Reading<T> {
  const reader = new Reader(text);
  const plan = planOf(type);
  const value = reader.readMessage(plan, plan.goName) ?? plan.empty();
  reader.finish();
  return { value: value as T, problems: reader.trail.problems };
}

/** Reads JSON of any shape, as patches and custom resources have. Throws DecodeError. */
export function readUnknownJson(text: string): Json {
  return readPlainJson(text);
}

/** The same, with the keys that came twice. */
export function readUnknownJsonStrictly(text: string): Reading<Json> {
  const problems: StrictProblem[] = [];
  const value: PlainJson = readPlainJson(text, (path, key) => {
    const full = pathText(path, key);
    if (problems.length < 100) problems.push({ type: "duplicate", path: full, message: `duplicate field ${JSON.stringify(full)}` });
  });
  return { value, problems };
}

/** JSON text of a decoded value, compact. */
export function writeJson(value: unknown): string {
  return writePlainJson(value);
}

/** Marks a field that was given but stands for nothing: null, or a zero value that is not kept. */
const nothing = null;

class Reader {
  readonly trail = new Trail();
  readonly #scanner: JsonScanner;
  /** The values of the messages being read, one range of slots each: undefined until the field was met. */
  readonly #slots: unknown[] = [];
  #top = 0;
  #unknownKey = "";

  constructor(text: string) {
    this.#scanner = new JsonScanner(text);
  }

  finish(): void {
    this.#scanner.finish();
  }

  /** Undefined stands for null. */
  readMessage(plan: MessagePlan, expected: string): unknown {
    if (plan.type.options.either !== undefined) return this.#readEither(plan);
    const scanner = this.#scanner;
    const code = scanner.peek();
    if (code !== 123) return this.#nullOr(code, expected);
    const { trail } = this;
    const level = trail.level;
    if (level >= depthMax) throw scanner.tooDeep();
    scanner.at++;
    if (scanner.peek() === 125) {
      scanner.at++;
      return plan.empty();
    }
    const { fields } = plan;
    const slots = this.#slots;
    const base = this.#top;
    const top = base + fields.length;
    let unknown: Record<string, unknown> | undefined;
    for (let slot = base; slot < top; slot++) slots[slot] = undefined;
    this.#top = top;
    trail.owners[level] = plan;
    let previous = -1;
    do {
      const index = this.#readKey(plan, previous);
      if (index < 0) {
        if (plan.keepsUnknown) unknown = this.#readUnknown(unknown);
        continue;
      }
      previous = index;
      const field = fields[index] as FieldPlan;
      if (slots[base + index] !== undefined) trail.problem("duplicate", field.name);
      trail.steps[level] = field.name;
      trail.level = level + 1;
      slots[base + index] = this.#readField(field);
      trail.level = level;
    } while (scanner.another(125));
    this.#top = base;
    const fillers = plan.fillers();
    const object: Record<string, unknown> = {};
    for (let index = 0; index < fields.length; index++) {
      const value = slots[base + index] ?? fillers[index];
      if (value !== undefined) object[(fields[index] as FieldPlan).name] = value;
      else if (slots[base + index] === nothing && (fields[index] as FieldPlan).nullable) object[(fields[index] as FieldPlan).name] = null;
    }
    if (unknown !== undefined) for (const key of Object.keys(unknown)) setKey(object, key, unknown[key]);
    return object;
  }

  /** Reads the value of the undeclared key that was just read. */
  #readUnknown(before: Record<string, unknown> | undefined): Record<string, unknown> {
    const unknown = before ?? {};
    const key = this.#unknownKey;
    if (Object.hasOwn(unknown, key)) this.trail.problem("duplicate", key);
    setKey(unknown, key, scanPlain(this.#scanner, this.trail.level + 1, undefined, []));
    return unknown;
  }

  /** Reads a key and its colon; -1 for an undeclared one, whose value is read too where it is not kept. */
  #readKey(plan: MessagePlan, previous: number): number {
    const scanner = this.#scanner;
    if (scanner.peek() !== 34) throw scanner.notAKey();
    const { text } = scanner;
    // Objects of a kind tend to have the same fields in the same order.
    const expected = plan.followers[previous + 1] as number;
    if (expected >= 0) {
      const key = plan.keys[expected] as string;
      if (text.startsWith(key, scanner.at)) {
        scanner.at += key.length;
        return expected;
      }
    }
    const start = scanner.at + 1;
    let end = start;
    let hash = 0;
    let code = text.charCodeAt(end);
    while (code !== 34 && code !== 92 && code >= 32) {
      hash = hashKey(hash, code);
      code = text.charCodeAt(++end);
    }
    let index: number;
    let unknown = "";
    if (code === 34) {
      index = plan.find(text, start, end, hash);
      if (index < 0) unknown = text.slice(start, end);
      scanner.at = end + 1;
    } else {
      unknown = scanner.string();
      index = plan.byName.get(unknown)?.index ?? -1;
    }
    scanner.colon();
    if (index >= 0) {
      plan.followers[previous + 1] = index;
      return index;
    }
    if (plan.keepsUnknown) {
      this.#unknownKey = unknown;
      return -1;
    }
    this.trail.problem("unknown", unknown);
    scanPlain(scanner, this.trail.level + 1, undefined, []);
    return -1;
  }

  #readField(field: FieldPlan): unknown {
    if (field.shape === "list") return this.#readList(field);
    if (field.shape === "map") return this.#readMap(field);
    if (field.scalar === undefined) return this.readMessage(field.message(), goElement(field)) ?? nothing;
    const value = this.#readScalar(field.scalar, field);
    return value === undefined || (value === field.zero && !field.keepsZero) ? nothing : value;
  }

  #readList(field: FieldPlan): unknown {
    const scanner = this.#scanner;
    const code = scanner.peek();
    if (code !== 91) return this.#nullOr(code, goType(field)) ?? nothing;
    const { trail } = this;
    const level = trail.level;
    if (level >= depthMax) throw scanner.tooDeep();
    scanner.at++;
    if (scanner.peek() === 93) {
      scanner.at++;
      return field.keepsZero ? [] : nothing;
    }
    const list: unknown[] = [];
    trail.owners[level] = undefined;
    do {
      trail.steps[level] = list.length;
      trail.level = level + 1;
      list.push(this.#readElement(field));
    } while (scanner.another(93));
    trail.level = level;
    return list;
  }

  #readMap(field: FieldPlan): unknown {
    const scanner = this.#scanner;
    const code = scanner.peek();
    if (code !== 123) return this.#nullOr(code, goType(field)) ?? nothing;
    const { trail } = this;
    const level = trail.level;
    if (level >= depthMax) throw scanner.tooDeep();
    scanner.at++;
    if (scanner.peek() === 125) {
      scanner.at++;
      return field.keepsZero ? {} : nothing;
    }
    const map: Record<string, unknown> = {};
    trail.owners[level] = undefined;
    do {
      if (scanner.peek() !== 34) throw scanner.notAKey();
      const key = scanner.string();
      scanner.colon();
      if (Object.hasOwn(map, key)) trail.problem("duplicate", key);
      trail.steps[level] = key;
      trail.level = level + 1;
      setKey(map, key, this.#readElement(field));
      trail.level = level;
    } while (scanner.another(125));
    return map;
  }

  /** What a list or map holds; null stands for the zero value. */
  #readElement(field: FieldPlan): unknown {
    if (field.scalar === undefined) {
      const plan = field.message();
      return this.readMessage(plan, plan.goName) ?? plan.empty();
    }
    const value = this.#readScalar(field.scalar, field);
    return value === undefined ? (field.zero ?? null) : value;
  }

  #readScalar(scalar: Scalar, field: FieldPlan): unknown {
    const scanner = this.#scanner;
    const code = scanner.peek();
    if (code === 34 && scalar === "string") return scanner.string();
    switch (scalar) {
      case "int32":
      case "int64":
      case "uint32":
      case "uint64": {
        if (!(code === 45 || (code >= 48 && code <= 57))) break;
        const short = scanner.shortNumber();
        if (short >= 0) return short;
        const { at } = scanner;
        const text = scanner.number();
        const value = wholeNumber(scalar, text);
        if (value === undefined) throw this.trail.mismatch(`number ${text}`, goElement(field), at);
        return value;
      }
      case "bool":
        if (code !== 116 && code !== 102) break;
        scanner.word(code === 116 ? "true" : "false");
        return code === 116;
      case "intOrString": {
        if (code === 34) return scanner.string();
        if (code === 110) break;
        const short = scanner.shortNumber();
        if (short >= 0) return short;
        const { at } = scanner;
        const found = this.#found(code);
        const value = found.startsWith("number ") ? wholeNumber("int32", found.slice(7)) : undefined;
        if (value === undefined) throw new Trail().mismatch(found, "int32", at);
        return value;
      }
      case "double": {
        if (!(code === 45 || (code >= 48 && code <= 57))) break;
        const { at } = scanner;
        const text = scanner.number();
        const value = Number(text);
        if (!Number.isFinite(value)) throw this.trail.mismatch(`number ${text}`, "float64", at);
        return value + 0;
      }
      case "rawObject":
      case "rawValue":
        if (code === 110) break;
        return scanPlain(scanner, this.trail.level, undefined, []);
      case "stringList":
        if (code === 91) return this.#readStrings();
        break;
      case "quantity":
        if (code === 34) return canonicalText(scalar, scanner.string());
        if (code !== 110) return canonicalText(scalar, this.#found(code).replace(/^number /, ""));
        break;
      case "octets":
        break;
      default:
        if (code === 34) return canonicalText(scalar, scanner.string());
    }
    // Times and durations are read by types of their own upstream, which do not know in which field they stand.
    if (code !== 34 && isText(scalar) && scalar !== "string" && scalar !== "bytes" && code !== 110) {
      throw new Trail().mismatch(this.#found(code).replace(/^number .*/s, "number"), "string", scanner.at);
    }
    return this.#nullOr(code, goElement(field));
  }

  #readStrings(): readonly string[] {
    const scanner = this.#scanner;
    scanner.at++;
    const list: string[] = [];
    if (scanner.peek() === 93) {
      scanner.at++;
      return list;
    }
    do {
      const code = scanner.peek();
      if (code === 34) list.push(scanner.string());
      else {
        this.#nullOr(code, "string");
        list.push("");
      }
    } while (scanner.another(93));
    return list;
  }

  /** A message that JSON writes as one of two things: an object is the one, anything else the other. */
  #readEither(plan: MessagePlan): unknown {
    const { field, alternative } = plan.type.options.either as { field: string; alternative: string };
    const code = this.#scanner.peek();
    if (code === 110) return this.#nullOr(code, plan.goName);
    const chosen = plan.byName.get(code === 123 ? field : alternative) as FieldPlan;
    if (code === 123) return this.readMessage(chosen.message(), chosen.message().goName);
    return chosen.shape === "list" ? (this.#readList(chosen) ?? []) : this.#readScalar(chosen.scalar as Scalar, chosen);
  }

  /** Reads null as undefined; anything else is of the wrong type. */
  #nullOr(code: number, expected: string): undefined {
    if (code === 110) {
      this.#scanner.word("null");
      return undefined;
    }
    const { at } = this.#scanner;
    throw this.trail.mismatch(this.#found(code).replace(/^number .*/s, "number"), expected, at);
  }

  /** What begins here, as Go calls it. A number is read. */
  #found(code: number): string {
    if (code === 34) return "string";
    if (code === 123) return "object";
    if (code === 91) return "array";
    if (code === 116 || code === 102) {
      this.#scanner.word(code === 116 ? "true" : "false");
      return "bool";
    }
    if (code === 45 || (code >= 48 && code <= 57)) return `number ${this.#scanner.number()}`;
    throw this.#scanner.notAValue();
  }
}
