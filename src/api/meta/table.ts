// Tables: what the server prints for `kubectl get`. Written as JSON only.
import { int32, list, one, rawObject, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { ListMeta } from "./list-meta.ts";

export const TableColumnDefinition = message(
  "TableColumnDefinition",
  {
    name: string(0, { always: true, doc: "Header of the column." }),
    type: string(0, { always: true, doc: "OpenAPI type of its cells, such as integer or string." }),
    format: string(0, { always: true, doc: "OpenAPI format that refines the type; name marks the object's own name." }),
    description: string(0, { always: true, doc: "What the column shows." }),
    priority: int32(0, { always: true, doc: "How dispensable the column is: 0 is always shown, more only where there is room." }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.TableColumnDefinition" },
);
export interface TableColumnDefinition extends Infer<typeof TableColumnDefinition> {}

export const TableRowCondition = message(
  "TableRowCondition",
  {
    type: string(0, { always: true, doc: "What holds, such as Completed." }),
    status: string(0, { always: true, doc: "True, False or Unknown." }),
    reason: string(0, { doc: "Why, in one word." }),
    message: string(0, { doc: "Why, for people." }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.TableRowCondition" },
);
export interface TableRowCondition extends Infer<typeof TableRowCondition> {}

export const TableRow = message(
  "TableRow",
  {
    cells: list(0, "rawValue", { always: true, doc: "One value for each column." }),
    conditions: list(0, (): Type<TableRowCondition> => TableRowCondition, { doc: "What clients may mark the row by." }),
    object: rawObject(0, { optional: true, doc: "The object, its metadata, or nothing, as asked for by includeObject." }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.TableRow" },
);
export interface TableRow extends Infer<typeof TableRow> {}

export const Table = message(
  "Table",
  {
    apiVersion: string(0),
    kind: string(0),
    metadata: one(0, (): Type<ListMeta> => ListMeta, { doc: "The list's metadata." }),
    columnDefinitions: list(0, (): Type<TableColumnDefinition> => TableColumnDefinition, { always: true, doc: "The columns, in order." }),
    rows: list(0, (): Type<TableRow> => TableRow, { always: true, doc: "One row for each object." }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.Table" },
);
export interface Table extends Infer<typeof Table> {}

export const TableOptions = message(
  "TableOptions",
  {
    includeObject: string(1, { enum: ["None", "Metadata", "Object"], doc: "How much of each object its row carries." }),
  },
  { openapi: "io.k8s.apimachinery.pkg.apis.meta.v1.TableOptions" },
);
export interface TableOptions extends Infer<typeof TableOptions> {}
