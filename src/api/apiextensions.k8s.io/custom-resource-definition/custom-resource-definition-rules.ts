// The rules of CustomResourceDefinitions: names that can be served, one version that is stored, and a schema for each.
import { invalid, required, forbidden } from "#schema/derive/field-error.ts";
import { dns1035LabelProblems, dns1123SubdomainProblems } from "#schema/derive/formats.ts";
import type { FieldError } from "#schema/kind.ts";
import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from "./custom-resource-definition.ts";
import type { JSONSchemaProps } from "./json-schema.ts";

const schemaDepthMax = 64;

export function customResourceDefinitionErrors(
  definition: CustomResourceDefinition,
  { old, subresource }: { readonly old?: CustomResourceDefinition; readonly subresource: string },
): readonly FieldError[] {
  if (subresource !== "") return [];
  const { metadata, spec } = definition;
  const errors: FieldError[] = [];
  const name = `${spec.names.plural}.${spec.group}`;
  if (metadata.name !== name) errors.push(invalid("metadata.name", metadata.name, 'must be spec.names.plural+"."+spec.group'));
  errors.push(...groupErrors(spec.group), ...namesErrors(spec.names), ...versionsErrors(definition));
  if (spec.preserveUnknownFields) {
    errors.push(
      invalid(
        "spec.preserveUnknownFields",
        true,
        "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead",
      ),
    );
  }
  if (spec.conversion.strategy === "Webhook" && spec.conversion.webhook?.clientConfig === undefined) {
    errors.push(required("spec.conversion.webhook.clientConfig", "required when strategy is set to Webhook"));
  }
  return old === undefined ? errors : [...errors, ...changeErrors(definition, old)];
}

function groupErrors(group: string): readonly FieldError[] {
  if (group === "") return [];
  const problems = dns1123SubdomainProblems(group);
  if (problems.length > 0) return problems.map((problem) => invalid("spec.group", group, problem));
  return group.includes(".") ? [] : [invalid("spec.group", group, "should be a domain with at least one dot")];
}

function namesErrors({
  plural,
  singular,
  kind,
  listKind,
  shortNames = [],
  categories = [],
}: CustomResourceDefinition["spec"]["names"]): readonly FieldError[] {
  const path = "spec.names";
  const lower = { plural, singular: singular ?? "", kind: kind.toLowerCase(), listKind: (listKind ?? "").toLowerCase() };
  const shown: Readonly<Record<string, string>> = { plural, singular: singular ?? "", kind, listKind: listKind ?? "" };
  const errors = Object.entries(lower).flatMap(([field, name]) =>
    name === ""
      ? []
      : dns1035LabelProblems(name).map((problem) =>
          invalid(
            `${path}.${field}`,
            shown[field],
            field === "kind" || field === "listKind" ? `may have mixed case, but should otherwise match: ${problem}` : problem,
          ),
        ),
  );
  for (const [field, list] of Object.entries({ shortNames, categories })) {
    for (const [index, name] of list.entries()) {
      errors.push(...dns1035LabelProblems(name).map((problem) => invalid(`${path}.${field}[${index}]`, name, problem)));
    }
  }
  if (kind !== "" && kind === listKind) errors.push(invalid(`${path}.listKind`, listKind, "kind and listKind may not be the same"));
  return errors;
}

function versionsErrors({ spec }: CustomResourceDefinition): readonly FieldError[] {
  const { versions } = spec;
  const errors: FieldError[] = [];
  const names = versions.map(({ name }) => name);
  if (new Set(names).size !== names.length) errors.push(invalid("spec.versions", names, "must contain unique version names"));
  if (versions.filter(({ storage }) => storage).length !== 1) {
    errors.push(invalid("spec.versions", names, "must have exactly one version marked as storage version"));
  }
  return [...errors, ...versions.flatMap((version, index) => versionErrors(version, `spec.versions[${index}]`))];
}

function versionErrors(version: CustomResourceDefinitionVersion, path: string): readonly FieldError[] {
  const { name, schema, subresources, additionalPrinterColumns = [], deprecated, deprecationWarning } = version;
  const errors: FieldError[] = name === "" ? [] : dns1035LabelProblems(name).map((problem) => invalid(`${path}.name`, name, problem));
  const root = schema?.openAPIV3Schema;
  if (root === undefined) errors.push(required(`${path}.schema.openAPIV3Schema`, "schemas are required"));
  else {
    const at = `${path}.schema.openAPIV3Schema`;
    if (root.type !== "object") errors.push(invalid(`${at}.type`, root.type ?? "", "must be object at the root"));
    if (root.nullable) errors.push(forbidden(`${at}.nullable`, "nullable cannot be true at the root"));
    errors.push(...structuralErrors(root, at, 0));
  }
  const { scale } = subresources ?? {};
  if (scale !== undefined) {
    const { specReplicasPath, statusReplicasPath, labelSelectorPath } = scale;
    const at = `${path}.subresources.scale`;
    if (specReplicasPath !== "" && !specReplicasPath.startsWith(".spec.")) {
      errors.push(invalid(`${at}.specReplicasPath`, specReplicasPath, "should be a json path under .spec"));
    }
    if (statusReplicasPath !== "" && !statusReplicasPath.startsWith(".status.")) {
      errors.push(invalid(`${at}.statusReplicasPath`, statusReplicasPath, "should be a json path under .status"));
    }
    if (labelSelectorPath && !/^\.(spec|status)\./.test(labelSelectorPath)) {
      errors.push(invalid(`${at}.labelSelectorPath`, labelSelectorPath, "should be a json path under either .spec or .status"));
    }
  }
  for (const [index, { type, jsonPath }] of additionalPrinterColumns.entries()) {
    const at = `${path}.additionalPrinterColumns[${index}]`;
    const types = ["boolean", "date", "integer", "number", "string"];
    if (type !== "" && !types.includes(type)) errors.push(invalid(`${at}.type`, type, `must be one of ${types.join(",")}`));
    if (jsonPath !== "" && !jsonPath.startsWith("."))
      errors.push(invalid(`${at}.jsonPath`, jsonPath, "must be a valid JSONPath that begins with a dot"));
  }
  if (deprecationWarning !== undefined && !deprecated) {
    errors.push(invalid(`${path}.deprecationWarning`, deprecationWarning, "can only be set for deprecated versions"));
  }
  return errors;
}

/** A structural schema says the type of everything, and what "items" of a list are. */
function structuralErrors(schema: JSONSchemaProps, path: string, depth: number): readonly FieldError[] {
  if (depth > schemaDepthMax) return [invalid(path, "", `may not be nested more than ${schemaDepthMax} levels deep`)];
  const errors: FieldError[] = [];
  const { type, properties = {}, items, additionalProperties } = schema;
  const free = schema["x-kubernetes-preserve-unknown-fields"] === true || schema["x-kubernetes-int-or-string"] === true;
  if (!type && !free) errors.push(required(`${path}.type`, "must not be empty for specified object fields"));
  const inner = items === undefined || !isSchema(items) ? undefined : items;
  if (type === "array" && items === undefined) errors.push(required(`${path}.items`, "must be specified"));
  if (inner !== undefined) errors.push(...structuralErrors(inner, `${path}.items`, depth + 1));
  for (const [name, property] of Object.entries(properties)) {
    errors.push(...structuralErrors(property, `${path}.properties[${name}]`, depth + 1));
  }
  if (additionalProperties !== undefined && isSchema(additionalProperties)) {
    if (Object.keys(properties).length > 0)
      errors.push(forbidden(`${path}.additionalProperties`, "additionalProperties and properties are mutual exclusive"));
    errors.push(...structuralErrors(additionalProperties, `${path}.additionalProperties`, depth + 1));
  }
  return errors;
}

/** Where JSON may have a schema or something else. */
function isSchema(value: unknown): value is JSONSchemaProps {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** What objects of the kind are stored by. */
function changeErrors({ spec }: CustomResourceDefinition, { spec: old, status }: CustomResourceDefinition): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (spec.group !== old.group) errors.push(invalid("spec.group", spec.group, "field is immutable"));
  if (spec.names.plural !== old.names.plural) errors.push(invalid("spec.names.plural", spec.names.plural, "field is immutable"));
  const established = (status.conditions ?? []).some(({ type, status: state }) => type === "Established" && state === "True");
  if (established) {
    if (spec.scope !== old.scope) errors.push(invalid("spec.scope", spec.scope, "field is immutable"));
    if (spec.names.kind !== old.names.kind) errors.push(invalid("spec.names.kind", spec.names.kind, "field is immutable"));
  }
  for (const version of status.storedVersions ?? []) {
    if (!spec.versions.some(({ name }) => name === version)) {
      errors.push(invalid("status.storedVersions", version, "must appear in spec.versions"));
    }
  }
  return errors;
}
