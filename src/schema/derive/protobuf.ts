// Protobuf of declared messages: "api" byte for byte as the Kubernetes API server writes it, "protocol" as proto3 does.
import { decodeBase64, encodeBase64 } from "#base/base64.ts";
import { DecodeError } from "#wire/decode-error.ts";
import { readPlainJson, setKey, writePlainJson } from "#wire/json/json.ts";
import { ProtobufReader } from "#wire/protobuf/reader.ts";
import { fixed64Type, lengthType, ProtobufWriter, varintType } from "#wire/protobuf/writer.ts";
import type { Scalar, Type } from "../message.ts";
import { canonicalQuantity } from "../quantity.ts";
import { formatDuration, formatMicro, formatSeconds, parseDuration, parseMoment, secondsMax, secondsMin } from "../time.ts";
import { type FieldPlan, type MessagePlan, planOf } from "./plan.ts";
import { layoutOf, type Slot } from "./protobuf-layout.ts";

export { unwrapUnknown, wrapUnknown } from "#wire/protobuf/envelope.ts";

/** Protobuf messages nest no deeper when read: upstream's limit. */
const depthMax = 1000;

/** The bytes of a decoded value. */
export function writeProtobuf<T>(type: Type<T>, value: T): Uint8Array<ArrayBuffer> {
  const writer = new ProtobufWriter();
  writeMessage(writer, planOf(type), value);
  return writer.finish();
}

function writeMessage(writer: ProtobufWriter, plan: MessagePlan, value: unknown): void {
  const { slots, protocol } = layoutOf(plan);
  const object = plan.type.options.either === undefined ? value : spelledOut(plan, value);
  writeSlots(writer, slots, object as Record<string, unknown>, protocol);
}

function writeSlots(writer: ProtobufWriter, slots: readonly Slot[], object: Record<string, unknown>, protocol: boolean): void {
  for (const { number, field, group } of slots) {
    if (group !== undefined) {
      const before = writer.length;
      writeSlots(writer, group, object, protocol);
      writer.enclose(number, before);
    } else if (field !== undefined) {
      writeField(writer, number, field, Object.hasOwn(object, field.name) ? object[field.name] : undefined, protocol);
    }
  }
}

function writeField(writer: ProtobufWriter, number: number, field: FieldPlan, value: unknown, protocol: boolean): void {
  const { shape, scalar } = field;
  if (shape === "list") {
    if (value === undefined) return;
    const items = value as readonly unknown[];
    if (protocol && items.length > 0 && isPackable(scalar)) {
      const before = writer.length;
      for (let index = items.length - 1; index >= 0; index--) writeNumber(writer, scalar, items[index]);
      writer.enclose(number, before);
      return;
    }
    for (let index = items.length - 1; index >= 0; index--) writeElement(writer, number, field, items[index]);
    return;
  }
  if (shape === "map") {
    if (value === undefined) return;
    const map = value as Record<string, unknown>;
    const keys = Object.keys(map);
    if (keys.length > 1) keys.sort(byCodePoint).reverse();
    for (const key of keys) {
      const before = writer.length;
      writeElement(writer, 2, field, map[key]);
      writer.textField(1, key);
      writer.enclose(number, before);
    }
    return;
  }
  if (value === undefined) {
    if (protocol || field.optional || scalar === "bytes") return;
    if (scalar === undefined) writeElement(writer, number, field, field.message().empty());
    else if (field.zero === undefined) writer.enclose(number, writer.length);
    else writeElement(writer, number, field, field.zero);
    return;
  }
  if (!field.optional) {
    if (protocol) {
      if (value === field.zero) return;
      const before = writer.length;
      writeElement(writer, number, field, value);
      // An empty message, or no bytes, stands for none: take the tag and the length back.
      if (scalar === undefined || scalar === "octets") writer.dropEmpty(number, before);
      return;
    }
    if (scalar === "bytes" && value === "") return;
  }
  writeElement(writer, number, field, value);
}

function writeElement(writer: ProtobufWriter, number: number, { scalar, message }: FieldPlan, value: unknown): void {
  const before = writer.length;
  switch (scalar) {
    case undefined:
      writeMessage(writer, message(), value);
      break;
    case "string":
      writer.text(value as string);
      break;
    case "int32":
    case "int64":
    case "uint32":
    case "uint64":
    case "bool":
      writeNumber(writer, scalar, value);
      writer.tag(number, varintType);
      return;
    case "double":
      writeNumber(writer, scalar, value);
      writer.tag(number, fixed64Type);
      return;
    case "bytes":
      writer.raw(bytesOf(value as string));
      break;
    case "octets":
      writer.raw(value as Uint8Array);
      break;
    case "quantity":
      writer.textField(1, value as string);
      break;
    case "intOrString": {
      const isText = typeof value === "string";
      writer.textField(3, isText ? value : "");
      writer.varint(isText ? 0 : (value as number));
      writer.tag(2, varintType);
      writer.varint(isText ? 1 : 0);
      writer.tag(1, varintType);
      break;
    }
    case "time":
    case "microTime": {
      const { seconds, nanos } = parseMoment(value as string);
      writer.varint(scalar === "time" ? 0 : nanos - (nanos % 1000));
      writer.tag(2, varintType);
      writer.varint(seconds);
      writer.tag(1, varintType);
      break;
    }
    case "duration":
      writer.varint(parseDuration(value as string));
      writer.tag(1, varintType);
      break;
    case "rawObject":
    case "rawValue":
      writer.textField(1, writePlainJson(value));
      break;
    case "stringList": {
      const items = value as readonly string[];
      for (let index = items.length - 1; index >= 0; index--) writer.textField(1, items[index] as string);
      break;
    }
  }
  writer.enclose(number, before);
}

function writeNumber(writer: ProtobufWriter, scalar: Scalar | undefined, value: unknown): void {
  if (scalar === "double") writer.double(value as number);
  else writer.varint(scalar === "bool" ? (value === true ? 1 : 0) : (value as number | bigint));
}

function isPackable(scalar: Scalar | undefined): boolean {
  return scalar === "int32" || scalar === "int64" || scalar === "uint32" || scalar === "uint64" || scalar === "bool" || scalar === "double";
}

function bytesOf(text: string): Uint8Array {
  const bytes = decodeBase64(text);
  if (typeof bytes === "number") throw new DecodeError(`illegal base64 data at input byte ${bytes}`);
  return bytes;
}

/** Go sorts keys by their bytes, which is by code point; JavaScript's own order differs above U+FFFF only. */
function byCodePoint(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at++) {
    const a = left.charCodeAt(at);
    const b = right.charCodeAt(at);
    if (a === b) continue;
    const aHigh = a >= 0xd800 && a <= 0xdfff;
    const bHigh = b >= 0xd800 && b <= 0xdfff;
    return aHigh === bHigh ? a - b : aHigh ? 1 : -1;
  }
  return left.length - right.length;
}

/** The message behind a value that JSON writes as one of two things. */
function spelledOut(plan: MessagePlan, value: unknown): Record<string, unknown> {
  const { field, alternative } = plan.type.options.either as { field: string; alternative: string };
  const other = plan.byName.get(alternative) as FieldPlan;
  if (typeof value !== "object" || Array.isArray(value)) return { [alternative]: value };
  return other.scalar === "bool" ? { [field]: value, [alternative]: true } : { [field]: value };
}

/** The value as JSON writes it, from the message behind it. */
function foldedUp(plan: MessagePlan, object: Record<string, unknown>): unknown {
  const { field, alternative } = plan.type.options.either as { field: string; alternative: string };
  if (object[field] !== undefined) return object[field];
  const other = plan.byName.get(alternative) as FieldPlan;
  return object[alternative] ?? (other.shape === "list" ? [] : other.zero);
}

/** Reads one message; `typeMeta` is put into the object of a kind, since its protobuf does not carry it. Throws DecodeError. */
export function readProtobuf<T>(type: Type<T>, bytes: Uint8Array, typeMeta?: { readonly apiVersion: string; readonly kind: string }): T {
  return readMessage(new ProtobufReader(bytes), planOf(type), 0, typeMeta) as T;
}

function readMessage(
  reader: ProtobufReader,
  plan: MessagePlan,
  depth: number,
  typeMeta?: { readonly apiVersion: string; readonly kind: string },
): unknown {
  if (depth > depthMax) throw reader.wrong("proto: message nested too deeply");
  const values: unknown[] = new Array(plan.fields.length);
  readSlots(reader, layoutOf(plan).byNumber, values, depth);
  const fillers = plan.fillers();
  const object: Record<string, unknown> = {};
  if (typeMeta !== undefined) {
    object["kind"] = typeMeta.kind;
    object["apiVersion"] = typeMeta.apiVersion;
  }
  for (const field of plan.fields) {
    const value = values[field.index];
    const kept = value === undefined || (value === field.zero && !field.keepsZero) ? fillers[field.index] : value;
    if (kept !== undefined) object[field.name] = kept;
  }
  return plan.type.options.either === undefined ? object : foldedUp(plan, object);
}

function readSlots(reader: ProtobufReader, byNumber: ReadonlyMap<number, Slot>, values: unknown[], depth: number): void {
  while (!reader.done) {
    const tag = reader.varint32();
    const number = tag >>> 3;
    const wireType = tag & 7;
    if (number === 0) throw reader.wrong(`proto: illegal tag ${number} (wire type ${wireType})`);
    const slot = byNumber.get(number);
    if (slot === undefined) {
      reader.skip(wireType);
      continue;
    }
    if (slot.group !== undefined) {
      reader.expect(wireType, lengthType);
      const outerEnd = reader.enter();
      readSlots(reader, slot.byNumber, values, depth + 1);
      reader.leave(outerEnd);
      continue;
    }
    const field = slot.field as FieldPlan;
    const before = values[field.index];
    values[field.index] = readField(reader, field, wireType, before, depth);
  }
}

function readField(reader: ProtobufReader, field: FieldPlan, wireType: number, before: unknown, depth: number): unknown {
  if (field.shape === "one") return readElement(reader, field, wireType, depth);
  if (field.shape === "list") {
    const list = (before ?? []) as unknown[];
    if (wireType === lengthType && isPackable(field.scalar)) {
      const outerEnd = reader.enter();
      while (!reader.done) list.push(readNumber(reader, field.scalar as Scalar));
      reader.leave(outerEnd);
    } else {
      list.push(readElement(reader, field, wireType, depth) ?? null);
    }
    return list;
  }
  reader.expect(wireType, lengthType);
  const map = (before ?? {}) as Record<string, unknown>;
  const outerEnd = reader.enter();
  let key = "";
  let value: unknown;
  while (!reader.done) {
    const tag = reader.varint32();
    if (tag >>> 3 === 1) {
      reader.expect(tag & 7, lengthType);
      key = reader.string();
    } else if (tag >>> 3 === 2) {
      value = readElement(reader, field, tag & 7, depth);
    } else {
      reader.skip(tag & 7);
    }
  }
  reader.leave(outerEnd);
  setKey(map, key, value ?? (field.scalar === undefined ? field.message().empty() : (field.zero ?? null)));
  return map;
}

function readElement(reader: ProtobufReader, field: FieldPlan, wireType: number, depth: number): unknown {
  const { scalar } = field;
  if (isPackable(scalar)) {
    reader.expect(wireType, scalar === "double" ? fixed64Type : varintType);
    return readNumber(reader, scalar as Scalar);
  }
  reader.expect(wireType, lengthType);
  switch (scalar) {
    case undefined: {
      const outerEnd = reader.enter();
      const value = readMessage(reader, field.message(), depth + 1);
      reader.leave(outerEnd);
      return value;
    }
    case "string":
      return reader.string();
    case "bytes":
      return encodeBase64(reader.view());
    case "octets":
      // A copy, so that a value does not keep alive all that came with it.
      return reader.view().slice();
    default: {
      const outerEnd = reader.enter();
      const value = readSpecial(reader, scalar);
      reader.leave(outerEnd);
      return value;
    }
  }
}

function readNumber(reader: ProtobufReader, scalar: Scalar): unknown {
  switch (scalar) {
    case "int32":
      return reader.varint32() | 0;
    case "uint32":
      return reader.varint32();
    case "bool":
      return reader.int64() !== 0;
    case "double":
      return reader.double();
    case "uint64":
      return reader.uint64();
    default:
      return reader.int64();
  }
}

/** The scalars that are small messages in protobuf: their fields 1 to 3, as far as they are there. */
function readSpecial(reader: ProtobufReader, scalar: Scalar): unknown {
  let first: number | bigint = 0;
  let second: number | bigint = 0;
  let text: string | undefined;
  const texts: string[] = [];
  const isEmpty = reader.done;
  while (!reader.done) {
    const tag = reader.varint32();
    const number = tag >>> 3;
    const wireType = tag & 7;
    if (wireType === varintType && number === 1) first = reader.int64();
    else if (wireType === varintType && number === 2) second = reader.int64();
    else if (wireType === lengthType && (number === 1 || number === 3)) {
      text = reader.string();
      texts.push(text);
    } else reader.skip(wireType);
  }
  switch (scalar) {
    case "quantity":
      return text === undefined || text === "" ? "0" : canonicalQuantity(text);
    case "intOrString":
      return first === 1 ? (text ?? "") : Number(BigInt.asIntN(32, BigInt(second)));
    case "time":
    case "microTime": {
      if (isEmpty) return undefined;
      const seconds = Number(first);
      const nanos = Number(second);
      if (seconds < secondsMin || seconds > secondsMax || nanos < 0 || nanos > 999_999_999) throw reader.wrong("proto: time out of range");
      return scalar === "time" ? formatSeconds(seconds) : formatMicro({ seconds, nanos });
    }
    case "duration":
      return formatDuration(BigInt(first));
    case "stringList":
      return texts;
    default:
      return text === undefined || text === "" ? undefined : (readPlainJson(text) ?? undefined);
  }
}
