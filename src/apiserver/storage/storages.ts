// The storages of all kinds, made when first asked for: one a folder, shared by every served version of what lies in it.
import type { Scope } from "#base/scope.ts";
import type { World } from "#platform/world.ts";
import type { Store } from "#store/store.ts";
import type { Resource } from "../registry/resource.ts";
import { plainTransformer, type StoredMedia, type Transformer } from "./codec.ts";
import { KindStorage } from "./kind-storage.ts";
import { folderOf } from "./keys.ts";
import { storedKind } from "./record.ts";

export interface StoragesNeeds {
  readonly world: World;
  readonly store: Store;
  /** By group and plural. */
  readonly transformerOf?: ((group: string, plural: string) => Transformer) | undefined;
  /** What built-in kinds are stored as. Default JSON. */
  readonly media?: StoredMedia | undefined;
  /** How many changes each kind keeps for watches to resume. */
  readonly window?: { readonly events: number; readonly bytes: number } | undefined;
}

const defaultWindow = { events: 20_000, bytes: 32 * 1024 * 1024 };

interface Opened {
  readonly storage: KindStorage;
  readonly scope: Scope;
}

export class Storages {
  readonly #scope: Scope;
  readonly #needs: StoragesNeeds;
  readonly #opened = new Map<string, Opened>();

  constructor(scope: Scope, needs: StoragesNeeds) {
    this.#scope = scope;
    this.#needs = needs;
  }

  of(resource: Resource): KindStorage {
    const kind = storedKind(resource.kind);
    const folder = folderOf({ kind, folder: resource.folder });
    const opened = this.#opened.get(folder);
    if (opened?.storage.kind === kind) return opened.storage;
    // A custom resource whose declaration changed: what is cached was decoded by the old one.
    if (opened) void opened.scope.stop();
    const { world, store, transformerOf, media = "json", window = defaultWindow } = this.#needs;
    const scope = this.#scope.child(`storage of ${folder}`);
    const storage = new KindStorage(scope, {
      world,
      store,
      transformer: transformerOf?.(kind.group, kind.plural) ?? plainTransformer,
      media,
      kind,
      folder,
      timeToLiveSeconds: resource.timeToLiveSeconds,
      window,
    });
    this.#opened.set(folder, { storage, scope });
    return storage;
  }

  /** Ends the caches and watches of a kind that is served no longer. */
  async forget(resource: Resource): Promise<void> {
    const folder = folderOf({ kind: storedKind(resource.kind), folder: resource.folder });
    const opened = this.#opened.get(folder);
    this.#opened.delete(folder);
    await opened?.scope.stop();
  }

  opened(): readonly KindStorage[] {
    return [...this.#opened.values()].map(({ storage }) => storage);
  }
}
