// Events as components write them: about one object, by one reporter, counted when they come again.
import type { Draft } from "#schema/message.ts";
import { formatTime } from "#schema/time.ts";
import type { ObjectReference } from "#api/core/reference.ts";
import type { Event } from "./event.ts";

export interface EventFacts {
  readonly about: ObjectReference;
  readonly type: "Normal" | "Warning";
  /** One word in UpperCamelCase, such as "FailedScheduling". */
  readonly reason: string;
  readonly message: string;
  /** Which component reports, such as "kubelet", and where it runs. */
  readonly component: string;
  readonly host?: string | undefined;
  /** What was being done, such as "Binding". */
  readonly action?: string | undefined;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** Upstream cuts longer messages off as well. */
const messageLengthMax = 1024;

/** An Event that happened once, now; objects without a namespace have theirs in "default". */
export function newEvent({ about, type, reason, message, component, host, action, now }: EventFacts): Draft<Event> {
  const time = formatTime(now);
  const nanoseconds = BigInt(Math.round(now * 1000)) * 1000n;
  return {
    metadata: { name: `${about.name ?? ""}.${nanoseconds.toString(16)}`, namespace: about.namespace || "default" },
    involvedObject: about,
    type,
    reason,
    message: message.length > messageLengthMax ? message.slice(0, messageLengthMax) : message,
    source: { component, ...(host && { host }) },
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
    ...(action && { action }),
    reportingComponent: component,
    reportingInstance: host ?? "",
  };
}

/** Events with the same key are one that came again. */
export function eventKey({ about, type, reason, message, component, host }: Omit<EventFacts, "now">): string {
  const { kind, namespace, name, uid, apiVersion, fieldPath } = about;
  return JSON.stringify([component, host, kind, namespace, name, uid, apiVersion, fieldPath, type, reason, message]);
}
