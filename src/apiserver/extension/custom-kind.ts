// The kinds a CustomResourceDefinition declares: one for each version it serves, all kept in the version it stores.
import type {
  CustomResourceColumnDefinition,
  CustomResourceDefinition,
  CustomResourceDefinitionVersion,
} from "#api/apiextensions.k8s.io/custom-resource-definition/custom-resource-definition.ts";
import type { JSONSchemaProps } from "#api/apiextensions.k8s.io/custom-resource-definition/json-schema.ts";
import { ageColumn, nameColumn } from "#api/meta/columns.ts";
import { sameJson } from "#schema/derive/json-objects.ts";
import { normalise } from "#schema/derive/normalise.ts";
import { DecodeError, writeJson } from "#schema/derive/json.ts";
import type { Json, JsonObject } from "#schema/field.ts";
import { type Cell, type Column, type FieldError, type Kind, kindOf, type KubernetesObject } from "#schema/kind.ts";
import { humanDuration, parseTime } from "#schema/time.ts";
import { findAll, parseJsonPath } from "./json-path.ts";
import { itemsOf, objectMessage } from "./schema-message.ts";
import { schemaErrors } from "./schema-validation.ts";
import { completed } from "./schema-values.ts";

/** The served kinds. Where versions differ, objects are stored in a shape that holds what any of them says, so that each is stored whole. */
export function customKinds(definition: CustomResourceDefinition): readonly Kind[] {
  const { versions } = definition.spec;
  const stored = versions.find(({ storage }) => storage);
  if (!stored) return [];
  const schemas = versions.map(schemaOfVersion);
  const alike = schemas.every((schema) => sameJson(schema, schemas[0]));
  const whole = [schemaOfVersion(stored), ...schemas].reduce((left, right) => both(left, right));
  const storedKind = kindOfVersion(definition, alike ? stored : withSchema(stored, whole), undefined);
  return versions
    .filter(({ served }) => served)
    .map((version) => (alike && version === stored ? storedKind : kindOfVersion(definition, version, storedKind)));
}

function schemaOfVersion({ schema }: CustomResourceDefinitionVersion): JSONSchemaProps {
  return schema?.openAPIV3Schema ?? anything;
}

function withSchema(version: CustomResourceDefinitionVersion, openAPIV3Schema: JSONSchemaProps): CustomResourceDefinitionVersion {
  return { ...version, schema: { openAPIV3Schema } };
}

/** A schema that keeps what either keeps. */
function both(left: JSONSchemaProps, right: JSONSchemaProps): JSONSchemaProps {
  if (left === right || sameJson(left, right)) return left;
  const [leftItems, rightItems] = [itemsOf(left.items), itemsOf(right.items)];
  if (left.type === "array" && right.type === "array" && leftItems && rightItems) {
    return { ...left, ...marks(left, right), items: both(leftItems, rightItems) };
  }
  const plain = (schema: JSONSchemaProps) => schema.type === "object" && schema.properties !== undefined && !schema.additionalProperties;
  if (!plain(left) || !plain(right)) return kept;
  const properties: Record<string, JSONSchemaProps> = Object.create(null);
  for (const [name, schema] of [...Object.entries(left.properties ?? {}), ...Object.entries(right.properties ?? {})]) {
    const other = properties[name];
    properties[name] = other ? both(other, schema) : schema;
  }
  return { ...left, ...marks(left, right), properties: { ...properties } };
}

/** What either lets through. */
function marks(left: JSONSchemaProps, right: JSONSchemaProps): JSONSchemaProps {
  const names = ["nullable", "x-kubernetes-preserve-unknown-fields", "x-kubernetes-embedded-resource"] as const;
  const given = names.filter((name) => left[name] || right[name]);
  return Object.fromEntries(given.map((name) => [name, true])) as JSONSchemaProps;
}

/** Any value, as it came. */
const kept = { "x-kubernetes-preserve-unknown-fields": true } as JSONSchemaProps;

const anything: JSONSchemaProps = { type: "object", "x-kubernetes-preserve-unknown-fields": true } as JSONSchemaProps;

function kindOfVersion({ spec }: CustomResourceDefinition, version: CustomResourceDefinitionVersion, stored: Kind | undefined): Kind {
  const { group, names, scope } = spec;
  const schema = schemaOfVersion(version);
  const { status, scale } = version.subresources ?? {};
  const messageName = `${group}.${version.name}.${names.kind}`;
  const selectable = (version.selectableFields ?? []).flatMap(({ jsonPath }) => {
    const steps = parseJsonPath(jsonPath);
    return steps ? [[jsonPath.replace(/^\./, ""), (object: KubernetesObject) => textOf(findAll(steps, jsonOf(object)))] as const] : [];
  });
  const kind: Kind = kindOf(
    {
      group,
      version: version.name,
      name: names.kind,
      plural: names.plural,
      singular: names.singular || names.kind.toLowerCase(),
      shortNames: names.shortNames ?? [],
      categories: names.categories ?? [],
      scope: scope === "Namespaced" ? "namespaced" : "cluster",
      subresources: {
        ...(status && { status: true }),
        ...(scale && {
          scale: {
            replicas: pathOf(scale.specReplicasPath),
            current: pathOf(scale.statusReplicasPath),
            ...(scale.labelSelectorPath && { selector: pathOf(scale.labelSelectorPath) }),
          },
        }),
      },
      columns: columnsOf(version.additionalPrinterColumns ?? []) as readonly Column<never>[],
      selectable: Object.fromEntries(selectable) as Kind["selectable"],
      counted: true,
      readAnew: true,
      allowUnconditionalUpdate: false,
      default: ((object: KubernetesObject) => completed(schema, jsonOf(object), true) as unknown as KubernetesObject) as never,
      validate: ((object: KubernetesObject) => objectErrors(schema, object)) as never,
      mistakes: (plain) => objectErrors(schema, plain),
      openapiSchema: jsonOf(schema),
      ...(version.deprecated && {
        deprecated: version.deprecationWarning ?? `${group}/${version.name} ${names.kind} is deprecated`,
      }),
      ...(stored && {
        storage: () => ({
          kind: stored,
          to: (object: never) => converted(stored, object),
          from: (object: never) => completed(schema, jsonOf(converted(kind, object)), true) as never,
        }),
      }),
    },
    objectMessage(messageName, schema),
  );
  return named(kind, names.listKind);
}

function named(kind: Kind, listName: string | undefined): Kind {
  return Object.assign(kind, { listName: listName || kind.listName });
}

/** Strategy None: another name, and what the version does not know is left out. */
function converted(to: Kind, object: KubernetesObject): KubernetesObject {
  const renamed = { ...jsonOf(object), apiVersion: to.apiVersion };
  try {
    return normalise(to.message, renamed).value;
  } catch (error) {
    // What is stored is of another type than the schema has by now: shown as it is.
    if (error instanceof DecodeError) return renamed as unknown as KubernetesObject;
    throw error;
  }
}

function objectErrors(schema: JSONSchemaProps, object: KubernetesObject | JsonObject): readonly FieldError[] {
  const { metadata: _metadata, apiVersion: _version, kind: _kind, ...rest } = jsonOf(object);
  const { metadata: _m, apiVersion: _v, kind: _k, ...properties } = schema.properties ?? {};
  const required = (schema.required ?? []).filter((name) => name !== "metadata" && name !== "apiVersion" && name !== "kind");
  return schemaErrors({ ...schema, properties, required }, rest, "");
}

function jsonOf(value: unknown): JsonObject {
  return value as JsonObject;
}

function pathOf(jsonPath: string): string {
  return jsonPath.replace(/^\./, "");
}

function columnsOf(declared: readonly CustomResourceColumnDefinition[]): readonly Column<KubernetesObject>[] {
  if (declared.length === 0) return [nameColumn, ageColumn];
  return [nameColumn, ...declared.map(columnOf)];
}

function columnOf({ name, type, format, description, priority, jsonPath }: CustomResourceColumnDefinition): Column<KubernetesObject> {
  const steps = parseJsonPath(jsonPath) ?? [];
  return {
    name,
    type: type as "string" | "integer" | "number" | "boolean" | "date",
    ...(format && { format }),
    ...(description && { doc: description }),
    ...(priority && { priority }),
    read: (object, { now }) => cellOf(type, findAll(steps, jsonOf(object)), now),
  };
}

function cellOf(type: string, found: readonly Json[], now: number): Cell {
  const [value] = found;
  if (value === undefined || value === null) return null;
  switch (type) {
    case "integer":
    case "number":
      return typeof value === "number" ? value : typeof value === "bigint" ? Number(value) : null;
    case "boolean":
      return typeof value === "boolean" ? value : null;
    case "date":
      return typeof value === "string" ? sinceOf(value, now) : null;
    default:
      return textOf(found);
  }
}

function sinceOf(text: string, now: number): string {
  try {
    return humanDuration(now - parseTime(text));
  } catch {
    return "<invalid>";
  }
}

function textOf(found: readonly Json[]): string {
  return found.map((value) => (typeof value === "string" ? value : writeJson(value))).join(",");
}
