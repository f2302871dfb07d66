// Checks a value against a structural schema, in upstream's words.
import { RE2JS } from "re2js";
import type { JSONSchemaProps } from "#api/apiextensions.k8s.io/custom-resource-definition/json-schema.ts";
import { wrongBase64 } from "#base/base64.ts";
import { formatProblems } from "#schema/derive/formats.ts";
import { isList, isObject, ownValue, sameJson } from "#schema/derive/json-objects.ts";
import { writeJson } from "#schema/derive/json.ts";
import { parseTime } from "#schema/time.ts";
import type { Json } from "#schema/field.ts";
import type { FieldError } from "#schema/kind.ts";
import { itemsOf, schemaOf } from "./schema-message.ts";

const errorsMax = 200;

/** Everything wrong with the value at `path`. */
export function schemaErrors(schema: JSONSchemaProps, value: Json, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  check(schema, value, path, errors);
  return errors;
}

function check(schema: JSONSchemaProps, value: Json, path: string, errors: FieldError[]): void {
  if (errors.length >= errorsMax) return;
  if (value === null && schema.nullable) return;
  if (!checkType(schema, value, path, errors)) return;
  checkEnum(schema, value, path, errors);
  if (typeof value === "string") checkText(schema, value, path, errors);
  else if (typeof value === "number" || typeof value === "bigint") checkNumber(schema, value, path, errors);
  else if (isList(value)) checkList(schema, value, path, errors);
  else if (isObject(value)) checkObject(schema, value, path, errors);
  checkCombined(schema, value, path, errors);
}

const body = (path: string, text: string) => `${path === "" ? "" : `${path} `}in body ${text}`;

function bad(path: string, value: unknown, text: string): FieldError {
  return { type: "Invalid", field: path, value, detail: body(path, text) };
}

function typeName(value: Json): string {
  if (value === null) return "null";
  if (isList(value)) return "array";
  if (typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value))) return "integer";
  return typeof value;
}

function checkType(schema: JSONSchemaProps, value: Json, path: string, errors: FieldError[]): boolean {
  const found = typeName(value);
  if (schema["x-kubernetes-int-or-string"]) {
    if (found === "integer" || found === "string") return true;
    errors.push({
      type: "TypeInvalid",
      field: path,
      value: found,
      detail: body(path, `must be of type integer,string: ${JSON.stringify(found)}`),
    });
    return false;
  }
  const { type = "" } = schema;
  if (type === "" && found !== "null") return true;
  if (type === found || (type === "number" && found === "integer")) return true;
  const wanted = type === "" ? "object" : type;
  errors.push({
    type: "TypeInvalid",
    field: path,
    value: found,
    detail: body(path, `must be of type ${wanted}: ${JSON.stringify(found)}`),
  });
  return false;
}

function checkEnum({ enum: words }: JSONSchemaProps, value: Json, path: string, errors: FieldError[]): void {
  if (!words?.length || words.some((word) => sameJson(word, value))) return;
  const supported = words.map((word) => (typeof word === "string" ? JSON.stringify(word) : JSON.stringify(writeJson(word))));
  errors.push({ type: "NotSupported", field: path, value, detail: `supported values: ${supported.join(", ")}` });
}

function checkText(schema: JSONSchemaProps, value: string, path: string, errors: FieldError[]): void {
  const { minLength, maxLength, pattern } = schema;
  const length = [...value].length;
  if (maxLength !== undefined && length > Number(maxLength)) {
    errors.push({ type: "TooLong", field: path, detail: `may not be more than ${maxLength} bytes` });
  }
  if (minLength !== undefined && length < Number(minLength)) errors.push(bad(path, value, `should be at least ${minLength} chars long`));
  const isOfFormat = Object.hasOwn(formats, schema.format ?? "") ? formats[schema.format as string] : undefined;
  if (isOfFormat && !isOfFormat(value)) errors.push(bad(path, value, `must be of type ${schema.format}: ${JSON.stringify(value)}`));
  if (pattern && !matches(pattern, value)) errors.push(bad(path, value, `should match '${pattern}'`));
}

function checkNumber(schema: JSONSchemaProps, value: number | bigint, path: string, errors: FieldError[]): void {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum, multipleOf, format } = schema;
  if (minimum !== undefined && (exclusiveMinimum ? value <= minimum : value < minimum)) {
    errors.push(bad(path, value, `should be greater than ${exclusiveMinimum ? "" : "or equal to "}${minimum}`));
  }
  if (maximum !== undefined && (exclusiveMaximum ? value >= maximum : value > maximum)) {
    errors.push(bad(path, value, `should be less than ${exclusiveMaximum ? "" : "or equal to "}${maximum}`));
  }
  if (multipleOf !== undefined && !Number.isInteger(Number(value) / multipleOf))
    errors.push(bad(path, value, `should be a multiple of ${multipleOf}`));
  if (format === "int32" && (value > 2_147_483_647 || value < -2_147_483_648))
    errors.push(bad(path, value, `must be of type int32: ${JSON.stringify(typeName(value))}`));
}

function checkList(schema: JSONSchemaProps, value: readonly Json[], path: string, errors: FieldError[]): void {
  const { minItems, maxItems } = schema;
  if (maxItems !== undefined && value.length > Number(maxItems)) {
    errors.push({
      type: "TooMany",
      field: path,
      value: value.length,
      detail: `must have at most ${maxItems} item${Number(maxItems) === 1 ? "" : "s"}`,
    });
    return;
  }
  if (minItems !== undefined && value.length < Number(minItems))
    errors.push(bad(path, value.length, `should have at least ${minItems} items`));
  const items = itemsOf(schema.items);
  if (items) for (const [index, item] of value.entries()) check(items, item, `${path}[${index}]`, errors);
  checkIdentities(schema, value, path, errors);
}

function checkIdentities(schema: JSONSchemaProps, value: readonly Json[], path: string, errors: FieldError[]): void {
  const keys = schema["x-kubernetes-list-map-keys"] ?? [];
  const type = schema["x-kubernetes-list-type"];
  if (type !== "set" && type !== "map") return;
  const seen = new Set<string>();
  for (const [index, item] of value.entries()) {
    const identity: Json =
      type === "set" || !isObject(item) ? item : Object.fromEntries(keys.map((key) => [key, ownValue(item, key) ?? null]));
    const text = writeJson(identity);
    if (seen.has(text)) errors.push({ type: "Duplicate", field: `${path}[${index}]`, value: identity, detail: "" });
    seen.add(text);
  }
}

function checkObject(schema: JSONSchemaProps, value: { readonly [key: string]: Json }, path: string, errors: FieldError[]): void {
  const { properties = {}, required = [], minProperties, maxProperties } = schema;
  const additional = schemaOf(schema.additionalProperties);
  const count = Object.keys(value).length;
  if (maxProperties !== undefined && count > Number(maxProperties)) {
    errors.push({ type: "TooMany", field: path, value: count, detail: `must have at most ${maxProperties} items` });
  }
  if (minProperties !== undefined && count < Number(minProperties))
    errors.push(bad(path, count, `should have at least ${minProperties} properties`));
  for (const name of required) {
    if (ownValue(value, name) === undefined) errors.push({ type: "Required", field: below(path, name), detail: "" });
  }
  for (const [name, member] of Object.entries(value)) {
    if (member === undefined) continue;
    const own = Object.hasOwn(properties, name) ? properties[name] : undefined;
    if (own) check(own, member, below(path, name), errors);
    else if (additional) check(additional, member, below(path, name), errors);
  }
}

function below(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

function checkCombined(schema: JSONSchemaProps, value: Json, path: string, errors: FieldError[]): void {
  const { allOf = [], anyOf = [], oneOf = [], not } = schema;
  // Types stand outside these, so that within them a schema without one says nothing about the type.
  const holds = (one: JSONSchemaProps) => schemaErrors(one, value, path).length === 0;
  const untyped = schema["x-kubernetes-int-or-string"] === true;
  if (anyOf.length > 0 && !untyped && !anyOf.some(holds)) errors.push(bad(path, value, "must validate at least one schema (anyOf)"));
  const valid = oneOf.filter(holds).length;
  if (oneOf.length > 0 && valid !== 1) {
    const found = valid === 0 ? "Found none valid" : `Found ${valid} valid alternatives`;
    errors.push(bad(path, value, `must validate one and only one schema (oneOf). ${found}`));
  }
  for (const one of allOf) {
    const wrong = schemaErrors(one, value, path);
    if (wrong.length === 0) continue;
    errors.push(...wrong, bad(path, value, "must validate all the schemas (allOf)"));
  }
  if (not && holds(not)) errors.push(bad(path, value, "must not validate the schema (not)"));
}

/** The formats that are checked; others say what is meant and no more. */
const formats: Readonly<Record<string, (text: string) => boolean>> = {
  "date-time": isTime,
  date: (text) => /^\d{4}-\d{2}-\d{2}$/.test(text) && isTime(`${text}T00:00:00Z`),
  uuid: (text) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(text),
  byte: (text) => wrongBase64(text) < 0,
  ipv4: (text) => !text.includes(":") && formatProblems("ip", text).length === 0,
  ipv6: (text) => text.includes(":") && formatProblems("ip", text).length === 0,
  cidr: (text) => formatProblems("cidr", text).length === 0,
};

function isTime(text: string): boolean {
  try {
    parseTime(text);
    return true;
  } catch {
    return false;
  }
}

const patterns = new Map<string, RE2JS>();
const patternsMax = 1_000;

/** In time linear in the text, whatever the pattern. A pattern that does not compile was refused with its definition. */
function matches(pattern: string, text: string): boolean {
  let compiled = patterns.get(pattern);
  if (!compiled) {
    try {
      compiled = RE2JS.compile(pattern);
    } catch {
      return false;
    }
    if (patterns.size >= patternsMax) patterns.clear();
    patterns.set(pattern, compiled);
  }
  return compiled.matcher(text).find();
}

export function isPattern(text: string): boolean {
  try {
    RE2JS.compile(text);
    return true;
  } catch {
    return false;
  }
}
