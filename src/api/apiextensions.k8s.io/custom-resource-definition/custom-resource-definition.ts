import { kind, type ObjectOf } from "#schema/kind.ts";
import { bool, bytes, int32, int64, list, one, string, time } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { JSONSchemaProps } from "./json-schema.ts";
import { createdColumn, nameColumn } from "#api/meta/columns.ts";
import { customResourceDefinitionErrors } from "./custom-resource-definition-rules.ts";
import { customResourceDefinitionV1beta1 } from "./v1beta1.ts";

export const ServiceReference = message(
  "ServiceReference",
  {
    namespace: string(1, { always: true, required: true, doc: "Namespace of the Service." }),
    name: string(2, { always: true, required: true, doc: "Name of the Service." }),
    path: string(3, { optional: true, doc: "Path of the request." }),
    port: int32(4, { optional: true, default: 443, doc: "Port of the Service." }),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ServiceReference" },
);
export interface ServiceReference extends Infer<typeof ServiceReference> {}

export const WebhookClientConfig = message(
  "WebhookClientConfig",
  {
    service: one(1, (): Type<ServiceReference> => ServiceReference, { optional: true, doc: "Service that is asked." }),
    caBundle: bytes(2, { doc: "Certificates to check the server's by, in PEM." }),
    url: string(3, { optional: true, doc: "Address that is asked instead of a Service." }),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.WebhookClientConfig" },
);
export interface WebhookClientConfig extends Infer<typeof WebhookClientConfig> {}

export const WebhookConversion = message(
  "WebhookConversion",
  {
    clientConfig: one(2, (): Type<WebhookClientConfig> => WebhookClientConfig, { optional: true, doc: "How the webhook is reached." }),
    conversionReviewVersions: list(3, "string", {
      always: true,
      required: true,
      list: "atomic",
      doc: "Versions of ConversionReview the webhook understands, best first.",
    }),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.WebhookConversion" },
);
export interface WebhookConversion extends Infer<typeof WebhookConversion> {}

export const CustomResourceConversion = message(
  "CustomResourceConversion",
  {
    strategy: string(1, { always: true, required: true, enum: ["None", "Webhook"], doc: "None, or Webhook." }),
    webhook: one(2, (): Type<WebhookConversion> => WebhookConversion, { optional: true, doc: "The webhook that converts." }),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceConversion" },
);
export interface CustomResourceConversion extends Infer<typeof CustomResourceConversion> {}

export const CustomResourceDefinitionNames = message(
  "CustomResourceDefinitionNames",
  {
    plural: string(1, { always: true, required: true, doc: "Plural name, as in paths." }),
    singular: string(2, { doc: "Singular name." }),
    shortNames: list(3, "string", { list: "atomic", doc: "Names for the command line." }),
    kind: string(4, { always: true, required: true, doc: "Name of the kind." }),
    listKind: string(5, { doc: "Name of the kind of lists." }),
    categories: list(6, "string", { list: "atomic", doc: "Names of lists it belongs to, such as all." }),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionNames" },
);
export interface CustomResourceDefinitionNames extends Infer<typeof CustomResourceDefinitionNames> {}

export const CustomResourceColumnDefinition = message(
  "CustomResourceColumnDefinition",
  {
    name: string(1, { always: true, required: true, doc: "Header of the column." }),
    type: string(2, { always: true, required: true, doc: "OpenAPI type of its cells, or date." }),
    format: string(3, { doc: "OpenAPI format that refines the type." }),
    description: string(4, { doc: "What the column shows." }),
    priority: int32(5, { doc: "How dispensable the column is: 0 is always shown." }),
    jsonPath: string(6, { always: true, required: true, doc: "Where in the object its cells come from." }),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceColumnDefinition" },
);
export interface CustomResourceColumnDefinition extends Infer<typeof CustomResourceColumnDefinition> {}

export const CustomResourceValidation = message(
  "CustomResourceValidation",
  {
    openAPIV3Schema: one(1, (): Type<JSONSchemaProps> => JSONSchemaProps, { optional: true, doc: "The schema." }),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceValidation" },
);
export interface CustomResourceValidation extends Infer<typeof CustomResourceValidation> {}

export const SelectableField = message(
  "SelectableField",
  {
    jsonPath: string(1, { always: true, required: true, doc: "Path of a field that selectors may name." }),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.SelectableField" },
);
export interface SelectableField extends Infer<typeof SelectableField> {}

export const CustomResourceSubresourceScale = message(
  "CustomResourceSubresourceScale",
  {
    specReplicasPath: string(1, { required: true, doc: "Where the wanted replicas stand." }),
    statusReplicasPath: string(2, { required: true, doc: "Where the counted replicas stand." }),
    labelSelectorPath: string(3, { doc: "Where the selector of the Pods stands, as text." }),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresourceScale" },
);
export interface CustomResourceSubresourceScale extends Infer<typeof CustomResourceSubresourceScale> {}

export const CustomResourceSubresourceStatus = message(
  "CustomResourceSubresourceStatus",
  {},
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresourceStatus" },
);
export interface CustomResourceSubresourceStatus extends Infer<typeof CustomResourceSubresourceStatus> {}

export const CustomResourceSubresources = message(
  "CustomResourceSubresources",
  {
    status: one(1, (): Type<CustomResourceSubresourceStatus> => CustomResourceSubresourceStatus, {
      optional: true,
      doc: "Whether status is written apart from the rest.",
    }),
    scale: one(2, (): Type<CustomResourceSubresourceScale> => CustomResourceSubresourceScale, {
      optional: true,
      doc: "How the number of replicas is read and written.",
    }),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresources" },
);
export interface CustomResourceSubresources extends Infer<typeof CustomResourceSubresources> {}

export const CustomResourceDefinitionVersion = message(
  "CustomResourceDefinitionVersion",
  {
    name: string(1, { always: true, required: true, doc: "Name of the version." }),
    served: bool(2, { always: true, required: true, doc: "Whether the version is served." }),
    storage: bool(3, { always: true, required: true, doc: "Whether objects are stored in this version." }),
    schema: one(4, (): Type<CustomResourceValidation> => CustomResourceValidation, { optional: true, doc: "What objects look like." }),
    subresources: one(5, (): Type<CustomResourceSubresources> => CustomResourceSubresources, {
      optional: true,
      doc: "Subresources of the version.",
    }),
    additionalPrinterColumns: list(6, (): Type<CustomResourceColumnDefinition> => CustomResourceColumnDefinition, {
      list: "atomic",
      doc: "Columns of tables besides the name.",
    }),
    deprecated: bool(7, { doc: "Whether clients are warned of the version." }),
    deprecationWarning: string(8, { optional: true, doc: "What clients are warned with." }),
    selectableFields: list(9, (): Type<SelectableField> => SelectableField, { list: "atomic", doc: "Fields that selectors may name." }),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionVersion" },
);
export interface CustomResourceDefinitionVersion extends Infer<typeof CustomResourceDefinitionVersion> {}

export const CustomResourceDefinitionSpec = message(
  "CustomResourceDefinitionSpec",
  {
    group: string(1, { always: true, required: true, doc: "API group of the kind." }),
    names: one(3, (): Type<CustomResourceDefinitionNames> => CustomResourceDefinitionNames, {
      required: true,
      doc: "What the kind is called.",
    }),
    scope: string(4, { always: true, required: true, enum: ["Cluster", "Namespaced"], doc: "Cluster or Namespaced." }),
    versions: list(7, (): Type<CustomResourceDefinitionVersion> => CustomResourceDefinitionVersion, {
      always: true,
      required: true,
      list: "atomic",
      minLength: 1,
      doc: "Versions of the kind.",
    }),
    conversion: one(9, (): Type<CustomResourceConversion> => CustomResourceConversion, {
      optional: true,
      default: { strategy: "None" },
      doc: "How objects are converted between versions.",
    }),
    preserveUnknownFields: bool(10, { doc: "Must be false." }),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionSpec" },
);
export interface CustomResourceDefinitionSpec extends Infer<typeof CustomResourceDefinitionSpec> {}

export const CustomResourceDefinitionCondition = message(
  "CustomResourceDefinitionCondition",
  {
    type: string(1, { always: true, required: true, doc: "What the condition tells: Established, NamesAccepted or others." }),
    status: string(2, { always: true, required: true, doc: "True, False or Unknown." }),
    lastTransitionTime: time(3, { doc: "When the status last changed." }),
    reason: string(4, { doc: "Why, in one word." }),
    message: string(5, { doc: "Why, for people." }),
    observedGeneration: int64(6, { doc: "Generation of the definition this was told for." }),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionCondition" },
);
export interface CustomResourceDefinitionCondition extends Infer<typeof CustomResourceDefinitionCondition> {}

export const CustomResourceDefinitionStatus = message(
  "CustomResourceDefinitionStatus",
  {
    conditions: list(1, (): Type<CustomResourceDefinitionCondition> => CustomResourceDefinitionCondition, {
      always: true,
      list: "map",
      keys: ["type"],
      doc: "What is true of the definition now.",
    }),
    acceptedNames: one(2, (): Type<CustomResourceDefinitionNames> => CustomResourceDefinitionNames, { doc: "Names that are in use." }),
    storedVersions: list(3, "string", { always: true, list: "atomic", doc: "Versions that objects may still be stored in." }),
    observedGeneration: int64(4, { doc: "Generation of the spec this status tells of." }),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionStatus" },
);
export interface CustomResourceDefinitionStatus extends Infer<typeof CustomResourceDefinitionStatus> {}

export interface CustomResourceDefinition
  extends ObjectOf<typeof CustomResourceDefinitionSpec, typeof CustomResourceDefinitionStatus, {}> {}
export const CustomResourceDefinition = kind({
  group: "apiextensions.k8s.io",
  version: "v1",
  former: () => [customResourceDefinitionV1beta1()],
  name: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
  doc: "Adds a kind to the API.",
  scope: "cluster",
  validate: customResourceDefinitionErrors,
  shortNames: ["crd", "crds"],
  categories: ["api-extensions"],
  allowUnconditionalUpdate: false,
  columns: [nameColumn, createdColumn],
  openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinition",
  spec: CustomResourceDefinitionSpec,
  status: CustomResourceDefinitionStatus,
  subresources: { status: true },
  default: withNames,
});

function withNames(definition: CustomResourceDefinition): CustomResourceDefinition {
  const { names } = definition.spec;
  if (names.singular && names.listKind) return definition;
  const complete = { ...names, singular: names.singular || names.kind.toLowerCase(), listKind: names.listKind || `${names.kind}List` };
  return { ...definition, spec: { ...definition.spec, names: complete } };
}
