// The schemas of declared messages, as OpenAPI v2 (swagger) and v3 publish them.
import type { Json, JsonObject } from "../field.ts";
import type { Kind } from "../kind.ts";
import type { Field, Scalar, Type } from "../message.ts";
import { ObjectMeta } from "../object-meta.ts";
import { isList, isObject, type MutableJson, setOwn, without } from "./json-objects.ts";

export type OpenApiVersion = 2 | 3;

const meta = "io.k8s.apimachinery.pkg.apis.meta.v1";
export const wellKnown = {
  status: `${meta}.Status`,
  deleteOptions: `${meta}.DeleteOptions`,
  listMeta: `${meta}.ListMeta`,
  patch: `${meta}.Patch`,
  watchEvent: `${meta}.WatchEvent`,
} as const;

/** Schemas by name. Whatever is referred to is added, so that every reference leads somewhere. */
export class SchemaCollection {
  readonly #version: OpenApiVersion;
  readonly #schemas = new Map<string, JsonObject>();

  constructor(version: OpenApiVersion) {
    this.#version = version;
  }

  /** Sorted by name. */
  all(): JsonObject {
    return Object.fromEntries([...this.#schemas].sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  reference(name: string): JsonObject {
    if (!this.#schemas.has(name)) this.#schemas.set(name, builtIn(name, this.#version) ?? { type: "object" });
    return { $ref: `${this.#version === 2 ? "#/definitions/" : "#/components/schemas/"}${name}` };
  }

  referenceTo(type: Type<unknown>): JsonObject {
    this.add(type);
    return this.reference(type.options.openapi ?? type.name);
  }

  /** A message that requests or responses speak of. */
  add(type: Type<unknown>): void {
    const name = type.options.openapi ?? type.name;
    if (this.#schemas.has(name)) return;
    this.#schemas.set(name, {});
    this.#schemas.set(name, this.#message(type));
  }

  /** A kind, and its list if it can be listed. */
  addKind(kind: Kind): void {
    const object = definitionName(kind);
    const list = `${object}List`;
    const own = kind.openapiSchema ? this.#customSchema(kind.openapiSchema) : this.#message(kind.message);
    const described = kind.doc === undefined ? own : { description: kind.doc, ...own };
    this.#schemas.set(object, this.#withTypeMeta(described, kind, kind.name));
    if (!kind.verbs.includes("list")) return;
    const items: JsonObject = {
      description: `List of ${kind.plural}.`,
      type: "array",
      items: this.#version === 2 ? this.reference(object) : { allOf: [this.reference(object)], default: {} },
    };
    const properties = {
      items,
      metadata: this.#annotated(this.reference(wellKnown.listMeta), { description: "Standard list metadata." }, true),
    };
    this.#schemas.set(
      list,
      this.#withTypeMeta(
        { description: `A list of ${kind.name} objects.`, properties, required: ["items"], type: "object" },
        kind,
        kind.listName,
      ),
    );
  }

  #withTypeMeta(schema: JsonObject, { group, version }: Kind, name: string): JsonObject {
    const properties = {
      apiVersion: typeMeta.apiVersion,
      kind: typeMeta.kind,
      ...(isObject(schema["properties"]) ? schema["properties"] : {}),
    };
    return { ...schema, properties: sorted(properties), "x-kubernetes-group-version-kind": [{ group, kind: name, version }] };
  }

  #customSchema(schema: JsonObject): JsonObject {
    const published = this.#version === 2 ? withoutUnsupported(schema) : schema;
    const metadata = this.#annotated(this.referenceTo(ObjectMeta), { description: "Standard object metadata." }, false);
    return {
      ...published,
      type: "object",
      properties: { ...(isObject(published["properties"]) ? published["properties"] : {}), metadata },
    };
  }

  #message({ fields, options }: Type<unknown>): JsonObject {
    if (options.either) return { ...(options.doc && { description: options.doc }) };
    const properties: MutableJson = {};
    for (const name of Object.keys(fields).sort()) setOwn(properties, name, this.#field(fields[name] as Field, name));
    const required = Object.keys(fields)
      .filter((name) => fields[name]?.required)
      .sort();
    return {
      ...(options.doc && { description: options.doc }),
      ...(Object.keys(properties).length > 0 && { properties }),
      ...(required.length > 0 && { required }),
      type: "object",
      ...(options.atomic && { "x-kubernetes-map-type": "atomic" }),
      ...(options.unions && {
        "x-kubernetes-unions": options.unions.map(({ discriminator, fields: choices }) => ({
          ...(discriminator && { discriminator }),
          "fields-to-discriminateBy": choices,
        })),
      }),
    };
  }

  #field(field: Field, name: string): JsonObject {
    const notes: JsonObject = {
      ...(field.doc && { description: field.doc }),
      ...(field.default !== undefined && { default: field.default as Json }),
    };
    const merging: JsonObject = {
      ...(field.list === "map" && field.keys && { "x-kubernetes-list-map-keys": field.keys }),
      ...(field.list && { "x-kubernetes-list-type": field.list }),
      ...(field.atomic && field.shape !== "list" && { "x-kubernetes-map-type": "atomic" }),
      ...(field.atomic === false && "message" in field.element && { "x-kubernetes-map-type": "granular" }),
      ...(field.mergeKey && { "x-kubernetes-patch-merge-key": field.mergeKey }),
      ...(field.patch && { "x-kubernetes-patch-strategy": field.patch }),
    };
    const element = this.#element(field, name);
    switch (field.shape) {
      case "one":
        return this.#annotated(
          { ...element, ...constraints(field, "scalar" in field.element ? field.element.scalar : undefined) },
          { ...notes, ...merging },
          "message" in field.element && !field.optional,
        );
      case "list":
        return { ...notes, items: this.#annotated(element, {}, "message" in field.element), type: "array", ...merging };
      case "map":
        return { ...notes, additionalProperties: this.#annotated(element, {}, "message" in field.element), type: "object", ...merging };
    }
  }

  #element({ element }: Field, name: string): JsonObject {
    if ("message" in element) return this.referenceTo(element.message());
    return this.#scalar(element.scalar, name);
  }

  #scalar(scalar: Scalar, name: string): JsonObject {
    switch (scalar) {
      case "string":
        return { type: "string" };
      case "bool":
        return { type: "boolean" };
      case "int32":
        return { format: "int32", type: "integer" };
      case "int64":
      case "uint32":
      case "uint64":
        return { format: "int64", type: "integer" };
      case "double":
        return { format: "double", type: "number" };
      case "bytes":
      case "octets":
        return { format: "byte", type: "string" };
      case "stringList":
        return { items: { type: "string" }, type: "array" };
      case "quantity":
        return this.reference("io.k8s.apimachinery.pkg.api.resource.Quantity");
      case "intOrString":
        return this.reference("io.k8s.apimachinery.pkg.util.intstr.IntOrString");
      case "time":
        return this.reference(`${meta}.Time`);
      case "microTime":
        return this.reference(`${meta}.MicroTime`);
      case "duration":
        return this.reference(`${meta}.Duration`);
      case "rawObject":
        return this.reference(name === "fieldsV1" ? `${meta}.FieldsV1` : "io.k8s.apimachinery.pkg.runtime.RawExtension");
      case "rawValue":
        return this.reference("io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSON");
    }
  }

  /** In v3 nothing may stand beside a reference, so it is wrapped. */
  #annotated(schema: JsonObject, notes: JsonObject, emptyByDefault: boolean): JsonObject {
    if (this.#version === 2 || !("$ref" in schema)) return { ...schema, ...notes };
    const defaults = emptyByDefault && notes["default"] === undefined ? { default: {} } : {};
    return Object.keys(notes).length + Object.keys(defaults).length === 0 ? schema : { allOf: [schema], ...defaults, ...notes };
  }
}

/** The definition's name: as declared, or group reversed, version and kind for custom resources. */
export function definitionName({ message, openapiSchema, group, version, name }: Kind): string {
  if (!openapiSchema) return message.options.openapi ?? message.name;
  return [...group.split(".").reverse(), version, name].join(".");
}

const typeMeta = {
  apiVersion: { description: "The versioned schema of this representation of an object.", type: "string" },
  kind: { description: "The REST resource this object represents, in CamelCase.", type: "string" },
};

function constraints(field: Field, scalar: Scalar | undefined): JsonObject {
  return scalar === "string" && field.enum ? { enum: field.enum } : {};
}

function builtIn(name: string, version: OpenApiVersion): JsonObject | undefined {
  switch (name.split(".").at(-1)) {
    case "Quantity":
      return {
        description: "A number with a unit, such as 500m or 2Gi.",
        ...(version === 2 ? { type: "string" } : { oneOf: [{ type: "string" }, { type: "number" }] }),
      };
    case "IntOrString":
      return {
        description: "A whole number or text.",
        format: "int-or-string",
        ...(version === 2 ? { type: "string" } : { oneOf: [{ type: "integer" }, { type: "string" }] }),
      };
    case "Time":
    case "MicroTime":
      return { description: "A moment, as RFC 3339 writes it.", format: "date-time", type: "string" };
    case "Duration":
      return { description: "A span of time, such as 1h30m.", type: "string" };
    case "JSON":
      return { description: "Any JSON value." };
    case "RawExtension":
      return { description: "Any JSON object.", type: "object" };
    case "FieldsV1":
      return { description: "A set of fields, as a tree of keys.", type: "object" };
    case "Patch":
      return { description: "A patch to a resource.", type: "object" };
    default:
      return undefined;
  }
}

const unsupportedInV2 = ["nullable", "oneOf", "anyOf", "allOf", "not"];

/** What swagger cannot say is left unsaid; where null is allowed, so is the type. */
function withoutUnsupported(schema: JsonObject): JsonObject {
  const kept =
    schema["nullable"] === true
      ? without(schema, "type", "format", "items", "properties", ...unsupportedInV2)
      : without(schema, ...unsupportedInV2);
  const result: MutableJson = {};
  for (const key of Object.keys(kept)) {
    const value = kept[key] as Json;
    if (key === "properties" && isObject(value)) {
      const properties: MutableJson = {};
      for (const name of Object.keys(value))
        setOwn(properties, name, isObject(value[name]) ? withoutUnsupported(value[name]) : (value[name] as Json));
      result[key] = properties;
    } else if ((key === "items" || key === "additionalProperties") && isObject(value) && !isList(value))
      result[key] = withoutUnsupported(value);
    else setOwn(result, key, value);
  }
  return result;
}

function sorted(properties: JsonObject): JsonObject {
  const result: MutableJson = {};
  for (const name of Object.keys(properties).sort()) setOwn(result, name, properties[name]);
  return result;
}
