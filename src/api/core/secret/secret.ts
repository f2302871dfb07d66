import { kind, type ObjectOf } from "#schema/kind.ts";
import { bool, map, string } from "#schema/field.ts";

const fields = {
  data: map(2, "bytes"),
  type: string(3, { default: "Opaque", immutable: true }),
  stringData: map(4, "string"),
  immutable: bool(5, { optional: true }),
};

export interface Secret extends ObjectOf<undefined, undefined, typeof fields> {}
export const Secret = kind({
  group: "",
  version: "v1",
  name: "Secret",
  plural: "secrets",
  scope: "namespaced",
  openapi: "io.k8s.api.core.v1.Secret",
  fields,
});
