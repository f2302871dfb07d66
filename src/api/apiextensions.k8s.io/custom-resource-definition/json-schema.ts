import { bool, double, int64, list, map, one, rawValue, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";

export const JSONSchemaPropsOrBool: Type<JSONSchemaPropsOrBool> = message(
  "JSONSchemaPropsOrBool",
  {
    allows: bool(1, { always: true }),
    schema: one(2, (): Type<JSONSchemaProps> => JSONSchemaProps, { optional: true }),
  },
  {
    openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrBool",
    either: { field: "schema", alternative: "allows" },
  },
) as unknown as Type<JSONSchemaPropsOrBool>;
export type JSONSchemaPropsOrBool = JSONSchemaProps | boolean;

export const JSONSchemaPropsOrStringArray: Type<JSONSchemaPropsOrStringArray> = message(
  "JSONSchemaPropsOrStringArray",
  {
    schema: one(1, (): Type<JSONSchemaProps> => JSONSchemaProps, { optional: true }),
    property: list(2, "string"),
  },
  {
    openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrStringArray",
    either: { field: "schema", alternative: "property" },
  },
) as unknown as Type<JSONSchemaPropsOrStringArray>;
export type JSONSchemaPropsOrStringArray = JSONSchemaProps | readonly string[];

export const ExternalDocumentation = message(
  "ExternalDocumentation",
  {
    description: string(1),
    url: string(2),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ExternalDocumentation" },
);
export interface ExternalDocumentation extends Infer<typeof ExternalDocumentation> {}

export const JSONSchemaPropsOrArray: Type<JSONSchemaPropsOrArray> = message(
  "JSONSchemaPropsOrArray",
  {
    schema: one(1, (): Type<JSONSchemaProps> => JSONSchemaProps, { optional: true }),
    jSONSchemas: list(2, (): Type<JSONSchemaProps> => JSONSchemaProps),
  },
  {
    openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaPropsOrArray",
    either: { field: "schema", alternative: "jSONSchemas" },
  },
) as unknown as Type<JSONSchemaPropsOrArray>;
export type JSONSchemaPropsOrArray = JSONSchemaProps | readonly JSONSchemaProps[];

export const ValidationRule = message(
  "ValidationRule",
  {
    rule: string(1, { always: true, required: true }),
    message: string(2),
    messageExpression: string(3),
    reason: string(4, { optional: true }),
    fieldPath: string(5),
    optionalOldSelf: bool(6, { optional: true }),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ValidationRule" },
);
export interface ValidationRule extends Infer<typeof ValidationRule> {}

export const JSONSchemaProps = message(
  "JSONSchemaProps",
  {
    id: string(1),
    $schema: string(2),
    $ref: string(3, { optional: true }),
    description: string(4),
    type: string(5),
    format: string(6),
    title: string(7),
    default: rawValue(8, { optional: true }),
    maximum: double(9, { optional: true }),
    exclusiveMaximum: bool(10),
    minimum: double(11, { optional: true }),
    exclusiveMinimum: bool(12),
    maxLength: int64(13, { optional: true }),
    minLength: int64(14, { optional: true }),
    pattern: string(15),
    maxItems: int64(16, { optional: true }),
    minItems: int64(17, { optional: true }),
    uniqueItems: bool(18),
    multipleOf: double(19, { optional: true }),
    enum: list(20, "rawValue", { list: "atomic" }),
    maxProperties: int64(21, { optional: true }),
    minProperties: int64(22, { optional: true }),
    required: list(23, "string", { list: "atomic" }),
    items: one(24, (): Type<JSONSchemaPropsOrArray> => JSONSchemaPropsOrArray, { optional: true }),
    allOf: list(25, (): Type<JSONSchemaProps> => JSONSchemaProps, { list: "atomic" }),
    oneOf: list(26, (): Type<JSONSchemaProps> => JSONSchemaProps, { list: "atomic" }),
    anyOf: list(27, (): Type<JSONSchemaProps> => JSONSchemaProps, { list: "atomic" }),
    not: one(28, (): Type<JSONSchemaProps> => JSONSchemaProps, { optional: true }),
    properties: map(29, (): Type<JSONSchemaProps> => JSONSchemaProps),
    additionalProperties: one(30, (): Type<JSONSchemaPropsOrBool> => JSONSchemaPropsOrBool, { optional: true }),
    patternProperties: map(31, (): Type<JSONSchemaProps> => JSONSchemaProps),
    dependencies: map(32, (): Type<JSONSchemaPropsOrStringArray> => JSONSchemaPropsOrStringArray),
    additionalItems: one(33, (): Type<JSONSchemaPropsOrBool> => JSONSchemaPropsOrBool, { optional: true }),
    definitions: map(34, (): Type<JSONSchemaProps> => JSONSchemaProps),
    externalDocs: one(35, (): Type<ExternalDocumentation> => ExternalDocumentation, { optional: true }),
    example: rawValue(36, { optional: true }),
    nullable: bool(37),
    "x-kubernetes-preserve-unknown-fields": bool(38, { optional: true }),
    "x-kubernetes-embedded-resource": bool(39),
    "x-kubernetes-int-or-string": bool(40),
    "x-kubernetes-list-map-keys": list(41, "string", { list: "atomic" }),
    "x-kubernetes-list-type": string(42, { optional: true }),
    "x-kubernetes-map-type": string(43, { optional: true }),
    "x-kubernetes-validations": list(44, (): Type<ValidationRule> => ValidationRule, {
      list: "map",
      keys: ["rule"],
      patch: "merge",
      mergeKey: "rule",
    }),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps" },
);
export interface JSONSchemaProps extends Infer<typeof JSONSchemaProps> {}
