// CustomResourceDefinitions as servers before v1.22 may have stored them: what all versions have in common stands once, beside them.
import {
  type CustomResourceDefinition,
  CustomResourceDefinitionNames,
  CustomResourceDefinitionStatus,
  CustomResourceSubresources,
  CustomResourceValidation,
  WebhookClientConfig,
} from "./custom-resource-definition.ts";
import { bool, int32, list, one, string } from "#schema/field.ts";
import { kind, type Kind, type ObjectOf } from "#schema/kind.ts";
import { type Infer, message, type Type } from "#schema/message.ts";

const ColumnV1beta1 = message("CustomResourceColumnDefinition", {
  name: string(1, { always: true }),
  type: string(2, { always: true }),
  format: string(3, {}),
  description: string(4, {}),
  priority: int32(5, {}),
  JSONPath: string(6, { always: true }),
});
interface ColumnV1beta1 extends Infer<typeof ColumnV1beta1> {}

const VersionV1beta1 = message("CustomResourceDefinitionVersion", {
  name: string(1, { always: true }),
  served: bool(2, { always: true }),
  storage: bool(3, { always: true }),
  schema: one(4, (): Type<CustomResourceValidation> => CustomResourceValidation, { optional: true }),
  subresources: one(5, (): Type<CustomResourceSubresources> => CustomResourceSubresources, { optional: true }),
  additionalPrinterColumns: list(6, (): Type<ColumnV1beta1> => ColumnV1beta1, {}),
  deprecated: bool(7, {}),
  deprecationWarning: string(8, { optional: true }),
});
interface VersionV1beta1 extends Infer<typeof VersionV1beta1> {}

const ConversionV1beta1 = message("CustomResourceConversion", {
  strategy: string(1, { always: true }),
  webhookClientConfig: one(2, (): Type<WebhookClientConfig> => WebhookClientConfig, { optional: true }),
  conversionReviewVersions: list(3, "string", {}),
});
interface ConversionV1beta1 extends Infer<typeof ConversionV1beta1> {}

const SpecV1beta1 = message("CustomResourceDefinitionSpec", {
  group: string(1, { always: true }),
  version: string(2, {}),
  names: one(3, (): Type<CustomResourceDefinitionNames> => CustomResourceDefinitionNames, {}),
  scope: string(4, { always: true }),
  validation: one(5, (): Type<CustomResourceValidation> => CustomResourceValidation, { optional: true }),
  subresources: one(6, (): Type<CustomResourceSubresources> => CustomResourceSubresources, { optional: true }),
  versions: list(7, (): Type<VersionV1beta1> => VersionV1beta1, {}),
  additionalPrinterColumns: list(8, (): Type<ColumnV1beta1> => ColumnV1beta1, {}),
  conversion: one(9, (): Type<ConversionV1beta1> => ConversionV1beta1, { optional: true }),
  preserveUnknownFields: bool(10, { optional: true }),
});

interface CustomResourceDefinitionV1beta1 extends ObjectOf<typeof SpecV1beta1, typeof CustomResourceDefinitionStatus, {}> {}

/** Made when it is asked for: the two versions are built of each other's parts. */
export const customResourceDefinitionV1beta1 = (): { readonly kind: Kind; readonly today: typeof today } => ({
  kind: (made ??= make()),
  today,
});
let made: Kind | undefined;

function make(): Kind {
  return kind({
    group: "apiextensions.k8s.io",
    version: "v1beta1",
    name: "CustomResourceDefinition",
    plural: "customresourcedefinitions",
    scope: "cluster",
    openapi: "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1beta1.CustomResourceDefinition",
    spec: SpecV1beta1,
    status: CustomResourceDefinitionStatus,
  });
}

function today({ spec, ...definition }: CustomResourceDefinitionV1beta1): CustomResourceDefinition {
  const { version, versions, validation, subresources, additionalPrinterColumns, conversion, preserveUnknownFields, ...rest } = spec;
  const all: readonly VersionV1beta1[] =
    versions && versions.length > 0 ? versions : [{ name: version ?? "", served: true, storage: true }];
  // An absent preserveUnknownFields meant true then.
  const preserves = preserveUnknownFields ?? true;
  return {
    ...definition,
    spec: {
      ...rest,
      versions: all.map((one) => {
        const { schema = validation, subresources: own = subresources, additionalPrinterColumns: columns, ...known } = one;
        const shown = columns && columns.length > 0 ? columns : additionalPrinterColumns;
        return {
          ...known,
          ...(schema !== undefined && { schema }),
          ...(own !== undefined && { subresources: own }),
          ...(shown && { additionalPrinterColumns: shown.map(({ JSONPath, ...column }) => ({ ...column, jsonPath: JSONPath })) }),
        };
      }),
      ...(conversion && { conversion: conversionToday(conversion) }),
      ...(preserves && { preserveUnknownFields: true }),
    },
  } as CustomResourceDefinition;
}

function conversionToday({ strategy, webhookClientConfig, conversionReviewVersions = [] }: ConversionV1beta1): object {
  if (strategy !== "Webhook") return { strategy };
  return { strategy, webhook: { ...(webhookClientConfig && { clientConfig: webhookClientConfig }), conversionReviewVersions } };
}
