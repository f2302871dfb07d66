// A structural schema as a message of the declaration language: from there on a custom resource is read, merged and applied by the code that
// serves every other kind. Single values stay as they came; whether they are what the schema wants is schema-validation.ts's to say.
import type {
  JSONSchemaProps,
  JSONSchemaPropsOrArray,
  JSONSchemaPropsOrBool,
} from "#api/apiextensions.k8s.io/custom-resource-definition/json-schema.ts";
import { one } from "#schema/field.ts";
import { type Element, type Field, type FieldOptions, type Fields, type Message, message, type Type } from "#schema/message.ts";
import { ObjectMeta } from "#schema/object-meta.ts";

/** The message of a kind whose objects this schema describes. */
export function objectMessage(name: string, schema: JSONSchemaProps): Message<Fields> {
  const { apiVersion: _version, kind: _kind, metadata: _metadata, ...declared } = fieldsOf(name, schema);
  const keepsUnknown = isOpen(schema);
  // Where all is kept, a status is still a part of its own.
  const fields = keepsUnknown && !("status" in declared) ? { ...declared, status: anyValue } : declared;
  return message(name, { metadata: one(0, (): Type<ObjectMeta> => ObjectMeta), ...fields }, { keepsUnknown });
}

function fieldsOf(name: string, { properties = {} }: JSONSchemaProps): Fields {
  const fields: Record<string, Field> = Object.create(null);
  for (const [key, schema] of Object.entries(properties)) if (key !== strangeName) fields[key] = fieldOf(`${name}.${key}`, schema);
  return { ...fields };
}

/** No field can have this name; completed() in schema-values.ts sees to what such an object keeps. */
const strangeName = "__proto__";

function fieldOf(name: string, schema: JSONSchemaProps): Field {
  const optional: FieldOptions = { optional: true, ...(schema.nullable && { nullable: true }) };
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
    // Of a field, not of an item, null can be told apart by its message.
    const whole = schema.nullable ? { ...schema, nullable: false } : schema;
    return { ...shared, shape: "one", element: elementOf(name, whole), atomic };
  }
  return { ...shared, shape: "one", element: rawValue, ...(isFree(schema) && { atomic: false }) };
}

const rawValue: Element = { scalar: "rawValue" };
const anyValue: Field = { number: 0, optional: true, nullable: true, shape: "one", element: rawValue, atomic: false };
const embeddedFields: Fields = { apiVersion: anyValue, kind: anyValue, metadata: anyValue };

function elementOf(name: string, schema: JSONSchemaProps | undefined): Element {
  if (schema?.type !== "object" || schema.nullable || schema.additionalProperties) return rawValue;
  const keepsUnknown = isOpen(schema);
  if (keepsUnknown && !schema.properties) return rawValue;
  let made: Message<Fields> | undefined;
  return {
    message: () => {
      const embedded = schema["x-kubernetes-embedded-resource"] === true;
      const atomic = schema["x-kubernetes-map-type"] === "atomic";
      made ??= message(name, { ...(embedded && embeddedFields), ...fieldsOf(name, schema) }, { atomic, keepsUnknown });
      return made as Type<unknown>;
    },
  };
}

/** Whether the object keeps what is not named. */
function isOpen(schema: JSONSchemaProps): boolean {
  return schema["x-kubernetes-preserve-unknown-fields"] === true || Object.hasOwn(schema.properties ?? {}, strangeName);
}

/** Whether the value keeps more than the schema names. */
function isFree(schema: JSONSchemaProps): boolean {
  return schema["x-kubernetes-preserve-unknown-fields"] === true || schema["x-kubernetes-embedded-resource"] === true;
}

export function itemsOf(items: JSONSchemaPropsOrArray | undefined): JSONSchemaProps | undefined {
  return items === undefined ? undefined : Array.isArray(items) ? (items as readonly JSONSchemaProps[])[0] : (items as JSONSchemaProps);
}

export function schemaOf(additional: JSONSchemaPropsOrBool | undefined): JSONSchemaProps | undefined {
  return typeof additional === "object" ? additional : undefined;
}
