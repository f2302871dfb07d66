import { kind, type ObjectOf } from "#schema/kind.ts";
import { int32, microTime, one, string, time } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { ObjectReference } from "#api/core/reference.ts";
import { eventColumns } from "./event-columns.ts";
import { eventErrors } from "./event-rules.ts";

export const EventSeries = message(
  "EventSeries",
  {
    count: int32(1, { doc: "How often it happened." }),
    lastObservedTime: microTime(2, { doc: "When it happened last." }),
  },
  { openapi: "io.k8s.api.core.v1.EventSeries" },
);
export interface EventSeries extends Infer<typeof EventSeries> {}

export const EventSource = message(
  "EventSource",
  {
    component: string(1, { doc: "Which component reported it." }),
    host: string(2, { doc: "Node it was reported from." }),
  },
  { openapi: "io.k8s.api.core.v1.EventSource" },
);
export interface EventSource extends Infer<typeof EventSource> {}

const fields = {
  involvedObject: one(2, (): Type<ObjectReference> => ObjectReference, { required: true, doc: "What it is about." }),
  reason: string(3, { doc: "Why, in one word." }),
  message: string(4, { doc: "What happened, for people." }),
  source: one(5, (): Type<EventSource> => EventSource, { doc: "Who reported it." }),
  firstTimestamp: time(6, { doc: "When it happened first." }),
  lastTimestamp: time(7, { doc: "When it happened last." }),
  count: int32(8, { doc: "How often it happened." }),
  type: string(9, { doc: "Normal or Warning." }),
  eventTime: microTime(10, { doc: "When it happened first, with microseconds." }),
  series: one(11, (): Type<EventSeries> => EventSeries, { optional: true, doc: "How it went on, when it happened again and again." }),
  action: string(12, { doc: "What was done or failed." }),
  related: one(13, (): Type<ObjectReference> => ObjectReference, { optional: true, doc: "A second object it is about." }),
  reportingComponent: string(14, { always: true, doc: "Which controller reported it." }),
  reportingInstance: string(15, { always: true, doc: "Which instance of the controller." }),
};

export interface Event extends ObjectOf<undefined, undefined, typeof fields> {}
export const Event = kind({
  group: "",
  version: "v1",
  name: "Event",
  plural: "events",
  doc: "Something that happened to an object.",
  scope: "namespaced",
  validate: eventErrors,
  shortNames: ["ev"],
  allowCreateOnUpdate: true,
  columns: eventColumns,
  selectable: {
    "involvedObject.kind": ({ involvedObject }) => involvedObject.kind ?? "",
    "involvedObject.namespace": ({ involvedObject }) => involvedObject.namespace ?? "",
    "involvedObject.name": ({ involvedObject }) => involvedObject.name ?? "",
    "involvedObject.uid": ({ involvedObject }) => involvedObject.uid ?? "",
    "involvedObject.apiVersion": ({ involvedObject }) => involvedObject.apiVersion ?? "",
    "involvedObject.resourceVersion": ({ involvedObject }) => involvedObject.resourceVersion ?? "",
    "involvedObject.fieldPath": ({ involvedObject }) => involvedObject.fieldPath ?? "",
    reason: ({ reason }) => reason ?? "",
    reportingComponent: ({ reportingComponent }) => reportingComponent,
    source: ({ source, reportingComponent }) => source.component || reportingComponent,
    type: ({ type }) => type ?? "",
  },
  openapi: "io.k8s.api.core.v1.Event",
  fields,
});
