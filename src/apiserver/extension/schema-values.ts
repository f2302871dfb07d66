// What a schema does to values on their way in: defaults for what is missing, and away with what is not named where a value is kept raw.
import type { JSONSchemaProps } from "#api/apiextensions.k8s.io/custom-resource-definition/json-schema.ts";
import { isList, isObject, ownValue, setOwn } from "#schema/derive/json-objects.ts";
import type { Json } from "#schema/field.ts";
import { itemsOf, schemaOf } from "./schema-message.ts";

/** The value with defaults and without unnamed fields; the very same where nothing changes. */
export function completed(schema: JSONSchemaProps, value: Json, atRoot = false): Json {
  if (isList(value)) {
    const items = itemsOf(schema.items);
    return items ? mapped(value, (item) => completed(items, item)) : value;
  }
  if (!isObject(value)) return value;
  const { properties = {} } = schema;
  const additional = schemaOf(schema.additionalProperties);
  const keepsUnknown =
    (atRoot && !Object.hasOwn(properties, "__proto__")) ||
    schema["x-kubernetes-preserve-unknown-fields"] === true ||
    schema.additionalProperties === true ||
    additional !== undefined ||
    (schema.type !== "object" && Object.keys(properties).length === 0);
  let result: { [key: string]: Json } | undefined;
  const set = (key: string, next: Json | undefined): void => {
    result ??= { ...value };
    if (next === undefined) delete result[key];
    else setOwn(result, key, next);
  };
  for (const [key, before] of Object.entries(value)) {
    const own = Object.hasOwn(properties, key) ? (properties[key] as JSONSchemaProps) : additional;
    if (!own) {
      if (!keepsUnknown && !isTypeMeta(schema, key, atRoot)) set(key, undefined);
    } else if (atRoot && isTypeMeta(schema, key, true)) continue;
    else if (before === null && own.default === undefined && !own.nullable) set(key, undefined);
    else if (before === null && own.default !== undefined && !own.nullable) set(key, completed(own, own.default));
    else {
      const after = completed(own, before);
      if (after !== before) set(key, after);
    }
  }
  for (const [key, own] of Object.entries(properties)) {
    if (own.default !== undefined && ownValue(value, key) === undefined) set(key, completed(own, own.default));
  }
  return result ?? value;
}

function isTypeMeta(schema: JSONSchemaProps, key: string, atRoot: boolean): boolean {
  return (atRoot || schema["x-kubernetes-embedded-resource"] === true) && (key === "apiVersion" || key === "kind" || key === "metadata");
}

function mapped(list: readonly Json[], change: (item: Json) => Json): readonly Json[] {
  const changed = list.map(change);
  return changed.some((item, index) => item !== list[index]) ? changed : list;
}
