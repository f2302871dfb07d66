// How tables show an Event, whichever way it was written: with first and last timestamps and a count, or with a time and a series.
import type { Column } from "#schema/kind.ts";
import { ageOf } from "#api/meta/columns.ts";
import type { Event } from "./event.ts";

export const eventColumns: readonly Column<Event>[] = [
  { name: "Last Seen", doc: "How long ago it happened last.", read: (event, { now }) => ageOf(lastSeen(event), now) },
  { name: "Type", doc: "Normal or Warning.", read: ({ type }) => type ?? "" },
  { name: "Reason", doc: "Why, in one word.", read: ({ reason }) => reason ?? "" },
  { name: "Object", doc: "What it is about.", read: objectText },
  {
    name: "Subobject",
    priority: 1,
    doc: "Which part of the object it is about.",
    read: ({ involvedObject }) => involvedObject.fieldPath ?? "",
  },
  { name: "Source", priority: 1, doc: "Who reported it.", read: sourceText },
  { name: "Message", doc: "What happened.", read: ({ message }) => (message ?? "").trim() },
  {
    name: "First Seen",
    priority: 1,
    doc: "How long ago it happened first.",
    read: ({ firstTimestamp, eventTime }, { now }) => ageOf(firstTimestamp || eventTime, now),
  },
  { name: "Count", priority: 1, doc: "How often it happened.", read: ({ series, count }) => series?.count ?? (count || 1) },
  { name: "Name", format: "name", priority: 1, doc: "Unique within a namespace.", read: ({ metadata }) => metadata.name },
];

function lastSeen({ series, lastTimestamp, firstTimestamp, eventTime }: Event): string | undefined {
  return series?.lastObservedTime || lastTimestamp || eventTime || firstTimestamp;
}

function objectText({ involvedObject: { kind, name } }: Event): string {
  const lower = (kind ?? "").toLowerCase();
  return name ? `${lower}/${name}` : lower;
}

function sourceText({ source, reportingComponent, reportingInstance }: Event): string {
  const component = source.component || reportingComponent;
  const host = source.host || reportingInstance;
  return host ? `${component}, ${host}` : component;
}
