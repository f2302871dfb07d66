// Events tell people what happened to an object. The same one again only counts up; a flood of one object is cut off.
import type { Scope } from "#base/scope.ts";
import { Event } from "#api/core/event/event.ts";
import { isReason, StatusError } from "#api/meta/status-error.ts";
import type { World } from "#platform/world.ts";
import type { KubernetesObject } from "#schema/kind.ts";
import { formatTime } from "#schema/time.ts";
import type { Client } from "./client.ts";

export type EventType = "Normal" | "Warning";

/** What an event is about; `fieldPath` narrows it to a part: "spec.containers{web}". */
export interface EventSubject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly namespace?: string | undefined;
  readonly name: string;
  readonly uid?: string;
  readonly resourceVersion?: string;
  readonly fieldPath?: string;
}

export interface EventRecorder {
  /** Never fails and never waits: events are told when they can be. */
  record(subject: KubernetesObject | EventSubject, type: EventType, reason: string, message: string): void;
}

export interface EventSourceName {
  /** "kubelet", "default-scheduler", "deployment-controller". */
  readonly component: string;
  readonly host?: string;
}

const waitingMax = 5_000;
const rememberedMax = 4_096;
const burst = 25;
const refillMilliseconds = 300_000;
const messageCharactersMax = 1_024;
const nameCharactersMax = 253;

interface Remembered {
  readonly name: string;
  count: number;
}

export function startEventRecorder(scope: Scope, world: World, client: Client, { component, host }: EventSourceName): EventRecorder {
  const waiting: {
    readonly subject: EventSubject;
    readonly type: EventType;
    readonly reason: string;
    readonly message: string;
    readonly at: number;
  }[] = [];
  const remembered = new Map<string, Remembered>();
  const buckets = new Map<string, { tokens: number; at: number }>();
  let wake: (() => void) | undefined;

  function spend(key: string): boolean {
    const now = world.clock.monotonic();
    const bucket = buckets.get(key) ?? { tokens: burst, at: now };
    bucket.tokens = Math.min(burst, bucket.tokens + (now - bucket.at) / refillMilliseconds);
    bucket.at = now;
    keep(buckets, key, bucket);
    if (bucket.tokens < 1) return false;
    bucket.tokens -= 1;
    return true;
  }

  async function tell(item: (typeof waiting)[number]): Promise<void> {
    const { subject, type, reason, message, at } = item;
    const namespace = subject.namespace ?? "default";
    const key = [subject.kind, namespace, subject.name, subject.uid, subject.fieldPath, type, reason, message].join("\u0000");
    const timestamp = formatTime(at);
    const before = remembered.get(key);
    if (before) {
      const count = before.count + 1;
      try {
        await client.patch(Event, { namespace, name: before.name }, { count, lastTimestamp: timestamp }, { type: "merge" });
        before.count = count;
        keep(remembered, key, before);
        return;
      } catch (error) {
        if (!isReason(error, "NotFound")) throw error;
        remembered.delete(key);
      }
    }
    const name = eventName(subject.name, world);
    const { fieldPath, uid, resourceVersion } = subject;
    await client.create(Event, {
      metadata: { namespace, name },
      involvedObject: {
        apiVersion: subject.apiVersion,
        kind: subject.kind,
        name: subject.name,
        ...(subject.namespace !== undefined && { namespace: subject.namespace }),
        ...(uid !== undefined && { uid }),
        ...(resourceVersion !== undefined && { resourceVersion }),
        ...(fieldPath !== undefined && { fieldPath }),
      },
      reason,
      message,
      type,
      source: { component, ...(host !== undefined && { host }) },
      firstTimestamp: timestamp,
      lastTimestamp: timestamp,
      count: 1,
      reportingComponent: component,
      reportingInstance: host ?? "",
    });
    keep(remembered, key, { name, count: 1 });
  }

  scope.start("event recorder", async (task) => {
    task.signal.addEventListener("abort", () => wake?.());
    while (!task.stopped) {
      const item = waiting.shift();
      if (!item) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      for (let attempt = 0; attempt < 12; attempt += 1) {
        try {
          await tell(item);
          break;
        } catch (error) {
          if (error instanceof StatusError && error.code < 500 && error.code !== 429 && error.reason !== "Conflict") {
            world.log.debug("the server rejected an event", { reason: item.reason, error: error.message });
            break;
          }
          await world.clock.sleep(task, 100 * 2 ** Math.min(attempt, 6));
        }
      }
    }
  });

  return {
    record(about, type, reason, message) {
      const subject = "metadata" in about ? subjectOf(about) : about;
      if (waiting.length >= waitingMax || !spend(`${subject.kind}/${subject.namespace ?? ""}/${subject.name}/${subject.uid ?? ""}`)) return;
      waiting.push({ subject, type, reason, message: message.slice(0, messageCharactersMax), at: world.clock.now() });
      wake?.();
    },
  };
}

/** The subject's name and a suffix of its own; together no longer than a name may be. */
function eventName(subject: string, world: World): string {
  const suffix = `.${Math.round(world.clock.now() * 1e3).toString(16)}${world.random.integer(0x10000).toString(16).padStart(4, "0")}`;
  return `${subject.slice(0, nameCharactersMax - suffix.length).replace(/[.-]+$/, "")}${suffix}`;
}

function subjectOf({ apiVersion, kind, metadata }: KubernetesObject): EventSubject {
  const { namespace, name, uid, resourceVersion } = metadata;
  return { apiVersion, kind, namespace, name, uid, resourceVersion };
}

/** Puts the entry last and forgets the oldest when there are too many. */
function keep<V>(map: Map<string, V>, key: string, value: V): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > rememberedMax) map.delete(map.keys().next().value as string);
}
