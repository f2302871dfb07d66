import { kind, type ObjectOf } from "#schema/kind.ts";
import { bool, list } from "#schema/field.ts";
import { type Type } from "#schema/message.ts";
import { LocalObjectReference, ObjectReference } from "#api/core/reference.ts";
import { ageColumn, nameColumn } from "#api/meta/columns.ts";

const fields = {
  secrets: list(2, (): Type<ObjectReference> => ObjectReference, {
    list: "map",
    keys: ["name"],
    duplicates: "allowed",
    patch: "merge",
    mergeKey: "name",
    doc: "Secrets that Pods of the account may use.",
  }),
  imagePullSecrets: list(3, (): Type<LocalObjectReference> => LocalObjectReference, {
    list: "atomic",
    doc: "Secrets with which images of its Pods are pulled.",
  }),
  automountServiceAccountToken: bool(4, { optional: true, doc: "Whether its Pods get a token." }),
};

export interface ServiceAccount extends ObjectOf<undefined, undefined, typeof fields> {}
export const ServiceAccount = kind({
  group: "",
  version: "v1",
  name: "ServiceAccount",
  plural: "serviceaccounts",
  doc: "An identity for Pods.",
  scope: "namespaced",
  shortNames: ["sa"],
  columns: [nameColumn, { name: "Secrets", doc: "How many Secrets it lists.", read: ({ secrets = [] }) => secrets.length }, ageColumn],
  openapi: "io.k8s.api.core.v1.ServiceAccount",
  fields,
});
