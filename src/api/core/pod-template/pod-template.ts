import { kind, type ObjectOf } from "#schema/kind.ts";
import { one } from "#schema/field.ts";
import type { Type } from "#schema/message.ts";
import { formatLabels, nameColumn } from "#api/meta/columns.ts";
import { completeTemplate } from "#api/core/pod/pod-defaults.ts";
import { plainTemplateErrors } from "#api/core/pod/pod-rules.ts";
import { PodTemplateSpec } from "#api/core/pod/pod-template.ts";

const fields = {
  template: one(2, (): Type<PodTemplateSpec> => PodTemplateSpec, { doc: "What Pods made from it should be." }),
};

export interface PodTemplate extends ObjectOf<undefined, undefined, typeof fields> {}
export const PodTemplate = kind({
  group: "",
  version: "v1",
  name: "PodTemplate",
  plural: "podtemplates",
  doc: "A Pod to be, kept for whoever makes Pods of it.",
  scope: "namespaced",
  validate: ({ template }) => plainTemplateErrors(template, "template"),
  columns: [
    nameColumn,
    {
      name: "Containers",
      doc: "Names of the containers.",
      read: ({ template: { spec } }) => spec.containers.map(({ name }) => name).join(","),
    },
    {
      name: "Images",
      doc: "Images of the containers.",
      read: ({ template: { spec } }) => spec.containers.map(({ image }) => image ?? "").join(","),
    },
    { name: "Pod Labels", doc: "Labels of the Pods.", read: ({ template: { metadata } }) => formatLabels(metadata.labels) },
  ],
  counted: true,
  openapi: "io.k8s.api.core.v1.PodTemplate",
  fields,
  default: (one) => {
    const template = completeTemplate(one.template);
    return template === one.template ? one : { ...one, template };
  },
});
