// Brings statuses to the API: at once, one write at a time for each Pod, and only what differs.
import { type Scope, ScopeStopped } from "#base/scope.ts";
import { Pod } from "#api/core/pod/pod.ts";
import type { PodStatus } from "#api/core/pod/pod-status.ts";
import { isReason } from "#api/meta/status-error.ts";
import type { Client } from "#client/client.ts";
import { startWorkQueue } from "#client/work-queue.ts";
import type { World } from "#platform/world.ts";
import { sameJson } from "#schema/derive/json-objects.ts";
import type { Json } from "#schema/field.ts";
import { namespaceOf } from "../layout.ts";
import { resizeConditionTypes } from "./conditions.ts";
import { isForeignField, mayWrite } from "./ownership.ts";

export interface StatusManager {
  /** The newest status of the API's Pod; what was set before and not yet written is forgotten. */
  set(pod: Pod, status: PodStatus): void;
  /** Resolves once the newest status set for the Pod is in the API, or the Pod is gone from it. */
  written(uid: string): Promise<void>;
  forget(uid: string): void;
}

export interface StatusManagerNeeds {
  readonly client: Client;
  /** The Pod as the API last showed it. */
  readonly current: (namespace: string, name: string) => Pod | undefined;
  /** Told what a write returned. */
  readonly observe: (pod: Pod) => void;
}

interface Entry {
  readonly pod: Pod;
  readonly status: PodStatus;
}

export function startStatusManager(scope: Scope, world: World, { client, current, observe }: StatusManagerNeeds): StatusManager {
  const wanted = new Map<string, Entry>();
  const waiters = new Map<string, (() => void)[]>();
  const queue = startWorkQueue(scope, world, { workers: 4, backoffFirstMilliseconds: 50, backoffMaxMilliseconds: 2_000 }, write);

  async function write(uid: string): Promise<void> {
    const entry = wanted.get(uid);
    if (!entry) return settle(uid);
    const { pod, status } = entry;
    const live = current(namespaceOf(pod), pod.metadata.name) ?? pod;
    if (live.metadata.uid === uid) {
      const patch = statusPatch(live.status, status);
      if (patch !== undefined) {
        try {
          const name = { namespace: namespaceOf(pod), name: pod.metadata.name };
          const body = { metadata: { uid }, status: patch };
          observe(await client.patch(Pod, name, body, { type: "strategic", subresource: "status" }));
        } catch (error) {
          if (error instanceof ScopeStopped) throw error;
          if (isReason(error, "Invalid", "Forbidden"))
            world.log.warn("the API server does not take a Pod's status", { pod: pod.metadata.name, error: error.message });
          else if (!isReason(error, "NotFound", "Conflict")) {
            world.log.debug("cannot write a Pod's status; trying again", { pod: pod.metadata.name, error: (error as Error).message });
            throw error;
          }
        }
      }
    }
    if (wanted.get(uid) === entry) {
      wanted.delete(uid);
      settle(uid);
    }
  }

  function settle(uid: string): void {
    for (const resolve of waiters.get(uid) ?? []) resolve();
    waiters.delete(uid);
  }

  return {
    set(pod, status) {
      wanted.set(pod.metadata.uid, { pod, status });
      queue.add(pod.metadata.uid);
    },
    written(uid) {
      if (!wanted.has(uid)) return Promise.resolve();
      return new Promise((resolve) => waiters.set(uid, [...(waiters.get(uid) ?? []), resolve]));
    },
    forget(uid) {
      wanted.delete(uid);
      settle(uid);
    },
  };
}

/** Fields merged by a key need to be replaced as a whole. */
const replaced = ["podIPs", "hostIPs"];

/** A strategic merge patch from one status to the other; undefined when there is nothing to change. */
export function statusPatch(before: PodStatus, after: PodStatus): Json | undefined {
  const patch: Record<string, Json> = {};
  const old = before as Readonly<Record<string, Json>>;
  const fresh = after as unknown as Readonly<Record<string, Json>>;
  for (const [key, value] of Object.entries(fresh)) {
    if (value === undefined || isForeignField(key) || sameJson(old[key], value)) continue;
    if (key === "conditions") {
      const changed = (after.conditions ?? []).filter(
        (one) => mayWrite(one, before) && !before.conditions?.some((other) => sameJson(one as never, other as never)),
      );
      const gone = (before.conditions ?? [])
        .map(({ type }) => type)
        .filter((type) => resizeConditionTypes.includes(type) && !after.conditions?.some((one) => one.type === type));
      if (changed.length > 0 || gone.length > 0) {
        const written = changed.map((one) => {
          const previous = before.conditions?.find(({ type }) => type === one.type);
          const cleared = Object.keys(previous ?? {}).filter((field) => !Object.hasOwn(one, field));
          return { ...Object.fromEntries(cleared.map((field) => [field, null])), ...one } as Json;
        });
        patch[key] = [...gone.map((type): Json => ({ $patch: "delete", type })), ...written];
      }
    } else patch[key] = replaced.includes(key) ? [{ $patch: "replace" }, ...(value as readonly Json[])] : value;
  }
  for (const key of ["reason", "message"]) if (old[key] !== undefined && fresh[key] === undefined) patch[key] = null;
  return Object.keys(patch).length === 0 ? undefined : patch;
}
