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
    count: int32(1, { always: true, required: true, doc: "How often it happened." }),
    lastObservedTime: microTime(2, { always: true, required: true, doc: "When it happened last." }),
  },
  { openapi: "io.k8s.api.events.v1.EventSeries" },
);
export interface EventSeries extends Infer<typeof EventSeries> {}

const fields = {
  eventTime: microTime(2, { always: true, required: true, doc: "When it happened first." }),
  series: one(3, (): Type<EventSeries> => EventSeries, { optional: true, doc: "How it went on, when it happened again and again." }),
  reportingController: string(4, { doc: "Which controller reported it." }),
  reportingInstance: string(5, { doc: "Which instance of the controller." }),
  action: string(6, { doc: "What was done or failed." }),
  reason: string(7, { doc: "Why, in one word." }),
  regarding: one(8, (): Type<ObjectReference> => ObjectReference, { doc: "What it is about." }),
  related: one(9, (): Type<ObjectReference> => ObjectReference, { optional: true, doc: "A second object it is about." }),
  note: string(10, { doc: "What happened, for people." }),
  type: string(11, { doc: "Normal or Warning." }),
  deprecatedSource: one(12, (): Type<EventSource> => EventSource, { doc: "Who reported it, in the old form." }),
  deprecatedFirstTimestamp: time(13, { doc: "When it happened first, in the old form." }),
  deprecatedLastTimestamp: time(14, { doc: "When it happened last, in the old form." }),
  deprecatedCount: int32(15, { doc: "How often it happened, in the old form." }),
};

export interface Event extends ObjectOf<undefined, undefined, typeof fields> {}
export const Event = kind({
  group: "events.k8s.io",
  version: "v1",
  name: "Event",
  plural: "events",
  doc: "Something that happened to an object.",
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
