// What a CustomResourceDefinition must be, beyond the shape of its fields, and what the server says about it.
import type {
  CustomResourceDefinition,
  CustomResourceDefinitionCondition,
} from "#api/apiextensions.k8s.io/custom-resource-definition/custom-resource-definition.ts";
import type { JSONSchemaProps } from "#api/apiextensions.k8s.io/custom-resource-definition/json-schema.ts";
import type { FieldError } from "#schema/kind.ts";
import { itemsOf, schemaOf } from "./schema-message.ts";
import { parseJsonPath } from "./json-path.ts";
import { isPattern, schemaErrors } from "./schema-validation.ts";

const approval = "api-approved.kubernetes.io";
const depthMax = 64;

export function definitionErrors({ metadata, spec }: CustomResourceDefinition): readonly FieldError[] {
  const errors: FieldError[] = [];
  const invalid = (field: string, value: unknown, detail: string) => errors.push({ type: "Invalid", field, value, detail });
  const required = (field: string, detail: string) => errors.push({ type: "Required", field, detail });
  const { names, group, versions } = spec;
  if (metadata.name !== `${names.plural}.${group}`) invalid("metadata.name", metadata.name, 'must be spec.names.plural+"."+spec.group');
  if (/(^|\.)(k8s|kubernetes)\.io$/.test(group) && !metadata.annotations?.[approval]) {
    const detail = `protected groups must have approval annotation "${approval}", see https://github.com/kubernetes/enhancements/pull/1111`;
    required(`metadata.annotations[${approval}]`, detail);
  }
  if (versions.filter(({ storage }) => storage).length !== 1) {
    invalid(
      "spec.versions",
      versions.map(({ name }) => name),
      "must have exactly one version marked as storage version",
    );
  }
  if (new Set(versions.map(({ name }) => name)).size !== versions.length) {
    invalid(
      "spec.versions",
      versions.map(({ name }) => name),
      "must contain unique version names",
    );
  }
  if (spec.conversion?.strategy === "Webhook") {
    errors.push({ type: "NotSupported", field: "spec.conversion.strategy", value: "Webhook", detail: 'supported values: "None"' });
  }
  if (spec.preserveUnknownFields) invalid("spec.preserveUnknownFields", true, "must be false in order to use defaults in the schema");
  for (const [index, { schema, additionalPrinterColumns = [] }] of versions.entries()) {
    const field = `spec.versions[${index}]`;
    const root = schema?.openAPIV3Schema;
    if (!root) required(`${field}.schema.openAPIV3Schema`, "schemas are required");
    else structuralErrors(root, `${field}.schema.openAPIV3Schema`, errors);
    for (const [at, { jsonPath }] of additionalPrinterColumns.entries()) {
      if (!parseJsonPath(jsonPath))
        invalid(`${field}.additionalPrinterColumns[${at}].jsonPath`, jsonPath, "is not a JSON path this server understands");
    }
  }
  return errors;
}

function structuralErrors(root: JSONSchemaProps, path: string, errors: FieldError[]): void {
  if (root.type === undefined || root.type === "")
    errors.push({ type: "Required", field: `${path}.type`, detail: "must not be empty at the root" });
  else if (root.type !== "object")
    errors.push({ type: "Invalid", field: `${path}.type`, value: root.type, detail: "must be object at the root" });
  walk(root, path, "", 0, errors);
}

function walk(schema: JSONSchemaProps, path: string, what: string, depth: number, errors: FieldError[]): void {
  if (depth > depthMax) {
    errors.push({ type: "Invalid", field: path, value: depth, detail: `schemas may be at most ${depthMax} levels deep` });
    return;
  }
  const free = schema["x-kubernetes-int-or-string"] || schema["x-kubernetes-preserve-unknown-fields"];
  if (what !== "" && !schema.type && !free) {
    errors.push({ type: "Required", field: `${path}.type`, detail: `must not be empty for specified ${what}` });
  }
  if (schema.$ref !== undefined) errors.push({ type: "Forbidden", field: `${path}.$ref`, detail: "$ref is not supported" });
  if (schema.uniqueItems)
    errors.push({
      type: "Forbidden",
      field: `${path}.uniqueItems`,
      detail: "uniqueItems cannot be set to true since the runtime complexity becomes quadratic",
    });
  if (schema.pattern && !isPattern(schema.pattern)) {
    errors.push({
      type: "Invalid",
      field: `${path}.pattern`,
      value: schema.pattern,
      detail: "must be a valid regular expression, but isn't",
    });
  }
  if (schema["x-kubernetes-list-type"] === "map" && !schema["x-kubernetes-list-map-keys"]?.length) {
    errors.push({
      type: "Required",
      field: `${path}.x-kubernetes-list-map-keys`,
      detail: "must not be empty if x-kubernetes-list-type is map",
    });
  }
  if (schema.type === "array" && !itemsOf(schema.items)) {
    errors.push({ type: "Required", field: `${path}.items`, detail: "must be specified" });
  }
  if (schema.default !== undefined) errors.push(...schemaErrors(schema, schema.default, `${path}.default`));
  if (schema.properties && Object.keys(schema.properties).length > 0 && schemaOf(schema.additionalProperties)) {
    errors.push({
      type: "Forbidden",
      field: `${path}.additionalProperties`,
      detail: "additionalProperties and properties are mutual exclusive",
    });
  }
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const field = `${path}.properties[${name}]`;
    walk(property, field, "object fields", depth + 1, errors);
  }
  const items = itemsOf(schema.items);
  if (items) walk(items, `${path}.items`, "array items", depth + 1, errors);
  const values = schemaOf(schema.additionalProperties);
  if (values) walk(values, `${path}.additionalProperties`, "object fields", depth + 1, errors);
}

type Condition = Omit<CustomResourceDefinitionCondition, "lastTransitionTime" | "observedGeneration">;

/** `conflict` says who else has one of the names. */
export function definitionConditions(conflict: string | undefined): readonly Condition[] {
  if (conflict !== undefined) {
    return [
      { type: "NamesAccepted", status: "False", reason: "NameConflict", message: conflict },
      { type: "Established", status: "False", reason: "NotAccepted", message: "not all names are accepted" },
    ];
  }
  return [
    { type: "NamesAccepted", status: "True", reason: "NoConflicts", message: "no conflicts found" },
    { type: "Established", status: "True", reason: "InitialNamesAccepted", message: "the initial names have been accepted" },
  ];
}
