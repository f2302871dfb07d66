import { kind, type ObjectOf } from "#schema/kind.ts";
import { one } from "#schema/field.ts";
import { type Type } from "#schema/message.ts";
import { DeleteOptions } from "#api/meta/delete-options.ts";

const fields = {
  deleteOptions: one(2, (): Type<DeleteOptions> => DeleteOptions, { optional: true, doc: "How the Pod is deleted." }),
};

export interface Eviction extends ObjectOf<undefined, undefined, typeof fields> {}
export const Eviction = kind({
  group: "policy",
  version: "v1",
  name: "Eviction",
  plural: "evictions",
  doc: "Asks for a Pod to go, as far as budgets allow.",
  scope: "namespaced",
  verbs: [],
  openapi: "io.k8s.api.policy.v1.Eviction",
  fields,
});
