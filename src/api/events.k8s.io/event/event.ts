import { kind, type ObjectOf } from "#schema/kind.ts";
import { int32, microTime, one, string, time } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { EventSource } from "#api/core/event/event.ts";
import { ObjectReference } from "#api/core/reference.ts";
import { Event as CoreEvent } from "#api/core/event/event.ts";
import { eventColumns } from "#api/core/event/event-columns.ts";
import { eventErrors } from "#api/core/event/event-rules.ts";
import { fromCore, toCore } from "./conversion.ts";

export const EventSeries = message(
  "EventSeries",
  {
    count: int32(1, { always: true, required: true }),
    lastObservedTime: microTime(2, { always: true, required: true }),
  },
  { openapi: "io.k8s.api.events.v1.EventSeries" },
);
export interface EventSeries extends Infer<typeof EventSeries> {}

const fields = {
  eventTime: microTime(2, { always: true, required: true }),
  series: one(3, (): Type<EventSeries> => EventSeries, { optional: true }),
  reportingController: string(4),
  reportingInstance: string(5),
  action: string(6),
  reason: string(7),
  regarding: one(8, (): Type<ObjectReference> => ObjectReference),
  related: one(9, (): Type<ObjectReference> => ObjectReference, { optional: true }),
  note: string(10),
  type: string(11),
  deprecatedSource: one(12, (): Type<EventSource> => EventSource),
  deprecatedFirstTimestamp: time(13),
  deprecatedLastTimestamp: time(14),
  deprecatedCount: int32(15),
};

export interface Event extends ObjectOf<undefined, undefined, typeof fields> {}
export const Event = kind({
  group: "events.k8s.io",
  version: "v1",
  name: "Event",
  plural: "events",
  scope: "namespaced",
  shortNames: ["ev"],
  allowCreateOnUpdate: true,
  columns: eventColumns.map((column) => ({
    ...column,
    read: (event: Event, context: { readonly now: number }) => column.read(toCore(event), context),
  })),
  selectable: {
    "regarding.kind": ({ regarding }) => regarding.kind ?? "",
    "regarding.namespace": ({ regarding }) => regarding.namespace ?? "",
    "regarding.name": ({ regarding }) => regarding.name ?? "",
    "regarding.uid": ({ regarding }) => regarding.uid ?? "",
    "regarding.apiVersion": ({ regarding }) => regarding.apiVersion ?? "",
    "regarding.resourceVersion": ({ regarding }) => regarding.resourceVersion ?? "",
    "regarding.fieldPath": ({ regarding }) => regarding.fieldPath ?? "",
    reason: ({ reason }) => reason ?? "",
    reportingController: ({ reportingController }) => reportingController ?? "",
    type: ({ type }) => type ?? "",
  },
  validate: (event, { old }) => eventErrors(toCore(event), old === undefined ? {} : { old: toCore(old) }),
  storage: () => ({ kind: CoreEvent, to: toCore, from: fromCore }),
  openapi: "io.k8s.api.events.v1.Event",
  fields,
});
