// One stored kind: its keys, its cache, and the one way to write. All served versions of the kind share it.
import type { Scope } from "#base/scope.ts";
import type { World } from "#platform/world.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import type { Condition, KeyValue, Operation, Revision, Store, Transaction } from "#store/store.ts";
import { Codec, type StoredMedia, type Transformer } from "./codec.ts";
import { claimsFolder } from "./keys.ts";
import type { StoredRecord } from "./record.ts";
import { WatchCache } from "./watch-cache.ts";

export interface KindStorageNeeds {
  readonly world: World;
  readonly store: Store;
  readonly transformer: Transformer;
  readonly media: StoredMedia;
  /** The stored version. */
  readonly kind: Kind;
  readonly folder: string;
  readonly timeToLiveSeconds: number | undefined;
  readonly window: { readonly events: number; readonly bytes: number };
}

export interface Write {
  readonly key: string;
  /** The revision the key must be at; 0: it must not exist. */
  readonly expected: Revision;
  /** In the stored version. Undefined deletes the key. */
  readonly object: KubernetesObject | undefined;
  /** Its encoding, when the caller has it already. */
  readonly json?: Uint8Array | undefined;
  readonly claimsTaken?: readonly string[];
  readonly claimsReleased?: readonly string[];
}

export type WriteResult =
  | { readonly outcome: "written"; readonly record: StoredRecord }
  | { readonly outcome: "deleted"; readonly revision: Revision }
  /** The key is not at the expected revision. */
  | { readonly outcome: "conflict"; readonly current: StoredRecord | undefined }
  | { readonly outcome: "claim taken"; readonly claim: string };

export class KindStorage {
  readonly kind: Kind;
  readonly folder: string;
  readonly namespaced: boolean;
  readonly codec: Codec;
  readonly cache: WatchCache;
  readonly store: Store;
  readonly #transformer: Transformer;
  readonly #media: StoredMedia;
  readonly #timeToLiveSeconds: number | undefined;

  constructor(scope: Scope, needs: KindStorageNeeds) {
    const { kind, folder, store, world, transformer, window } = needs;
    this.kind = kind;
    this.folder = folder;
    this.store = store;
    this.namespaced = kind.scope === "namespaced";
    this.codec = new Codec(kind);
    this.#transformer = transformer;
    this.#media = needs.media;
    this.#timeToLiveSeconds = needs.timeToLiveSeconds;
    this.cache = new WatchCache(scope, { world, store, transformer, codec: this.codec, folder, namespaced: this.namespaced, window });
  }

  keyOf(namespace: string, name: string): string {
    return this.namespaced ? `${this.folder}${namespace}/${name}` : this.folder + name;
  }

  /** At least as new as every write acknowledged before. */
  async newest(key: string): Promise<StoredRecord | undefined> {
    const behind = this.cache.atLeast(await this.store.revision());
    if (behind) await behind;
    return this.cache.get(key);
  }

  /** As the cache has it: usually, but not surely, the newest. */
  async guess(key: string): Promise<StoredRecord | undefined> {
    const starting = this.cache.ready();
    if (starting) await starting;
    return this.cache.get(key);
  }

  /** What the store has, whatever the cache says. */
  async stored(key: string): Promise<StoredRecord | undefined> {
    const { item } = await this.store.get(key);
    return item && this.cache.recordOf(item);
  }

  async write(write: Write): Promise<WriteResult> {
    const { key, expected, object, claimsTaken = [], claimsReleased = [] } = write;
    const conditions: Condition[] = [{ key, modRevision: expected }, ...claimsTaken.map((claim) => free(claim))];
    const claims: Operation[] = [...claimsTaken.map((claim) => take(claim, key)), ...claimsReleased.map(release)];
    if (!object) {
      const result = await this.store.transact({ conditions, operations: [{ type: "delete", key }, ...claims] });
      return result.succeeded ? { outcome: "deleted", revision: result.revision } : this.#refused(result.current, claimsTaken);
    }
    const json = write.json ?? this.codec.encode(object);
    const value = this.valueOf(key, object, json);
    const written = this.cache.writing(key, value, json, object);
    const seconds = this.#timeToLiveSeconds;
    const put: Operation = { type: "put", key, value, ...(seconds !== undefined && { timeToLiveSeconds: seconds }) };
    const transaction: Transaction = { conditions, operations: claims.length > 0 ? [put, ...claims] : [put] };
    let done = false;
    try {
      const result = await this.store.transact(transaction);
      if (!result.succeeded) return this.#refused(result.current, claimsTaken);
      done = true;
      return { outcome: "written", record: written.record(this.codec, result.revision) };
    } finally {
      if (!done) this.cache.notWritten(written);
    }
  }

  /** Whether an update that changes nothing is to be written all the same. */
  isStale(key: string): boolean {
    return this.#transformer.isStale?.(key) ?? false;
  }

  /** What is stored under the key for the object. */
  valueOf(key: string, object: KubernetesObject, json = this.codec.encode(object)): Uint8Array {
    return this.#transformer.toStore(key, this.codec.toStored(this.#media, object, json));
  }

  #refused(current: readonly (KeyValue | undefined)[], claims: readonly string[]): WriteResult {
    const taken = claims.findIndex((_, index) => current[index + 1] !== undefined);
    if (taken >= 0) return { outcome: "claim taken", claim: claims[taken] as string };
    const [item] = current;
    return { outcome: "conflict", current: item && this.cache.recordOf(item) };
  }
}

function free(claim: string): Condition {
  return { key: claimsFolder + claim, modRevision: 0 };
}

function take(claim: string, owner: string): Operation {
  return { type: "put", key: claimsFolder + claim, value: new TextEncoder().encode(owner) };
}

function release(claim: string): Operation {
  return { type: "delete", key: claimsFolder + claim };
}
