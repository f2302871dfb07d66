// The declaration language: a message is a named set of fields; everything else (types, codecs, defaults, merging, OpenAPI) derives from it.
//
// How values look once decoded, everywhere inside Keelson:
// - plain JSON values, read-only and shared; no classes. Objects have the keys that were set, in no particular order.
// - a field declared neither `optional` nor `always` is left out when it holds its zero value ("", 0, false, [], {}): absent and zero are one.
// - an `optional` field tells absent from zero. `null` never appears: it is read as absent.
// - a field holding a message, neither `optional` nor part of a list, is always there, as {} when empty.
// - `always` scalars are there with their zero value, `always` lists and maps as [] and {}.
// - int64 is a number where it is safe, else a bigint. bytes are base64 text. time, microTime, duration and quantity are text in canonical form.

/** What a single value is. The last group has encodings of its own, described in derive/. */
export type Scalar =
  | "string"
  | "bool"
  | "int32"
  | "int64"
  | "uint32"
  | "uint64"
  | "double"
  | "bytes"
  /** Bytes as they are, in messages of protocols: nothing that JSON could show. */
  | "octets"
  | "quantity"
  | "intOrString"
  | "time"
  | "microTime"
  | "duration"
  /** Any JSON object; in protobuf a message whose field 1 holds it as JSON (RawExtension, FieldsV1). */
  | "rawObject"
  /** Any JSON value; in protobuf as rawObject (apiextensions JSON). */
  | "rawValue"
  /** A list of strings as one value: in protobuf a message whose field 1 repeats (ExtraValue). */
  | "stringList";

export type Element = { readonly scalar: Scalar } | { readonly message: () => Type<unknown> };

/** Named formats of strings; each has one checker in derive/formats.ts with upstream's message. */
export type Format =
  | "dns1123Label"
  | "dns1123Subdomain"
  | "dns1035Label"
  | "labelKey"
  | "labelValue"
  | "portName"
  | "environmentName"
  | "configMapKey"
  | "absolutePath"
  | "ip"
  | "cidr"
  | "uri";

/** What a field may say about itself besides number and type. */
export interface FieldOptions {
  /** Absent and zero differ (a pointer upstream). */
  readonly optional?: boolean;
  /** Written even when empty. */
  readonly always?: boolean;
  /** Must be given by whoever creates the object; `minLength: 0` beside it allows empty text. Not checked in status, nor for `always` lists. */
  readonly required?: boolean;
  /** Put in when absent, once, on the way in. A value that depends on other fields is set by the kind's `default` instead. */
  readonly default?: unknown;
  readonly min?: number;
  readonly max?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly enum?: readonly string[];
  readonly format?: Format;
  /** A list of "map" whose keys may repeat all the same: upstream only warns. */
  readonly duplicates?: "allowed";
  /** May not change after creation. */
  readonly immutable?: boolean;
  /** How lists merge under server-side apply, and by which keys. Maps and messages are granular unless "atomic". */
  readonly list?: "atomic" | "set" | "map";
  readonly keys?: readonly string[];
  /** false: granular here, though the message says it is one value. */
  readonly atomic?: boolean;
  /** null is a value of this `optional` field, and not the same as absent. */
  readonly nullable?: boolean;
  /** How strategic merge patch treats the field. */
  readonly patch?: "merge" | "retainKeys" | "replace" | "merge,retainKeys";
  readonly mergeKey?: string;
  /** Served only while this feature gate is on; otherwise dropped from new objects, kept where an object already has it. */
  readonly gate?: string;
  /** One short sentence for `kubectl explain`. */
  readonly doc?: string;
}

export interface Field<T = unknown, Present extends boolean = boolean, Optional extends boolean = boolean> extends FieldOptions {
  /** The protobuf field number; 0 when the field exists in JSON only. */
  readonly number: number;
  readonly shape: "one" | "list" | "map";
  readonly element: Element;
  /** Inline in JSON, but in protobuf inside a message of its own at this number. */
  readonly within?: number;
  /** Never set: carries the value's type, whether the decoded object always has the field, and whether absent and zero differ. */
  readonly "~value"?: T;
  readonly "~present"?: Present;
  readonly "~optional"?: Optional;
}

export type Fields = Readonly<Record<string, Field>>;

export interface MessageOptions {
  /** Merges as one value under server-side apply. */
  readonly atomic?: boolean;
  /** The OpenAPI definition's name, such as "io.k8s.api.core.v1.PodSpec". */
  readonly openapi?: string;
  /** The discriminated unions of the message, as OpenAPI publishes them: the choosing field ("" when there is none) and fields with their values. */
  readonly unions?: readonly { readonly discriminator?: string; readonly fields: Readonly<Record<string, string>> }[];
  /**
   * "api": protobuf as the API server writes it (zero values of plain fields written); JSON by the rules above.
   * "protocol": a proto3 protocol such as CRI or etcd: zero values are not written, and reading fills every plain field in.
   */
  readonly syntax?: "api" | "protocol";
  /** The message of a kind: carries apiVersion and kind beside its fields. */
  readonly typed?: boolean;
  /**
   * A value that JSON writes as one of two things (JSONSchemaPropsOrBool and its kin): as what `field` holds, where that is an object, else as what
   * `alternative` holds. Decoded values look as JSON does; only protobuf has the message with both fields.
   */
  readonly either?: { readonly field: string; readonly alternative: string };
  /** Keeps what is not declared, as it came (nulls too); objects in it merge key by key. */
  readonly keepsUnknown?: boolean;
  readonly doc?: string;
}

/** A message seen from outside: its name and fields at run time, its value's shape in `T`. */
export interface Type<out T> {
  readonly name: string;
  readonly fields: Fields;
  readonly options: MessageOptions;
  readonly "~type"?: T;
}

export interface Message<F extends Fields> extends Type<Infer<{ readonly fields: F }>> {
  readonly fields: F;
}

type Value<F> = F extends Field<infer T> ? T : never;
type PresentKey<F> = { [K in keyof F]: F[K] extends Field<unknown, true> ? K : never }[keyof F];
type OptionalKey<F> = { [K in keyof F]: F[K] extends Field<unknown, boolean, true> ? K : never }[keyof F];

/** The decoded shape of a message. */
export type Infer<M extends { readonly fields: Fields }> = Flatten<
  { readonly [K in PresentKey<M["fields"]>]: Value<M["fields"][K]> } & {
    readonly [K in Exclude<keyof M["fields"], PresentKey<M["fields"]>>]?: Value<M["fields"][K]> | undefined;
  }
>;

/** The decoded shape of a `protocol` message: all that is not optional is there. */
export type InferProtocol<M extends { readonly fields: Fields }> = Flatten<
  { readonly [K in Exclude<keyof M["fields"], OptionalKey<M["fields"]>>]: Value<M["fields"][K]> } & {
    readonly [K in OptionalKey<M["fields"]>]?: Value<M["fields"][K]> | undefined;
  }
>;

export type Flatten<T> = { [K in keyof T]: T[K] };

/** What a caller writes before defaults: every field may be left out, at every depth. */
export type Draft<T> = T extends string | number | bigint | boolean | null | undefined | Uint8Array
  ? T
  : T extends readonly (infer Item)[]
    ? readonly Draft<Item>[]
    : { readonly [K in keyof T]?: Draft<T[K]> | undefined };

export function message<const F extends Fields>(name: string, fields: F, options: MessageOptions = {}): Message<F> {
  return { name, fields, options };
}

export interface ProtocolMessage<F extends Fields> extends Type<InferProtocol<{ readonly fields: F }>> {
  readonly fields: F;
}

/**
 * Declares a message of a proto3 protocol (CRI, etcd): reading fills in every field that is not `optional`, writing leaves zero values out.
 * Fields that hold messages are best `optional`: otherwise an empty one and none at all are the same.
 */
export function protocol<const F extends Fields>(name: string, fields: F, options: MessageOptions = {}): ProtocolMessage<F> {
  return { name, fields, options: { ...options, syntax: "protocol" } };
}

/** Fields that JSON shows inline and protobuf nests in a message of their own at `number`. */
export function embedded<const F extends Fields>(number: number, fields: F): F {
  return Object.fromEntries(Object.entries(fields).map(([name, field]) => [name, { ...field, within: number }])) as unknown as F;
}
