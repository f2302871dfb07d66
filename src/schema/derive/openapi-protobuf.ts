// The swagger document as protobuf, in gnostic's messages: what kubectl and client-go ask for as
// application/com.github.proto-openapi.spec.v2@v1.0+protobuf. Only the messages and fields that our own documents use are declared.
import { bool, list, one, string } from "../field.ts";
import type { Json, JsonObject } from "../field.ts";
import { message, type Type } from "../message.ts";
import { isList, isObject } from "./json-objects.ts";
import { writePlainJson } from "#wire/json/json.ts";
import { writeProtobuf } from "./protobuf.ts";

export const openapiV2ProtobufType = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf";

/** The bytes of a document made by openapiV2. */
export function openapiV2Protobuf(document: JsonObject): Uint8Array<ArrayBuffer> {
  const { title, version } = object(document["info"]);
  return writeProtobuf(Document as Type<unknown>, {
    swagger: document["swagger"],
    info: { title, version },
    paths: { path: named(document["paths"], pathItem) },
    definitions: { additionalProperties: named(document["definitions"], schema) },
  });
}

const protocol = { syntax: "protocol" } as const;
const optional = { optional: true } as const;

const Any = message("Any", { yaml: string(2) }, protocol);
const NamedAny = message("NamedAny", { name: string(1), value: one(2, () => Any, optional) }, protocol);
const TypeItem = message("TypeItem", { value: list(1, "string") }, protocol);
const Schema: Type<unknown> = message(
  "Schema",
  {
    ref: string(1),
    format: string(2),
    description: string(4),
    default: one(5, () => Any, optional),
    pattern: string(13),
    required: list(19, "string"),
    enum: list(20, () => Any),
    additionalProperties: one(21, (): Type<unknown> => AdditionalPropertiesItem, optional),
    type: one(22, () => TypeItem, optional),
    items: one(23, (): Type<unknown> => ItemsItem, optional),
    properties: one(25, (): Type<unknown> => Definitions, optional),
    vendorExtension: list(31, () => NamedAny),
  },
  protocol,
);
const AdditionalPropertiesItem: Type<unknown> = message(
  "AdditionalPropertiesItem",
  { schema: one(1, () => Schema, optional), boolean: bool(2, optional) },
  protocol,
);
const ItemsItem: Type<unknown> = message("ItemsItem", { schema: list(1, () => Schema) }, protocol);
const NamedSchema = message("NamedSchema", { name: string(1), value: one(2, () => Schema, optional) }, protocol);
const Definitions: Type<unknown> = message("Definitions", { additionalProperties: list(1, () => NamedSchema) }, protocol);

const BodyParameter = message(
  "BodyParameter",
  { description: string(1), name: string(2), in: string(3), required: bool(4), schema: one(5, () => Schema, optional) },
  protocol,
);
const QueryParameter = message(
  "QueryParameterSubSchema",
  { required: bool(1), in: string(2), description: string(3), name: string(4), type: string(6), uniqueItems: bool(20) },
  protocol,
);
const PathParameter = message(
  "PathParameterSubSchema",
  { required: bool(1), in: string(2), description: string(3), name: string(4), type: string(5), uniqueItems: bool(19) },
  protocol,
);
const NonBodyParameter = message(
  "NonBodyParameter",
  { queryParameterSubSchema: one(3, () => QueryParameter, optional), pathParameterSubSchema: one(4, () => PathParameter, optional) },
  protocol,
);
const Parameter = message(
  "Parameter",
  { bodyParameter: one(1, () => BodyParameter, optional), nonBodyParameter: one(2, () => NonBodyParameter, optional) },
  protocol,
);
const ParametersItem = message("ParametersItem", { parameter: one(1, () => Parameter, optional) }, protocol);
const SchemaItem = message("SchemaItem", { schema: one(1, () => Schema, optional) }, protocol);
const Response = message("Response", { description: string(1), schema: one(2, () => SchemaItem, optional) }, protocol);
const ResponseValue = message("ResponseValue", { response: one(1, () => Response, optional) }, protocol);
const NamedResponseValue = message("NamedResponseValue", { name: string(1), value: one(2, () => ResponseValue, optional) }, protocol);
const Responses = message("Responses", { responseCode: list(1, () => NamedResponseValue) }, protocol);
const Operation = message(
  "Operation",
  {
    tags: list(1, "string"),
    description: string(3),
    operationId: string(5),
    produces: list(6, "string"),
    consumes: list(7, "string"),
    parameters: list(8, () => ParametersItem),
    responses: one(9, () => Responses, optional),
    schemes: list(10, "string"),
    vendorExtension: list(13, () => NamedAny),
  },
  protocol,
);
const PathItem = message(
  "PathItem",
  {
    get: one(2, () => Operation, optional),
    put: one(3, () => Operation, optional),
    post: one(4, () => Operation, optional),
    delete: one(5, () => Operation, optional),
    options: one(6, () => Operation, optional),
    head: one(7, () => Operation, optional),
    patch: one(8, () => Operation, optional),
    parameters: list(9, () => ParametersItem),
  },
  protocol,
);
const NamedPathItem = message("NamedPathItem", { name: string(1), value: one(2, () => PathItem, optional) }, protocol);
const Info = message("Info", { title: string(1), version: string(2) }, protocol);
const Paths = message("Paths", { path: list(2, () => NamedPathItem) }, protocol);
const Document = message(
  "Document",
  {
    swagger: string(1),
    info: one(2, () => Info, optional),
    paths: one(8, () => Paths, optional),
    definitions: one(9, () => Definitions, optional),
  },
  protocol,
);

type Plain = Record<string, unknown>;

function object(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

function listOf(value: Json | undefined): readonly Json[] {
  return isList(value) ? value : [];
}

function named(value: Json | undefined, convert: (value: JsonObject) => Plain): readonly Plain[] {
  return Object.entries(object(value)).map(([name, inner]) => ({ name, value: convert(object(inner)) }));
}

/** A value of any shape travels as YAML text, of which JSON is a part. */
function any(value: Json): Plain {
  return { yaml: `${writePlainJson(value)}\n` };
}

function extensions(from: JsonObject): readonly Plain[] {
  return Object.keys(from)
    .filter((key) => key.startsWith("x-"))
    .map((name) => ({ name, value: any(from[name] as Json) }));
}

function schema(from: JsonObject): Plain {
  const { $ref, format, description, pattern, type, items, properties, required } = from;
  const additional = from["additionalProperties"];
  return {
    ref: $ref ?? "",
    format: format ?? "",
    description: description ?? "",
    pattern: pattern ?? "",
    ...(from["default"] !== undefined && { default: any(from["default"]) }),
    required: listOf(required),
    enum: listOf(from["enum"]).map(any),
    ...(typeof additional === "boolean" && { additionalProperties: { boolean: additional } }),
    ...(isObject(additional) && { additionalProperties: { schema: schema(additional) } }),
    ...(type !== undefined && { type: { value: isList(type) ? type : [type] } }),
    ...(isObject(items) && { items: { schema: [schema(items)] } }),
    ...(isObject(properties) && { properties: { additionalProperties: named(properties, schema) } }),
    vendorExtension: extensions(from),
  };
}

function parameter(from: Json): Plain {
  const { name, in: place, description = "", required = false, type, uniqueItems = false } = object(from);
  const common = { name, in: place, description, required };
  if (place === "body") return { parameter: { bodyParameter: { ...common, schema: schema(object(object(from)["schema"])) } } };
  const nonBody = { ...common, type, uniqueItems };
  return {
    parameter: { nonBodyParameter: place === "path" ? { pathParameterSubSchema: nonBody } : { queryParameterSubSchema: nonBody } },
  };
}

const methods = ["get", "put", "post", "delete", "options", "head", "patch"] as const;

function pathItem(from: JsonObject): Plain {
  const operations = methods.filter((method) => isObject(from[method])).map((method) => [method, operation(object(from[method]))] as const);
  return { ...Object.fromEntries(operations), parameters: listOf(from["parameters"]).map(parameter) };
}

function operation(from: JsonObject): Plain {
  const responses = Object.entries(object(from["responses"])).map(([name, inner]) => {
    const { description, schema: answer } = object(inner);
    return { name, value: { response: { description, ...(isObject(answer) && { schema: { schema: schema(answer) } }) } } };
  });
  return {
    tags: listOf(from["tags"]),
    description: from["description"] ?? "",
    operationId: from["operationId"] ?? "",
    produces: listOf(from["produces"]),
    consumes: listOf(from["consumes"]),
    parameters: listOf(from["parameters"]).map(parameter),
    responses: { responseCode: responses },
    schemes: listOf(from["schemes"]),
    vendorExtension: extensions(from),
  };
}
