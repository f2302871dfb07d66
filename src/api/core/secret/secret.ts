import { kind, type ObjectOf } from "#schema/kind.ts";
import { bool, map, string } from "#schema/field.ts";
import { ageColumn, nameColumn, sizeOf } from "#api/meta/columns.ts";
import { encodeBase64 } from "#base/base64.ts";
import { secretErrors } from "./secret-rules.ts";

const fields = {
  data: map(2, "bytes", { doc: "Entries as bytes." }),
  type: string(3, { default: "Opaque", immutable: true, doc: "What the Secret is for." }),
  stringData: map(4, "string", { doc: "Entries as text; written only, and taken over into data." }),
  immutable: bool(5, { optional: true, doc: "Whether the entries may never change." }),
};

export interface Secret extends ObjectOf<undefined, undefined, typeof fields> {}
export const Secret = kind({
  group: "",
  version: "v1",
  name: "Secret",
  plural: "secrets",
  doc: "Confidential data for Pods to read.",
  scope: "namespaced",
  validate: secretErrors,
  columns: [
    nameColumn,
    { name: "Type", doc: "What the Secret is for.", read: ({ type }) => type },
    { name: "Data", doc: "How many entries it has.", read: ({ data }) => sizeOf(data) },
    ageColumn,
  ],
  selectable: { type: ({ type }) => type },
  prepare: withStringData,
  openapi: "io.k8s.api.core.v1.Secret",
  fields,
});

/** stringData is only a way of writing data: its text is taken over and never stored. */
function withStringData(secret: Secret): Secret {
  if (secret.stringData === undefined) return secret;
  const { stringData, ...rest } = secret;
  const text = new TextEncoder();
  const written = Object.entries(stringData).map(([key, value]) => [key, encodeBase64(text.encode(value))]);
  return { ...rest, data: Object.fromEntries([...Object.entries(secret.data ?? {}), ...written]) };
}
