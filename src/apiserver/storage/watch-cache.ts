// The objects of one stored kind as they are now, and how they came to be so lately: serves gets, lists and watches without the store.
//
// Invariants:
// - Only the store's watch changes the cache, in revision order. `revision` says what it has seen: everything up to there, of every kind.
// - Each slot holds the newest record of its key; slots are in key order, overall and by namespace.
// - A subscriber is told every change behind the revision it started at, once, in order.
import { ScopeStopped, type Scope } from "#base/scope.ts";
import type { World } from "#platform/world.ts";
import { freezeDeep } from "#schema/derive/freeze.ts";
import type { KubernetesObject } from "#schema/kind.ts";
import { type KeyValue, prefixEnd, type Revision, type Store, type StoreEvent, type StoreWatch, type WatchBatch } from "#store/store.ts";
import type { Codec, Transformer } from "./codec.ts";
import { StoredRecord } from "./record.ts";
import { type Slot, SortedSlots } from "./sorted-slots.ts";
import { type CacheEvent, Window } from "./window.ts";

export interface WatchCacheNeeds {
  readonly world: World;
  readonly store: Store;
  readonly transformer: Transformer;
  readonly codec: Codec;
  /** "/registry/pods/" */
  readonly folder: string;
  readonly namespaced: boolean;
  readonly window: { readonly events: number; readonly bytes: number };
}

export interface Subscriber {
  /** "" for all. */
  readonly namespace: string;
  /** Wants only what is, or just was, on this node: it is not told when nothing of that changed. */
  readonly nodeName?: string | undefined;
  /** Changes of its namespace, all of `revision` or before; may be none. Must not throw. */
  changed(events: readonly CacheEvent[], revision: Revision): void;
  /** The cache lost its store: what follows cannot be told. Not called after `unsubscribe`. */
  lost(): void;
}

const noEvents: readonly CacheEvent[] = Object.freeze([]);
const retryMilliseconds = 200;

export class WatchCache {
  readonly #needs: WatchCacheNeeds;
  readonly #scope: Scope;
  #slots = new Map<string, Slot>();
  #all = new SortedSlots();
  #namespaces = new Map<string, SortedSlots>();
  #window: Window;
  #revision: Revision = 0;
  #watch: StoreWatch | undefined;
  #starting: Promise<void> | undefined;
  readonly #waiting = new Set<{ readonly revision: Revision; readonly resolve: () => void; readonly reject: (error: Error) => void }>();
  /** By namespace. */
  readonly #subscribers = new Map<string, Set<Subscriber>>();
  /** Those that want one node's objects, by its name: a cluster has a watch of Pods for each of its nodes. */
  readonly #nodes = new Map<string, Set<Subscriber>>();
  readonly #written = new Map<string, Written>();

  constructor(scope: Scope, needs: WatchCacheNeeds) {
    this.#scope = scope;
    this.#needs = needs;
    this.#window = new Window(0, needs.window);
    scope.defer("watch cache", () => this.#end());
  }

  /** Everything up to here is in the cache; 0 before it started. */
  get revision(): Revision {
    return this.#revision;
  }

  /** Changes behind this revision are at hand. */
  get completeAfter(): Revision {
    return this.#window.completeAfter;
  }

  /** Starts the cache if need be. Rejects when the store cannot be read. */
  ready(): Promise<void> | undefined {
    if (this.#revision > 0) return undefined;
    this.#starting ??= this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  /** Resolves when everything up to `revision` is in the cache; undefined when it is already. Rejects when `until` aborts first. */
  atLeast(revision: Revision, until?: AbortSignal): Promise<void> | undefined {
    if (this.#revision >= revision && this.#revision > 0) return undefined;
    return this.#whenAtLeast(revision, until);
  }

  async #whenAtLeast(revision: Revision, until: AbortSignal | undefined): Promise<void> {
    await this.ready();
    until?.throwIfAborted();
    if (this.#revision >= revision) return;
    await new Promise<void>((resolve, reject) => {
      const waiter = { revision, resolve, reject };
      this.#waiting.add(waiter);
      until?.addEventListener("abort", () => {
        if (this.#waiting.delete(waiter)) reject(until.reason as Error);
      });
    });
  }

  /** How many wait for a revision to come. */
  get waiting(): number {
    return this.#waiting.size;
  }

  get(key: string): StoredRecord | undefined {
    return this.#slots.get(key)?.record;
  }

  /** In key order. Of one namespace, or of all (""). The list changes with the cache: use it within the turn. */
  list(namespace: string): SortedSlots {
    if (namespace === "" || !this.#needs.namespaced) return this.#all;
    return this.#namespaces.get(namespace) ?? emptySlots;
  }

  changesAfter(revision: Revision): readonly CacheEvent[] {
    return this.#window.after(revision);
  }

  /** From the next change on. The caller has read what came before in this same turn. */
  subscribe(subscriber: Subscriber): () => void {
    const sets = subscriber.nodeName === undefined ? this.#subscribers : this.#nodes;
    const id = subscriber.nodeName ?? subscriber.namespace;
    const same = sets.get(id);
    if (same) same.add(subscriber);
    else sets.set(id, new Set([subscriber]));
    return () => {
      const set = sets.get(id);
      set?.delete(subscriber);
      if (set?.size === 0) sets.delete(id);
    };
  }

  /** Notes what is being written, so that the object need not be decoded when the store tells of it. Returns what to do with the outcome. */
  writing(key: string, value: Uint8Array, json: Uint8Array, object: KubernetesObject): Written {
    const written = new Written(key, value, json, object);
    if (this.#revision > 0) this.#written.set(key, written);
    return written;
  }

  /** The write did not happen. */
  notWritten(written: Written): void {
    if (this.#written.get(written.key) === written) this.#written.delete(written.key);
  }

  recordOf(item: KeyValue): StoredRecord {
    const { key, value, modRevision } = item;
    const known = this.#slots.get(key)?.record;
    if (known?.revision === modRevision) return known;
    const { codec, transformer } = this.#needs;
    return new StoredRecord(codec, key, modRevision, codec.fromStored(transformer.fromStore(key, value)));
  }

  async #start(): Promise<void> {
    this.#scope.throwIfStopped();
    const { store, folder } = this.#needs;
    const { items, revision } = await store.range(folder, prefixEnd(folder));
    this.#scope.throwIfStopped();
    const slots = items.map((item) => this.#slotOf(this.recordOf(item)));
    this.#slots = new Map(slots.map((slot) => [slot.key, slot]));
    this.#all = SortedSlots.of([...slots]);
    this.#namespaces = new Map();
    if (this.#needs.namespaced) for (const slot of slots) this.#namespace(slot.namespace).insert(slot);
    this.#window = new Window(revision, this.#needs.window);
    this.#revision = revision;
    this.#watch = store.watch(
      { prefix: folder, from: revision + 1 },
      { batch: (batch) => this.#advance(batch), ended: (error) => this.#lost(error) },
    );
    this.#wake();
  }

  #slotOf(record: StoredRecord): Slot {
    const { folder, namespaced } = this.#needs;
    const end = namespaced ? record.key.indexOf("/", folder.length) : -1;
    return { key: record.key, namespace: end < 0 ? "" : record.key.slice(folder.length, end), record };
  }

  #namespace(name: string): SortedSlots {
    let slots = this.#namespaces.get(name);
    if (!slots) {
      slots = new SortedSlots();
      this.#namespaces.set(name, slots);
    }
    return slots;
  }

  #advance({ events, revision }: WatchBatch): void {
    const told: CacheEvent[] = [];
    const namespaces: string[] = [];
    for (const event of events) {
      const change = this.#apply(event, namespaces);
      if (change) {
        told.push(change);
        this.#window.push(change);
      }
    }
    if (revision > this.#revision) this.#revision = revision;
    this.#tell(told, namespaces, this.#revision);
    this.#wake();
  }

  #apply(event: StoreEvent, namespaces: string[]): CacheEvent | undefined {
    if (event.type === "put") {
      const { current } = event;
      const record = this.#adopt(current);
      const slot = this.#slots.get(current.key);
      const previous = slot?.record;
      if (slot) {
        if (slot.record.revision >= record.revision) return undefined;
        slot.record = record;
        namespaces.push(slot.namespace);
      } else {
        const made = this.#slotOf(record);
        this.#slots.set(made.key, made);
        this.#all.insert(made);
        if (this.#needs.namespaced) this.#namespace(made.namespace).insert(made);
        namespaces.push(made.namespace);
      }
      return { type: previous ? "MODIFIED" : "ADDED", revision: record.revision, record, previous, frames: new Map() };
    }
    const slot = this.#slots.get(event.key);
    if (!slot) return undefined;
    this.#slots.delete(event.key);
    this.#all.remove(event.key);
    const same = this.#namespaces.get(slot.namespace);
    same?.remove(event.key);
    if (same?.size === 0) this.#namespaces.delete(slot.namespace);
    namespaces.push(slot.namespace);
    return {
      type: "DELETED",
      revision: event.revision,
      record: slot.record.at(event.revision),
      previous: slot.record,
      frames: new Map(),
    };
  }

  #adopt(item: KeyValue): StoredRecord {
    const written = this.#written.get(item.key);
    if (!written || !sameBytes(written.value, item.value)) return this.recordOf(item);
    this.#written.delete(item.key);
    return written.record(this.#needs.codec, item.modRevision);
  }

  #tell(events: readonly CacheEvent[], namespaces: readonly string[], revision: Revision): void {
    for (const [namespace, subscribers] of this.#subscribers) {
      let seen = events;
      if (namespace !== "" && events.length > 0) {
        seen = namespaces.every((name) => name === namespace) ? events : events.filter((_, index) => namespaces[index] === namespace);
      }
      for (const subscriber of [...subscribers]) subscriber.changed(seen.length > 0 ? seen : noEvents, revision);
    }
    if (this.#nodes.size > 0) for (const event of events) this.#tellNodes(event, revision);
  }

  #tellNodes(event: CacheEvent, revision: Revision): void {
    const now = nodeNameOf(event.record);
    const before = event.previous ? nodeNameOf(event.previous) : now;
    for (const nodeName of now === before ? [now] : [before, now]) {
      for (const subscriber of [...(this.#nodes.get(nodeName) ?? [])]) subscriber.changed([event], revision);
    }
  }

  #wake(): void {
    for (const waiter of this.#waiting) {
      if (waiter.revision > this.#revision) continue;
      this.#waiting.delete(waiter);
      waiter.resolve();
    }
  }

  /** The store's watch broke: begin anew with a fresh list, and have every subscriber do the same. */
  #lost(error: Error): void {
    if (this.#scope.stopped) return;
    this.#needs.world.log.warn("a watch cache lost its store", { folder: this.#needs.folder, error: error.message });
    this.#forget();
    this.#scope.start("start the watch cache again", async (scope) => {
      while (this.#revision === 0) {
        await this.#needs.world.clock.sleep(scope, retryMilliseconds);
        try {
          await this.ready();
        } catch (failure) {
          if (failure instanceof ScopeStopped) throw failure;
        }
      }
    });
  }

  #forget(): void {
    this.#watch?.stop();
    this.#watch = undefined;
    this.#revision = 0;
    this.#written.clear();
    const subscribers = [...this.#subscribers.values(), ...this.#nodes.values()].flatMap((set) => [...set]);
    this.#subscribers.clear();
    this.#nodes.clear();
    for (const subscriber of subscribers) subscriber.lost();
  }

  #end(): void {
    this.#forget();
    for (const { reject } of this.#waiting) reject(new ScopeStopped(this.#scope.path));
    this.#waiting.clear();
  }
}

/** The very bytes, or as many and the same: a store in another process tells of them in its own. */
function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left === right) return true;
  if (left.length !== right.length) return false;
  for (let at = 0; at < left.length; at++) if (left[at] !== right[at]) return false;
  return true;
}

function nodeNameOf({ object }: StoredRecord): string {
  const { spec } = object as { readonly spec?: { readonly nodeName?: unknown } };
  return typeof spec?.nodeName === "string" ? spec.nodeName : "";
}

const emptySlots = new SortedSlots();

/** What a writer hands to the cache, and gets its record from. */
export class Written {
  readonly key: string;
  /** As the store has it. */
  readonly value: Uint8Array;
  readonly #json: Uint8Array;
  readonly #object: KubernetesObject;
  #record: StoredRecord | undefined;

  constructor(key: string, value: Uint8Array, json: Uint8Array, object: KubernetesObject) {
    this.key = key;
    this.value = value;
    this.#json = json;
    this.#object = object;
  }

  /** The record at the revision the store gave: the same one for the writer and for the cache. */
  record(codec: Codec, revision: Revision): StoredRecord {
    if (this.#record?.revision !== revision) {
      const object = { ...this.#object, metadata: { ...this.#object.metadata, resourceVersion: String(revision) } };
      this.#record = new StoredRecord(codec, this.key, revision, this.#json, freezeDeep(object));
    }
    return this.#record as StoredRecord;
  }
}
