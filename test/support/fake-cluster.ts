// A cluster of plain maps behind the Client contract, for tests of what stands on a client: revisions, watches that can be cut or held up,
// history that can be forgotten. No API server: nothing is defaulted, validated or admitted.
import { StatusError } from "#api/meta/status-error.ts";
import { BoundedChannel } from "#base/channel.ts";
import type { Scope } from "#base/scope.ts";
import type { Client, ListOptions, ObjectName, WatchEvent, WatchOptions } from "#client/client.ts";
import { objectKey } from "#client/informer.ts";
import type { World } from "#platform/world.ts";
import { strategicMergePatch } from "#schema/derive/strategic-merge.ts";
import type { Json } from "#schema/field.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";

interface Recorded {
  readonly revision: number;
  readonly kind: string;
  readonly event: WatchEvent<KubernetesObject>;
}

export class FakeCluster {
  revision = 1;
  /** Watches from before this revision are refused as expired. */
  oldest = 0;
  /** Every call, as "verb Kind name". */
  readonly calls: string[] = [];
  /** Called before each call; what it throws is the answer. */
  before: (call: string) => void | Promise<void> = () => {};
  readonly #objects = new Map<string, Map<string, KubernetesObject>>();
  readonly #history: Recorded[] = [];
  readonly #watches = new Set<{ readonly kind: string; readonly events: BoundedChannel<WatchEvent<KubernetesObject>> }>();
  #uids = 0;

  all<T extends KubernetesObject>(kind: Kind<T>): readonly T[] {
    return [...this.#of(kind.name).values()] as T[];
  }

  get<T extends KubernetesObject>(kind: Kind<T>, key: string): T | undefined {
    return this.#of(kind.name).get(key) as T | undefined;
  }

  /** Creates or replaces, whatever the version. */
  put<T extends KubernetesObject>(kind: Kind<T>, object: unknown): T {
    const given = object as KubernetesObject;
    const key = objectKey(given);
    const old = this.#of(kind.name).get(key);
    this.revision += 1;
    const stored = {
      ...given,
      apiVersion: kind.apiVersion,
      kind: kind.name,
      metadata: {
        ...given.metadata,
        uid: old?.metadata.uid ?? `uid-${(this.#uids += 1)}`,
        resourceVersion: String(this.revision),
        creationTimestamp: old?.metadata.creationTimestamp ?? given.metadata.creationTimestamp ?? "2026-01-01T00:00:00Z",
      },
    } as T;
    this.#of(kind.name).set(key, stored);
    this.#happened(kind.name, { type: old ? "MODIFIED" : "ADDED", object: stored });
    return stored;
  }

  remove<T extends KubernetesObject>(kind: Kind<T>, key: string): T | undefined {
    const old = this.#of(kind.name).get(key);
    if (!old) return undefined;
    this.#of(kind.name).delete(key);
    this.revision += 1;
    const gone = { ...old, metadata: { ...old.metadata, resourceVersion: String(this.revision) } } as T;
    this.#happened(kind.name, { type: "DELETED", object: gone });
    return gone;
  }

  /** Ends every watch; with `error`, by failing it. */
  cutWatches(error?: unknown): void {
    for (const { events } of this.#watches) events.close(error);
    this.#watches.clear();
  }

  /** Forgets the past: who watches from before now must list. */
  compact(): void {
    this.oldest = this.revision;
  }

  /** Another store, with a history of its own that starts over. */
  startOver(): void {
    this.revision = 1;
    this.oldest = 0;
    this.#objects.clear();
    this.#history.length = 0;
    this.cutWatches();
  }

  client(world: World, delays: { readonly millisecondsMax: number } = { millisecondsMax: 0 }): Client {
    const wait = (millisecondsMax: number) =>
      millisecondsMax === 0
        ? undefined
        : new Promise<void>((resolve) => world.clock.timer(world.random.integer(millisecondsMax), () => resolve()));
    const call = async <R>(verb: string, kind: Kind, name: string, act: () => R): Promise<R> => {
      const text = `${verb} ${kind.name} ${name}`;
      this.calls.push(text);
      await wait(delays.millisecondsMax);
      await this.before(text);
      const result = act();
      await wait(delays.millisecondsMax);
      return result;
    };
    const existing = <T extends KubernetesObject>(kind: Kind<T>, name: ObjectName): T => {
      const found = this.get(kind, objectKey({ metadata: name }));
      if (!found) throw new StatusError("NotFound", `${kind.plural} "${name.name}" not found`);
      return found;
    };
    const update = <T extends KubernetesObject>(kind: Kind<T>, object: T): T => {
      const { resourceVersion } = existing(kind, object.metadata).metadata;
      if (object.metadata.resourceVersion !== resourceVersion) throw new StatusError("Conflict", "the object has been modified");
      return this.put(kind, object);
    };
    const unsupported = () => Promise.reject(new Error("the fake cluster does not know this call"));
    const watched = (scope: Scope, kind: Kind, options: WatchOptions) =>
      this.#watch(scope, kind, options, () => wait(delays.millisecondsMax));
    return {
      get: (kind, name) => call("get", kind, name.name, () => existing(kind, name)),
      list: <T extends KubernetesObject>(kind: Kind<T>, _options?: ListOptions) =>
        call("list", kind, "", () => ({ items: this.all(kind), resourceVersion: String(this.revision) })),
      watch: <T extends KubernetesObject>(scope: Scope, kind: Kind<T>, options: WatchOptions) =>
        watched(scope, kind, options) as AsyncIterable<WatchEvent<T>>,
      create: (kind, object) =>
        call("create", kind, (object as KubernetesObject).metadata.name, () => {
          if (this.get(kind, objectKey(object as KubernetesObject))) throw new StatusError("AlreadyExists", "it exists");
          return this.put(kind, object);
        }),
      update: (kind, object) => call("update", kind, object.metadata.name, () => update(kind, object)),
      updateStatus: (kind, object) => call("update", kind, object.metadata.name, () => update(kind, object)),
      patch: (kind, name, patch, { type }) =>
        call("patch", kind, name.name, () => {
          const before = existing(kind, name) as unknown as Json;
          return this.put(kind, type === "strategic" ? strategicMergePatch(kind.message, before, patch) : merged(before, patch));
        }),
      delete: (kind, name) =>
        call("delete", kind, name.name, () => {
          existing(kind, name);
          this.remove(kind, objectKey({ metadata: name }));
          return undefined;
        }),
      deleteCollection: unsupported,
      createSubresource: (kind, name, subresource, _of, object) =>
        call(subresource, kind, name.name, () => {
          const pod = existing(kind, name) as unknown as KubernetesObject & { readonly spec: { readonly nodeName?: string } };
          const binding = object as unknown as { readonly metadata: { readonly uid?: string }; readonly target: { readonly name: string } };
          if (binding.metadata.uid && binding.metadata.uid !== pod.metadata.uid)
            throw new StatusError("Conflict", "another Pod of this name");
          if (pod.spec.nodeName) throw new StatusError("Conflict", `pod ${name.name} is already assigned to node "${pod.spec.nodeName}"`);
          this.put(kind, { ...pod, spec: { ...pod.spec, nodeName: binding.target.name } });
          return object as never;
        }),
      getSubresource: unsupported,
      updateSubresource: unsupported,
      raw: unsupported,
    };
  }

  async *#watch(scope: Scope, kind: Kind, { resourceVersion = "0" }: WatchOptions, wait: () => Promise<void> | undefined) {
    const text = `watch ${kind.name} ${resourceVersion}`;
    this.calls.push(text);
    await wait();
    await this.before(text);
    scope.throwIfStopped();
    if (Number(resourceVersion) < this.oldest) throw new StatusError("Expired", "too old resource version");
    if (Number(resourceVersion) > this.revision) throw new StatusError("Timeout", "Too large resource version");
    const events = new BoundedChannel<WatchEvent<KubernetesObject>>(100_000);
    const watch = { kind: kind.name, events };
    for (const { kind: of, revision, event } of this.#history)
      if (of === kind.name && revision > Number(resourceVersion)) events.push(event);
    this.#watches.add(watch);
    const stop = () => events.close();
    scope.signal.addEventListener("abort", stop, { once: true });
    try {
      for await (const event of events) {
        await wait();
        scope.throwIfStopped();
        yield event;
      }
      scope.throwIfStopped();
    } finally {
      scope.signal.removeEventListener("abort", stop);
      this.#watches.delete(watch);
    }
  }

  #of(kind: string): Map<string, KubernetesObject> {
    let objects = this.#objects.get(kind);
    if (!objects) this.#objects.set(kind, (objects = new Map()));
    return objects;
  }

  #happened(kind: string, event: WatchEvent<KubernetesObject>): void {
    this.#history.push({ revision: this.revision, kind, event });
    for (const watch of this.#watches) if (watch.kind === kind) watch.events.push(event);
  }
}

function merged(target: Json | undefined, patch: Json): Json {
  if (patch === null || typeof patch !== "object" || Array.isArray(patch)) return patch;
  const base = target !== null && typeof target === "object" && !Array.isArray(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete (base as Record<string, Json>)[name];
    else (base as Record<string, Json>)[name] = merged((base as Record<string, Json>)[name], value);
  }
  return base as Json;
}
