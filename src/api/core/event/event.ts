import { kind, type ObjectOf } from "#schema/kind.ts";
import { int32, microTime, one, string, time } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { ObjectReference } from "#api/core/reference.ts";
import { eventColumns } from "./event-columns.ts";
import { eventErrors } from "./event-rules.ts";

export const EventSeries = message(
  "EventSeries",
  {
    count: int32(1),
    lastObservedTime: microTime(2),
  },
  { openapi: "io.k8s.api.core.v1.EventSeries" },
);
export interface EventSeries extends Infer<typeof EventSeries> {}

export const EventSource = message(
  "EventSource",
  {
    component: string(1),
    host: string(2),
  },
  { openapi: "io.k8s.api.core.v1.EventSource" },
);
export interface EventSource extends Infer<typeof EventSource> {}

const fields = {
  involvedObject: one(2, (): Type<ObjectReference> => ObjectReference, { required: true }),
  reason: string(3),
  message: string(4),
  source: one(5, (): Type<EventSource> => EventSource),
  firstTimestamp: time(6),
  lastTimestamp: time(7),
  count: int32(8),
  type: string(9),
  eventTime: microTime(10),
  series: one(11, (): Type<EventSeries> => EventSeries, { optional: true }),
  action: string(12),
  related: one(13, (): Type<ObjectReference> => ObjectReference, { optional: true }),
  reportingComponent: string(14, { always: true }),
  reportingInstance: string(15, { always: true }),
};

export interface Event extends ObjectOf<undefined, undefined, typeof fields> {}
export const Event = kind({
  group: "",
  version: "v1",
  name: "Event",
  plural: "events",
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
