// A structural schema as a message of the declaration language: from there on a custom resource is read, merged and applied by the code that
// serves every other kind. Single values stay as they came; whether they are what the schema wants is schema-validation.ts's to say.
import type {
  JSONSchemaProps,
  JSONSchemaPropsOrArray,
  JSONSchemaPropsOrBool,
} from "#api/apiextensions.k8s.io/custom-resource-definition/json-schema.ts";
import { one, string } from "#schema/field.ts";
import { type Element, type Field, type FieldOptions, type Fields, type Message, message, type Type } from "#schema/message.ts";
import { ObjectMeta } from "#schema/object-meta.ts";

/** The message of a kind whose objects this schema describes. */
export function objectMessage(name: string, schema: JSONSchemaProps): Message<Fields> {
  const { apiVersion: _version, kind: _kind, metadata: _metadata, ...fields } = fieldsOf(name, schema);
  return message(name, { apiVersion: string(0), kind: string(0), metadata: one(0, (): Type<ObjectMeta> => ObjectMeta), ...fields });
}

function fieldsOf(name: string, { properties = {} }: JSONSchemaProps): Fields {
  const fields: Record<string, Field> = Object.create(null);
  for (const [key, schema] of Object.entries(properties)) fields[key] = fieldOf(`${name}.${key}`, schema);
  return { ...fields };
}

function fieldOf(name: string, schema: JSONSchemaProps): Field {
  const optional: FieldOptions = { optional: true };
  const shared = { number: 0, ...optional };
  if (schema.type === "array") {
    const items = itemsOf(schema.items);
    const type = schema["x-kubernetes-list-type"];
    const list = type === "set" || type === "map" ? type : "atomic";
    const keys = schema["x-kubernetes-list-map-keys"];
    return { ...shared, shape: "list", element: elementOf(name, items), list, ...(list === "map" && keys && { keys }) };
  }
  if (schema.type === "object") {
    const values = schemaOf(schema.additionalProperties);
    const atomic = schema["x-kubernetes-map-type"] === "atomic";
    if (values && !isFree(schema)) return { ...shared, shape: "map", element: elementOf(name, values), atomic };
    return { ...shared, shape: "one", element: elementOf(name, schema), atomic };
  }
  return { ...shared, shape: "one", element: rawValue, ...(isFree(schema) && { atomic: false }) };
}

const rawValue: Element = { scalar: "rawValue" };

function elementOf(name: string, schema: JSONSchemaProps | undefined): Element {
  if (schema?.type !== "object" || isFree(schema) || schema.nullable || !schema.properties) {
    // An object without properties, in which nothing is kept, is a message without fields.
    const empty = schema?.type === "object" && !isFree(schema) && !schema.nullable && !schema.additionalProperties;
    if (!empty) return rawValue;
  }
  let made: Message<Fields> | undefined;
  return {
    message: () => {
      made ??= message(name, fieldsOf(name, schema as JSONSchemaProps), { atomic: schema?.["x-kubernetes-map-type"] === "atomic" });
      return made as Type<unknown>;
    },
  };
}

/** Whether the value keeps what the schema does not name. */
function isFree(schema: JSONSchemaProps): boolean {
  return schema["x-kubernetes-preserve-unknown-fields"] === true || schema["x-kubernetes-embedded-resource"] === true;
}

export function itemsOf(items: JSONSchemaPropsOrArray | undefined): JSONSchemaProps | undefined {
  return items === undefined ? undefined : Array.isArray(items) ? (items as readonly JSONSchemaProps[])[0] : (items as JSONSchemaProps);
}

export function schemaOf(additional: JSONSchemaPropsOrBool | undefined): JSONSchemaProps | undefined {
  return typeof additional === "object" ? additional : undefined;
}
