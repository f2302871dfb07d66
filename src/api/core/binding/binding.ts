import { notSupported, required } from "#schema/derive/field-error.ts";
import { kind, type ObjectOf } from "#schema/kind.ts";
import { one } from "#schema/field.ts";
import { type Type } from "#schema/message.ts";
import { ObjectReference } from "#api/core/reference.ts";

const fields = {
  target: one(2, (): Type<ObjectReference> => ObjectReference, { required: true, doc: "Node that the Pod goes to." }),
};

export interface Binding extends ObjectOf<undefined, undefined, typeof fields> {}
export const Binding = kind({
  group: "",
  version: "v1",
  name: "Binding",
  plural: "bindings",
  doc: "Ties a Pod to a Node.",
  scope: "namespaced",
  validate: ({ target }) => [
    ...(target.kind && target.kind !== "Node" ? [notSupported("target.kind", target.kind, ["Node", "<empty>"])] : []),
    ...(target.name ? [] : [required("target.name")]),
  ],
  verbs: ["create"],
  openapi: "io.k8s.api.core.v1.Binding",
  fields,
});
