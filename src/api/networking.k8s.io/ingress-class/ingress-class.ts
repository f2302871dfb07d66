import { kind, type ObjectOf } from "#schema/kind.ts";
import { one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { ageColumn, nameColumn } from "#api/meta/columns.ts";
import { ingressClassErrors } from "./ingress-class-rules.ts";

export const IngressClassParametersReference = message(
  "IngressClassParametersReference",
  {
    apiGroup: string(1, { optional: true, doc: "Group of the object; the core group when absent." }),
    kind: string(2, { always: true, required: true, doc: "Kind of the object." }),
    name: string(3, { always: true, required: true, doc: "Name of the object." }),
    scope: string(4, { optional: true, always: true, default: "Cluster", doc: "Cluster or Namespace." }),
    namespace: string(5, { optional: true, doc: "Namespace of the object, where its scope is Namespace." }),
  },
  { openapi: "io.k8s.api.networking.v1.IngressClassParametersReference" },
);
export interface IngressClassParametersReference extends Infer<typeof IngressClassParametersReference> {}

export const IngressClassSpec = message(
  "IngressClassSpec",
  {
    controller: string(1, { immutable: true, doc: "Name of the controller that serves the class." }),
    parameters: one(2, (): Type<IngressClassParametersReference> => IngressClassParametersReference, {
      optional: true,
      doc: "Object with further settings.",
    }),
  },
  { openapi: "io.k8s.api.networking.v1.IngressClassSpec" },
);
export interface IngressClassSpec extends Infer<typeof IngressClassSpec> {}

export interface IngressClass extends ObjectOf<typeof IngressClassSpec, undefined, {}> {}
export const IngressClass = kind({
  group: "networking.k8s.io",
  version: "v1",
  formerVersions: ["v1beta1"],
  name: "IngressClass",
  plural: "ingressclasses",
  doc: "A name for whoever serves Ingresses.",
  scope: "cluster",
  validate: ingressClassErrors,
  columns: [
    nameColumn,
    { name: "Controller", doc: "Controller that serves the class.", read: ({ spec }) => spec.controller ?? "" },
    { name: "Parameters", doc: "Object with further settings.", read: parametersText },
    ageColumn,
  ],
  openapi: "io.k8s.api.networking.v1.IngressClass",
  spec: IngressClassSpec,
});

function parametersText({ spec: { parameters } }: IngressClass): string {
  if (!parameters) return "<none>";
  return `${parameters.kind}${parameters.apiGroup ? `.${parameters.apiGroup}` : ""}/${parameters.name}`;
}
