import { bool, double, int64, list, map, one, rawValue, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";

export const JSONSchemaPropsOrBool: Type<JSONSchemaPropsOrBool> = message(
  "JSONSchemaPropsOrBool",
  {
    allows: bool(1, { always: true, doc: "Whether anything is allowed." }),
    schema: one(2, (): Type<JSONSchemaProps> => JSONSchemaProps, { optional: true, doc: "What is allowed." }),
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
    schema: one(1, (): Type<JSONSchemaProps> => JSONSchemaProps, { optional: true, doc: "What must hold." }),
    property: list(2, "string", { doc: "Which properties must be there." }),
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
    description: string(1, { doc: "What is found there." }),
    url: string(2, { doc: "Where it is." }),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ExternalDocumentation" },
);
export interface ExternalDocumentation extends Infer<typeof ExternalDocumentation> {}

export const JSONSchemaPropsOrArray: Type<JSONSchemaPropsOrArray> = message(
  "JSONSchemaPropsOrArray",
  {
    schema: one(1, (): Type<JSONSchemaProps> => JSONSchemaProps, { optional: true, doc: "Schema of every item." }),
    jSONSchemas: list(2, (): Type<JSONSchemaProps> => JSONSchemaProps, { doc: "Schema of each item." }),
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
    rule: string(1, { always: true, required: true, doc: "Expression that must be true." }),
    message: string(2, { doc: "What is said when it is not." }),
    messageExpression: string(3, { doc: "Expression for what is said when it is not." }),
    reason: string(4, { optional: true, doc: "What kind of error it is." }),
    fieldPath: string(5, { doc: "Field the error is about." }),
    optionalOldSelf: bool(6, { optional: true, doc: "Whether the rule runs without an old value too." }),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ValidationRule" },
);
export interface ValidationRule extends Infer<typeof ValidationRule> {}

export const JSONSchemaProps = message(
  "JSONSchemaProps",
  {
    id: string(1, { doc: "Name of the schema." }),
    $schema: string(2, { doc: "Dialect of the schema." }),
    $ref: string(3, { optional: true, doc: "Another schema; not allowed here." }),
    description: string(4, { doc: "What the value means." }),
    type: string(5, { doc: "JSON type of the value." }),
    format: string(6, { doc: "What kind of text or number." }),
    title: string(7, { doc: "Short name of the value." }),
    default: rawValue(8, { optional: true, doc: "Value when absent." }),
    maximum: double(9, { optional: true, doc: "The largest number." }),
    exclusiveMaximum: bool(10, { doc: "Whether maximum itself is too large." }),
    minimum: double(11, { optional: true, doc: "The smallest number." }),
    exclusiveMinimum: bool(12, { doc: "Whether minimum itself is too small." }),
    maxLength: int64(13, { optional: true, doc: "The longest text." }),
    minLength: int64(14, { optional: true, doc: "The shortest text." }),
    pattern: string(15, { doc: "Regular expression for the text." }),
    maxItems: int64(16, { optional: true, doc: "The most items." }),
    minItems: int64(17, { optional: true, doc: "The fewest items." }),
    uniqueItems: bool(18, { doc: "Whether items must differ; not allowed here." }),
    multipleOf: double(19, { optional: true, doc: "Number that divides the value." }),
    enum: list(20, "rawValue", { list: "atomic", doc: "The values there are." }),
    maxProperties: int64(21, { optional: true, doc: "The most properties." }),
    minProperties: int64(22, { optional: true, doc: "The fewest properties." }),
    required: list(23, "string", { list: "atomic", doc: "Properties that must be there." }),
    items: one(24, (): Type<JSONSchemaPropsOrArray> => JSONSchemaPropsOrArray, { optional: true, doc: "Schema of the items." }),
    allOf: list(25, (): Type<JSONSchemaProps> => JSONSchemaProps, { list: "atomic", doc: "Schemas that all must hold." }),
    oneOf: list(26, (): Type<JSONSchemaProps> => JSONSchemaProps, { list: "atomic", doc: "Schemas of which exactly one must hold." }),
    anyOf: list(27, (): Type<JSONSchemaProps> => JSONSchemaProps, { list: "atomic", doc: "Schemas of which one must hold." }),
    not: one(28, (): Type<JSONSchemaProps> => JSONSchemaProps, { optional: true, doc: "Schema that must not hold." }),
    properties: map(29, (): Type<JSONSchemaProps> => JSONSchemaProps, { doc: "Schema of each property." }),
    additionalProperties: one(30, (): Type<JSONSchemaPropsOrBool> => JSONSchemaPropsOrBool, {
      optional: true,
      doc: "Schema of all other properties.",
    }),
    patternProperties: map(31, (): Type<JSONSchemaProps> => JSONSchemaProps, {
      doc: "Schemas of properties by pattern; not allowed here.",
    }),
    dependencies: map(32, (): Type<JSONSchemaPropsOrStringArray> => JSONSchemaPropsOrStringArray, {
      doc: "What properties bring with them; not allowed here.",
    }),
    additionalItems: one(33, (): Type<JSONSchemaPropsOrBool> => JSONSchemaPropsOrBool, {
      optional: true,
      doc: "Schema of further items; not allowed here.",
    }),
    definitions: map(34, (): Type<JSONSchemaProps> => JSONSchemaProps, { doc: "Schemas to refer to; not allowed here." }),
    externalDocs: one(35, (): Type<ExternalDocumentation> => ExternalDocumentation, { optional: true, doc: "Where to read more." }),
    example: rawValue(36, { optional: true, doc: "An example." }),
    nullable: bool(37, { doc: "Whether null is allowed." }),
    "x-kubernetes-preserve-unknown-fields": bool(38, { optional: true, doc: "Whether fields that are not declared are kept." }),
    "x-kubernetes-embedded-resource": bool(39, { doc: "Whether the value is an object with apiVersion, kind and metadata." }),
    "x-kubernetes-int-or-string": bool(40, { doc: "Whether the value is a whole number or text." }),
    "x-kubernetes-list-map-keys": list(41, "string", { list: "atomic", doc: "Fields by which items are told apart." }),
    "x-kubernetes-list-type": string(42, { optional: true, doc: "How lists merge: atomic, set or map." }),
    "x-kubernetes-map-type": string(43, { optional: true, doc: "How objects merge: granular or atomic." }),
    "x-kubernetes-validations": list(44, (): Type<ValidationRule> => ValidationRule, {
      list: "map",
      keys: ["rule"],
      patch: "merge",
      mergeKey: "rule",
      doc: "Expressions that must be true.",
    }),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps" },
);
export interface JSONSchemaProps extends Infer<typeof JSONSchemaProps> {}
