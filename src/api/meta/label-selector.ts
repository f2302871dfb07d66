import { list, map, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";

export const LabelSelectorRequirement = message(
  "LabelSelectorRequirement",
  {
    key: string(1, { always: true, required: true, doc: "Key of the label." }),
    operator: string(2, { always: true, required: true, doc: "In, NotIn, Exists or DoesNotExist." }),
    values: list(3, "string", { list: "atomic", doc: "What the label is compared with." }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelectorRequirement" },
);
export interface LabelSelectorRequirement extends Infer<typeof LabelSelectorRequirement> {}

export const LabelSelector = message(
  "LabelSelector",
  {
    matchLabels: map(1, "string", { doc: "Labels that must be so." }),
    matchExpressions: list(2, (): Type<LabelSelectorRequirement> => LabelSelectorRequirement, {
      list: "atomic",
      doc: "What else must hold of the labels.",
    }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector", atomic: true },
);
export interface LabelSelector extends Infer<typeof LabelSelector> {}

export const FieldSelectorRequirement = message(
  "FieldSelectorRequirement",
  {
    key: string(1, { always: true, required: true, doc: "Path of the field." }),
    operator: string(2, { always: true, required: true, doc: "In, NotIn, Exists or DoesNotExist." }),
    values: list(3, "string", { list: "atomic", doc: "What the field is compared with." }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.FieldSelectorRequirement" },
);
export interface FieldSelectorRequirement extends Infer<typeof FieldSelectorRequirement> {}
