// The words of the declaration language. Each takes the protobuf number first: `replicas: int32(1, { optional: true, default: 1, min: 0 })`.
import type { Element, Field, FieldOptions, Scalar, Type } from "./message.ts";

/** A JSON value, as it stands in objects whose shape is not declared. */
export type Json = null | boolean | number | bigint | string | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** Whole numbers up to 64 bits: a bigint where a number would lose digits. */
export type Int64 = number | bigint;
/** A number of something ("500m", "2Gi"), in canonical form. */
export type Quantity = string;
/** RFC 3339 in UTC with whole seconds: "2026-01-01T00:00:00Z". */
export type Time = string;
/** RFC 3339 in UTC with microseconds: "2026-01-01T00:00:00.000000Z". */
export type MicroTime = string;

type Certain = { readonly required: true } | { readonly default: {} } | { readonly always: true };
type IsOptional<O> = O extends { readonly optional: true } ? true : false;
type PresentScalar<O> = O extends Certain ? true : false;
type PresentMessage<O> = O extends { readonly optional: true } ? PresentScalar<O> : true;

function scalar<T>(name: Scalar) {
  return <const O extends FieldOptions = {}>(number: number, options?: O): Field<T, PresentScalar<O>, IsOptional<O>> => ({
    ...options,
    number,
    shape: "one",
    element: { scalar: name },
  });
}

export const bool = scalar<boolean>("bool");
export const int32 = scalar<number>("int32");
export const int64 = scalar<Int64>("int64");
export const uint32 = scalar<number>("uint32");
export const uint64 = scalar<Int64>("uint64");
export const double = scalar<number>("double");
/** base64 text. */
export const bytes = scalar<string>("bytes");
/** Bytes as they are, for messages of protocols. */
export const octets = scalar<Uint8Array>("octets");
export const quantity = scalar<Quantity>("quantity");
export const intOrString = scalar<number | string>("intOrString");
export const time = scalar<Time>("time");
export const microTime = scalar<MicroTime>("microTime");
export const duration = scalar<string>("duration");
export const rawObject = scalar<JsonObject>("rawObject");
export const rawValue = scalar<Json>("rawValue");
export const stringList = scalar<readonly string[]>("stringList");

/** With `enum`, the value's type is the union of the words. */
export function string<const O extends FieldOptions = {}>(
  number: number,
  options?: O,
): Field<O extends { readonly enum: readonly (infer Word extends string)[] } ? Word : string, PresentScalar<O>, IsOptional<O>> {
  return { ...options, number, shape: "one", element: { scalar: "string" } };
}

/** A field holding one message. Without `optional` it is always there, empty when nothing was said. */
export function one<T, const O extends FieldOptions = {}>(
  number: number,
  type: () => Type<T>,
  options?: O,
): Field<T, PresentMessage<O>, IsOptional<O>> {
  return { ...options, number, shape: "one", element: { message: type } };
}

/** What lists and maps hold: a message, or the name of a scalar. */
type ElementOf<T> = (() => Type<T>) | Scalar;
type ScalarValue = {
  string: string;
  bool: boolean;
  int32: number;
  int64: Int64;
  uint32: number;
  uint64: Int64;
  double: number;
  bytes: string;
  octets: Uint8Array;
  quantity: Quantity;
  intOrString: number | string;
  time: Time;
  microTime: MicroTime;
  duration: string;
  rawObject: JsonObject;
  rawValue: Json;
  stringList: readonly string[];
};

function element(of: ElementOf<unknown>): Element {
  return typeof of === "string" ? { scalar: of } : { message: of };
}

export function list<const S extends Scalar, const O extends FieldOptions = {}>(
  number: number,
  of: S,
  options?: O,
): Field<readonly ScalarValue[S][], PresentScalar<O>, IsOptional<O>>;
export function list<T, const O extends FieldOptions = {}>(
  number: number,
  of: () => Type<T>,
  options?: O,
): Field<readonly T[], PresentScalar<O>, IsOptional<O>>;
export function list(number: number, of: ElementOf<unknown>, options?: FieldOptions): Field<readonly unknown[]> {
  return { ...options, number, shape: "list", element: element(of) };
}

export function map<const S extends Scalar, const O extends FieldOptions = {}>(
  number: number,
  of: S,
  options?: O,
): Field<Readonly<Record<string, ScalarValue[S]>>, PresentScalar<O>, IsOptional<O>>;
export function map<T, const O extends FieldOptions = {}>(
  number: number,
  of: () => Type<T>,
  options?: O,
): Field<Readonly<Record<string, T>>, PresentScalar<O>, IsOptional<O>>;
export function map(number: number, of: ElementOf<unknown>, options?: FieldOptions): Field<Readonly<Record<string, unknown>>> {
  return { ...options, number, shape: "map", element: element(of) };
}
