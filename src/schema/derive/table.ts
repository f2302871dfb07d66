// Tables as kubectl prints them, and objects cut down to their metadata.
import type { Cell, Column, Kind, KubernetesObject } from "../kind.ts";
import { humanDuration, parseTime } from "../time.ts";

export interface TableOptions {
  /** Milliseconds since 1970. */
  readonly now: number;
  /** What each row carries of its object. Default "Metadata". */
  readonly includeObject?: "Metadata" | "Object" | "None" | undefined;
  /** The metadata of the list; of a single object its resourceVersion when absent. */
  readonly listMeta?: Readonly<Record<string, unknown>> | undefined;
}

export interface TableColumn {
  readonly name: string;
  readonly type: string;
  readonly format: string;
  readonly description: string;
  readonly priority: number;
}

export interface TableRow {
  readonly cells: readonly Cell[];
  readonly object?: unknown;
}

/** The meta.k8s.io/v1 Table. */
export interface Table {
  readonly kind: "Table";
  readonly apiVersion: "meta.k8s.io/v1";
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly columnDefinitions: readonly TableColumn[];
  readonly rows: readonly TableRow[];
}

/** Objects as a table with the kind's columns; name and age when the kind declares none. */
export function tableFor(kind: Kind, objects: readonly unknown[], { now, includeObject = "Metadata", listMeta }: TableOptions): Table {
  const columns = kind.columns && kind.columns.length > 0 ? (kind.columns as readonly Column<never>[]) : defaultColumns;
  const context = { now };
  const rows = objects.map((object): TableRow => {
    const cells = columns.map((column) => column.read(object as never, context));
    if (includeObject === "None") return { cells };
    return { cells, object: includeObject === "Object" ? object : partialObjectMetadata(object) };
  });
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata: listMeta ?? metadataOf(objects),
    columnDefinitions: columns.map(definition),
    rows,
  };
}

export interface PartialObjectMetadata {
  readonly kind: "PartialObjectMetadata";
  readonly apiVersion: "meta.k8s.io/v1";
  readonly metadata: unknown;
}

/** The object without everything but its metadata. */
export function partialObjectMetadata(object: unknown): PartialObjectMetadata {
  return { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: (object as KubernetesObject).metadata };
}

/** A list of objects cut down to their metadata. */
export function partialObjectMetadataList(
  objects: readonly unknown[],
  listMeta: Readonly<Record<string, unknown>>,
): {
  readonly kind: "PartialObjectMetadataList";
  readonly apiVersion: "meta.k8s.io/v1";
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly items: readonly PartialObjectMetadata[];
} {
  return { kind: "PartialObjectMetadataList", apiVersion: "meta.k8s.io/v1", metadata: listMeta, items: objects.map(partialObjectMetadata) };
}

function metadataOf(objects: readonly unknown[]): Readonly<Record<string, unknown>> {
  const resourceVersion = objects.length === 1 ? (objects[0] as KubernetesObject).metadata.resourceVersion : undefined;
  return resourceVersion ? { resourceVersion } : {};
}

function definition({ name, type = "string", format = "", doc = "", priority = 0 }: Column<never>): TableColumn {
  return { name, type, format, description: doc, priority };
}

const defaultColumns: readonly Column<KubernetesObject>[] = [
  { name: "Name", format: "name", doc: "Unique within a namespace.", read: ({ metadata }) => metadata.name },
  {
    name: "Age",
    type: "date",
    doc: "How long ago the object was created.",
    read: ({ metadata }, { now }) =>
      metadata.creationTimestamp ? humanDuration(now - parseTime(metadata.creationTimestamp)) : "<unknown>",
  },
];
