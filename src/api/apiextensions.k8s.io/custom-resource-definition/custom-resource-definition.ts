import { kind, type ObjectOf } from "#schema/kind.ts";
import { bool, bytes, int32, int64, list, one, string, time } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { JSONSchemaProps } from "./json-schema.ts";
import { createdColumn, nameColumn } from "#api/meta/columns.ts";
import { customResourceDefinitionErrors } from "./custom-resource-definition-rules.ts";

export const ServiceReference = message(
  "ServiceReference",
  {
    namespace: string(1, { always: true, required: true }),
    name: string(2, { always: true, required: true }),
    path: string(3, { optional: true }),
    port: int32(4, { optional: true, default: 443 }),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ServiceReference" },
);
export interface ServiceReference extends Infer<typeof ServiceReference> {}

export const WebhookClientConfig = message(
  "WebhookClientConfig",
  {
    service: one(1, (): Type<ServiceReference> => ServiceReference, { optional: true }),
    caBundle: bytes(2),
    url: string(3, { optional: true }),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.WebhookClientConfig" },
);
export interface WebhookClientConfig extends Infer<typeof WebhookClientConfig> {}

export const WebhookConversion = message(
  "WebhookConversion",
  {
    clientConfig: one(2, (): Type<WebhookClientConfig> => WebhookClientConfig, { optional: true }),
    conversionReviewVersions: list(3, "string", { always: true, required: true, list: "atomic" }),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.WebhookConversion" },
);
export interface WebhookConversion extends Infer<typeof WebhookConversion> {}

export const CustomResourceConversion = message(
  "CustomResourceConversion",
  {
    strategy: string(1, { always: true, required: true, enum: ["None", "Webhook"] }),
    webhook: one(2, (): Type<WebhookConversion> => WebhookConversion, { optional: true }),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceConversion" },
);
export interface CustomResourceConversion extends Infer<typeof CustomResourceConversion> {}

export const CustomResourceDefinitionNames = message(
  "CustomResourceDefinitionNames",
  {
    plural: string(1, { always: true, required: true }),
    singular: string(2),
    shortNames: list(3, "string", { list: "atomic" }),
    kind: string(4, { always: true, required: true }),
    listKind: string(5),
    categories: list(6, "string", { list: "atomic" }),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionNames" },
);
export interface CustomResourceDefinitionNames extends Infer<typeof CustomResourceDefinitionNames> {}

export const CustomResourceColumnDefinition = message(
  "CustomResourceColumnDefinition",
  {
    name: string(1, { always: true, required: true }),
    type: string(2, { always: true, required: true }),
    format: string(3),
    description: string(4),
    priority: int32(5),
    jsonPath: string(6, { always: true, required: true }),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceColumnDefinition" },
);
export interface CustomResourceColumnDefinition extends Infer<typeof CustomResourceColumnDefinition> {}

export const CustomResourceValidation = message(
  "CustomResourceValidation",
  {
    openAPIV3Schema: one(1, (): Type<JSONSchemaProps> => JSONSchemaProps, { optional: true }),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceValidation" },
);
export interface CustomResourceValidation extends Infer<typeof CustomResourceValidation> {}

export const SelectableField = message(
  "SelectableField",
  {
    jsonPath: string(1, { always: true, required: true }),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.SelectableField" },
);
export interface SelectableField extends Infer<typeof SelectableField> {}

export const CustomResourceSubresourceScale = message(
  "CustomResourceSubresourceScale",
  {
    specReplicasPath: string(1, { required: true }),
    statusReplicasPath: string(2, { required: true }),
    labelSelectorPath: string(3),
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
    status: one(1, (): Type<CustomResourceSubresourceStatus> => CustomResourceSubresourceStatus, { optional: true }),
    scale: one(2, (): Type<CustomResourceSubresourceScale> => CustomResourceSubresourceScale, { optional: true }),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceSubresources" },
);
export interface CustomResourceSubresources extends Infer<typeof CustomResourceSubresources> {}

export const CustomResourceDefinitionVersion = message(
  "CustomResourceDefinitionVersion",
  {
    name: string(1, { always: true, required: true }),
    served: bool(2, { always: true, required: true }),
    storage: bool(3, { always: true, required: true }),
    schema: one(4, (): Type<CustomResourceValidation> => CustomResourceValidation, { optional: true }),
    subresources: one(5, (): Type<CustomResourceSubresources> => CustomResourceSubresources, { optional: true }),
    additionalPrinterColumns: list(6, (): Type<CustomResourceColumnDefinition> => CustomResourceColumnDefinition, { list: "atomic" }),
    deprecated: bool(7),
    deprecationWarning: string(8, { optional: true }),
    selectableFields: list(9, (): Type<SelectableField> => SelectableField, { list: "atomic" }),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionVersion" },
);
export interface CustomResourceDefinitionVersion extends Infer<typeof CustomResourceDefinitionVersion> {}

export const CustomResourceDefinitionSpec = message(
  "CustomResourceDefinitionSpec",
  {
    group: string(1, { always: true, required: true }),
    names: one(3, (): Type<CustomResourceDefinitionNames> => CustomResourceDefinitionNames, { required: true }),
    scope: string(4, { always: true, required: true, enum: ["Cluster", "Namespaced"] }),
    versions: list(7, (): Type<CustomResourceDefinitionVersion> => CustomResourceDefinitionVersion, {
      always: true,
      required: true,
      list: "atomic",
      minLength: 1,
    }),
    conversion: one(9, (): Type<CustomResourceConversion> => CustomResourceConversion, { optional: true, default: { strategy: "None" } }),
    preserveUnknownFields: bool(10),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionSpec" },
);
export interface CustomResourceDefinitionSpec extends Infer<typeof CustomResourceDefinitionSpec> {}

export const CustomResourceDefinitionCondition = message(
  "CustomResourceDefinitionCondition",
  {
    type: string(1, { always: true, required: true }),
    status: string(2, { always: true, required: true }),
    lastTransitionTime: time(3),
    reason: string(4),
    message: string(5),
    observedGeneration: int64(6),
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
    }),
    acceptedNames: one(2, (): Type<CustomResourceDefinitionNames> => CustomResourceDefinitionNames),
    storedVersions: list(3, "string", { always: true, list: "atomic" }),
    observedGeneration: int64(4),
  },
  { openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionStatus" },
);
export interface CustomResourceDefinitionStatus extends Infer<typeof CustomResourceDefinitionStatus> {}

export interface CustomResourceDefinition
  extends ObjectOf<typeof CustomResourceDefinitionSpec, typeof CustomResourceDefinitionStatus, {}> {}
export const CustomResourceDefinition = kind({
  group: "apiextensions.k8s.io",
  version: "v1",
  name: "CustomResourceDefinition",
  plural: "customresourcedefinitions",
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
