// A local copy of all objects of one kind, kept up to date by a watch, with indexes and change notices.
//
// Invariants:
// - The copy is never older than the last write made through it: `observe` and `observeDeleted` put a write's outcome in at once, and
//   events of the watch that are older than what the copy holds are dropped. What a write returned is dropped where the watch is already
//   past it: the watch has told of it, and perhaps of its end.
// - Handlers see each object's changes in order; a relist is told as the changes that explain the difference.
import type { Scope } from "#base/scope.ts";
import { isReason, StatusError } from "#api/meta/status-error.ts";
import type { World } from "#platform/world.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import type { Client, WatchOptions } from "./client.ts";

export type Change<T> =
  | { readonly type: "added"; readonly object: T; readonly old?: undefined }
  | { readonly type: "changed"; readonly object: T; readonly old: T }
  | { readonly type: "deleted"; readonly object: T; readonly old: T };

export type Index<T> = (object: T) => readonly string[];

export interface Informer<T extends KubernetesObject> {
  readonly kind: Kind<T>;
  /** Resolves after the first list. */
  readonly synced: Promise<void>;
  readonly isSynced: boolean;
  /** Keys are "namespace/name", or "name" outside namespaces. */
  get(key: string): T | undefined;
  list(namespace?: string): readonly T[];
  readonly size: number;
  /** Objects for which the index named something. Indexes are added before or after the start; adding one again is fine. */
  addIndex(name: string, index: Index<T>): void;
  byIndex(name: string, value: string): readonly T[];
  /** Calls back for every change from now on, and as "added" for what is already there. Returns a function that ends it. */
  onChange(handler: (change: Change<T>) => void): () => void;
  /** Tells the copy what a write returned. */
  observe(object: T): void;
  observeDeleted(object: T): void;
}

export interface InformerOptions {
  readonly namespace?: string;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

const backoffFirstMilliseconds = 50;
/** Short, so that the cluster goes on soon after the server is back. */
const backoffMaxMilliseconds = 2_000;
/** A watch that lived this long was a good one. */
const goodWatchMilliseconds = 10_000;

export function objectKey({ metadata }: { readonly metadata: { readonly namespace?: string | undefined; readonly name: string } }): string {
  return metadata.namespace ? `${metadata.namespace}/${metadata.name}` : metadata.name;
}

/** Positive when left is newer. Versions of one server compare as numbers. */
export function compareVersions(left: string, right: string): number {
  return left.length === right.length ? (left < right ? -1 : left > right ? 1 : 0) : left.length - right.length;
}

export function startInformer<T extends KubernetesObject>(
  scope: Scope,
  world: World,
  client: Client,
  kind: Kind<T>,
  options: InformerOptions = {},
): Informer<T> {
  const copy = new Copy<T>(kind, (error) => scope.fail(error));
  scope.start(`informer ${kind.plural}`, async (task) => {
    let backoff = backoffFirstMilliseconds;
    while (!task.stopped) {
      const startedAt = world.clock.monotonic();
      try {
        const listed = await client.list(kind, { ...options, ...(!copy.isSynced && { resourceVersion: "0" }) });
        if (task.stopped) return;
        copy.replace(listed.items, listed.resourceVersion);
        await follow(task);
      } catch (error) {
        if (task.stopped) return;
        world.log.debug("cannot list or watch; trying again", { kind: kind.name, error: (error as Error).message, milliseconds: backoff });
      }
      if (world.clock.monotonic() - startedAt > goodWatchMilliseconds) backoff = backoffFirstMilliseconds;
      await world.clock.sleep(task, backoff * (0.5 + world.random.fraction()));
      backoff = Math.min(backoff * 2, backoffMaxMilliseconds);
    }
  });
  return copy;

  /** Watches from where the copy is, again and again, until the server refuses: then only a new list helps. */
  async function follow(task: Scope): Promise<void> {
    let backoff = backoffFirstMilliseconds;
    for (;;) {
      const startedAt = world.clock.monotonic();
      try {
        const watch: WatchOptions = {
          ...options,
          resourceVersion: copy.version,
          allowBookmarks: true,
          timeoutSeconds: 300 + world.random.integer(300),
        };
        for await (const event of client.watch(task, kind, watch)) {
          if (event.type === "BOOKMARK") copy.caughtUp(event.resourceVersion);
          else if (event.type === "DELETED") copy.deleted(event.object);
          else copy.put(event.object);
        }
      } catch (error) {
        if (task.stopped || !mayResume(error)) throw error;
        world.log.debug("watch broke; resuming", { kind: kind.name, error: (error as Error).message, from: copy.version });
      }
      if (world.clock.monotonic() - startedAt > goodWatchMilliseconds) backoff = backoffFirstMilliseconds;
      await world.clock.sleep(task, backoff * (0.5 + world.random.fraction()));
      backoff = Math.min(backoff * 2, backoffMaxMilliseconds);
    }
  }
}

/** A broken connection or a busy server; any other refusal (too old, unknown, in the future) needs a new list. */
function mayResume(error: unknown): boolean {
  return !(error instanceof StatusError) || isReason(error, "TooManyRequests", "ServiceUnavailable", "InternalError", "ServerTimeout");
}

class Copy<T extends KubernetesObject> implements Informer<T> {
  readonly kind: Kind<T>;
  readonly synced: Promise<void>;
  isSynced = false;
  readonly #objects = new Map<string, T>();
  readonly #namespaces = new Map<string, Map<string, T>>();
  readonly #indexes = new Map<string, { readonly index: Index<T>; readonly values: Map<string, Map<string, T>> }>();
  readonly #handlers = new Set<(change: Change<T>) => void>();
  /** UIDs whose deletion was ours and is not yet confirmed by the watch, with the version they were known in. */
  readonly #gone = new Map<string, string>();
  readonly #fail: (error: unknown) => void;
  #version = "";
  #resolveSynced: () => void = () => {};

  constructor(kind: Kind<T>, fail: (error: unknown) => void) {
    this.kind = kind;
    this.#fail = fail;
    this.synced = new Promise((resolve) => {
      this.#resolveSynced = resolve;
    });
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  list(namespace?: string): readonly T[] {
    if (namespace === undefined) return [...this.#objects.values()];
    return [...(this.#namespaces.get(namespace)?.values() ?? [])];
  }

  addIndex(name: string, index: Index<T>): void {
    if (this.#indexes.has(name)) return;
    const values = new Map<string, Map<string, T>>();
    this.#indexes.set(name, { index, values });
    for (const [key, object] of this.#objects) for (const value of index(object)) place(values, value, key, object);
  }

  byIndex(name: string, value: string): readonly T[] {
    return [...(this.#indexes.get(name)?.values.get(value)?.values() ?? [])];
  }

  onChange(handler: (change: Change<T>) => void): () => void {
    this.#handlers.add(handler);
    for (const object of this.#objects.values()) handler({ type: "added", object });
    return () => this.#handlers.delete(handler);
  }

  observe(object: T): void {
    if (this.isSynced && compareVersions(object.metadata.resourceVersion, this.#version) <= 0) return;
    this.#merge(object);
  }

  observeDeleted(object: T): void {
    const old = this.#objects.get(objectKey(object));
    if (old?.metadata.uid !== object.metadata.uid) return;
    this.#gone.set(object.metadata.uid, newer(object, old).metadata.resourceVersion);
    this.#remove(object);
  }

  /** Everything up to this version is in the copy. */
  get version(): string {
    return this.#version;
  }

  caughtUp(version: string): void {
    if (compareVersions(version, this.#version) > 0) this.#version = version;
  }

  put(object: T): void {
    this.caughtUp(object.metadata.resourceVersion);
    this.#merge(object);
  }

  deleted(object: T): void {
    this.caughtUp(object.metadata.resourceVersion);
    this.#gone.delete(object.metadata.uid);
    const old = this.#objects.get(objectKey(object));
    if (old && old.metadata.uid === object.metadata.uid) this.#remove(object);
  }

  /** Takes over a list, true as of `version`. A version before what the copy has seen is that of another history: nothing of the old one counts. */
  replace(objects: readonly T[], version: string): void {
    const isOtherHistory = this.isSynced && compareVersions(version, this.#version) < 0;
    if (isOtherHistory) this.#gone.clear();
    const listed = new Map(objects.map((object) => [objectKey(object), object]));
    for (const [key, object] of [...this.#objects]) {
      const isKnown = listed.get(key)?.metadata.uid === object.metadata.uid;
      if (!isKnown && (isOtherHistory || compareVersions(object.metadata.resourceVersion, version) <= 0)) this.#remove(object);
    }
    for (const object of objects) this.#merge(object, isOtherHistory);
    const uids = new Set(objects.map(({ metadata }) => metadata.uid));
    for (const [uid, known] of this.#gone) if (!uids.has(uid) && compareVersions(known, version) <= 0) this.#gone.delete(uid);
    this.#version = version;
    if (!this.isSynced) {
      this.isSynced = true;
      this.#resolveSynced();
    }
  }

  #merge(object: T, evenOlder = false): void {
    if (this.#gone.has(object.metadata.uid)) return;
    const key = objectKey(object);
    const old = this.#objects.get(key);
    const order = old ? compareVersions(object.metadata.resourceVersion, old.metadata.resourceVersion) : 1;
    if (order === 0 || (order < 0 && !evenOlder)) return;
    if (old && old.metadata.uid !== object.metadata.uid) {
      this.#remove(old);
      this.#store(key, object, undefined);
      this.#tell({ type: "added", object });
      return;
    }
    this.#store(key, object, old);
    this.#tell(old ? { type: "changed", object, old } : { type: "added", object });
  }

  #store(key: string, object: T, old: T | undefined): void {
    this.#objects.set(key, object);
    if (object.metadata.namespace) place(this.#namespaces, object.metadata.namespace, key, object);
    for (const { index, values } of this.#indexes.values()) {
      const after = index(object);
      if (old) for (const value of index(old)) if (!after.includes(value)) displace(values, value, key);
      for (const value of after) place(values, value, key, object);
    }
  }

  #remove(object: T): void {
    const key = objectKey(object);
    const old = this.#objects.get(key);
    if (!old) return;
    this.#objects.delete(key);
    if (old.metadata.namespace) displace(this.#namespaces, old.metadata.namespace, key);
    for (const { index, values } of this.#indexes.values()) for (const value of index(old)) displace(values, value, key);
    this.#tell({ type: "deleted", object, old });
  }

  /** A handler that fails is a fault of ours; the others are told all the same. One added meanwhile was told of this change as it began. */
  #tell(change: Change<T>): void {
    for (const handler of [...this.#handlers]) {
      try {
        handler(change);
      } catch (error) {
        this.#fail(error);
      }
    }
  }
}

function newer<T extends KubernetesObject>(left: T, right: T): T {
  return compareVersions(left.metadata.resourceVersion, right.metadata.resourceVersion) > 0 ? left : right;
}

function place<T>(values: Map<string, Map<string, T>>, value: string, key: string, object: T): void {
  const there = values.get(value);
  if (there) there.set(key, object);
  else values.set(value, new Map([[key, object]]));
}

function displace<T>(values: Map<string, Map<string, T>>, value: string, key: string): void {
  const there = values.get(value);
  if (!there) return;
  there.delete(key);
  if (there.size === 0) values.delete(value);
}
