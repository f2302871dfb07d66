// Tables in the version and with the columns that were asked for.
import { tableFor } from "#schema/derive/table.ts";
import type { Kind } from "#schema/kind.ts";
import type { View } from "../storage/record.ts";
import { badRequest } from "./errors.ts";
import type { Form } from "./negotiation.ts";

export interface TableRequest {
  readonly form: Form;
  readonly query: URLSearchParams;
  readonly now: number;
  readonly metadata: Readonly<Record<string, unknown>>;
  /** Watches tell the columns once. */
  readonly withColumns: boolean;
}

export function tableOf(
  kind: Kind,
  views: readonly { readonly object: View["object"] | Readonly<Record<string, unknown>> }[],
  request: TableRequest,
): Readonly<Record<string, unknown>> {
  const { form, now, metadata, withColumns } = request;
  const includeObject = request.query.get("includeObject") || "Metadata";
  if (includeObject !== "Metadata" && includeObject !== "Object" && includeObject !== "None") {
    throw badRequest(`unrecognized includeObject value: ${JSON.stringify(includeObject.slice(0, 64))}`);
  }
  const table = tableFor(
    kind,
    views.map(({ object }) => object),
    { now, includeObject, listMeta: metadata },
  );
  const versioned = { ...table, apiVersion: form.version };
  return withColumns ? versioned : { ...versioned, columnDefinitions: [] };
}
