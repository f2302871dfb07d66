// One Event, two ways of writing it: events.k8s.io's names for what the core group stores.
import type { Event as CoreEvent } from "#api/core/event/event.ts";
import type { Event } from "./event.ts";

export function toCore(event: Event): CoreEvent {
  const { regarding, note, deprecatedSource, deprecatedFirstTimestamp, deprecatedLastTimestamp, deprecatedCount, ...rest } = event;
  const { reportingController, reportingInstance, eventTime, ...same } = rest;
  return present({
    ...same,
    apiVersion: "v1",
    involvedObject: regarding,
    message: note,
    source: deprecatedSource,
    firstTimestamp: deprecatedFirstTimestamp,
    lastTimestamp: deprecatedLastTimestamp,
    count: deprecatedCount,
    eventTime: eventTime || undefined,
    reportingComponent: reportingController ?? "",
    reportingInstance: reportingInstance ?? "",
  });
}

export function fromCore(event: CoreEvent): Event {
  const { involvedObject, message, source, firstTimestamp, lastTimestamp, count, ...rest } = event;
  const { reportingComponent, reportingInstance, eventTime, series, ...same } = rest;
  return present({
    ...same,
    apiVersion: "events.k8s.io/v1",
    regarding: involvedObject,
    note: message,
    deprecatedSource: source,
    deprecatedFirstTimestamp: firstTimestamp,
    deprecatedLastTimestamp: lastTimestamp,
    deprecatedCount: count,
    eventTime: eventTime ?? "",
    series: series && { count: series.count ?? 0, lastObservedTime: series.lastObservedTime ?? "" },
    reportingController: reportingComponent || undefined,
    reportingInstance: reportingInstance || undefined,
  });
}

/** Objects have the keys that were set and no others. */
function present<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}
