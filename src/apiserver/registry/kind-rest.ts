// One served kind's reads and writes: what HTTP handlers, admission and start-up tasks all stand on.
import type { World } from "#platform/world.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import { complete } from "#schema/derive/defaults.ts";
import type { Draft } from "#schema/message.ts";
import type { User } from "../request.ts";
import { fromStored, type View } from "../storage/record.ts";
import type { KindStorage } from "../storage/kind-storage.ts";
import type { Bookmarks } from "./bookmarks.ts";
import { createObject } from "./create.ts";
import { deleteObject } from "./delete.ts";
import { notFound } from "./errors.ts";
import { ListBlocks } from "./list-blocks.ts";
import type { InternalWriteOptions, Registry, Resource, Rest, WriteContext } from "./resource.ts";
import { type Change, updateObject } from "./update.ts";
import type { AnyObject, WriteRequest } from "./write-request.ts";

export const serverUser: User = { name: "system:apiserver", groups: ["system:masters", "system:authenticated"] };

export class KindRest<T extends KubernetesObject = KubernetesObject> implements Rest<T> {
  readonly resource: Resource;
  readonly storage: KindStorage;
  readonly registry: Registry;
  readonly world: World;
  readonly bookmarks: Bookmarks;
  readonly listBlocks = new ListBlocks();

  constructor(resource: Resource, storage: KindStorage, registry: Registry, bookmarks: Bookmarks) {
    this.resource = resource;
    this.bookmarks = bookmarks;
    this.storage = storage;
    this.registry = registry;
    this.world = registry.world;
  }

  get kind(): Kind {
    return this.resource.kind;
  }

  async view(namespace: string, name: string): Promise<View> {
    const record = await this.storage.newest(this.storage.keyOf(namespace, name));
    if (!record) throw notFound(this.kind, name);
    return record.as(this.kind);
  }

  async get(namespace: string, name: string): Promise<T> {
    return (await this.view(namespace, name)).object as T;
  }

  async peek(namespace: string, name: string): Promise<T | undefined> {
    const record = await this.storage.guess(this.storage.keyOf(namespace, name));
    return record && (fromStored(this.kind, record.object) as T);
  }

  async peekList(namespace: string): Promise<readonly T[]> {
    const { cache } = this.storage;
    const starting = cache.ready();
    if (starting) await starting;
    return cache.list(namespace).slots.map(({ record }) => fromStored(this.kind, record.object) as T);
  }

  async list(namespace: string): Promise<{ items: readonly T[]; resourceVersion: string }> {
    const { cache, store } = this.storage;
    await cache.atLeast(await store.revision());
    const items = cache.list(namespace).slots.map(({ record }) => record.as(this.kind).object as T);
    return { items, resourceVersion: String(cache.revision) };
  }

  async create(draft: Draft<T>, options: InternalWriteOptions = {}): Promise<T> {
    const object = complete(this.kind as unknown as Kind<T>, draft);
    const view = await createObject(this as KindRest, object.metadata.namespace ?? "", object, internalWrite(options));
    return view.object as T;
  }

  async update(
    namespace: string,
    name: string,
    change: (current: T) => T | Promise<T>,
    options: InternalWriteOptions & { readonly subresource?: string } = {},
  ): Promise<T> {
    const to = change as unknown as Change["to"];
    const view = await updateObject(this as KindRest, namespace, name, { to }, internalWrite(options, options.subresource));
    return view.object as T;
  }

  async delete(
    namespace: string,
    name: string,
    options: InternalWriteOptions & { readonly gracePeriodSeconds?: number; readonly uid?: string; readonly resourceVersion?: string } = {},
  ): Promise<boolean> {
    const { gracePeriodSeconds, uid, resourceVersion } = options;
    const preconditions = { ...(uid !== undefined && { uid }), ...(resourceVersion !== undefined && { resourceVersion }) };
    const wish = { ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }), preconditions };
    return (await deleteObject(this as KindRest, namespace, name, wish, internalWrite(options))).gone;
  }

  contextOf(operation: WriteContext["operation"], sent: KubernetesObject | undefined, write: WriteRequest): WriteContext {
    const { user, dryRun, subresource } = write;
    const { world, registry } = this;
    return { user, dryRun, operation, subresource, world, registry, sent, warn: (message) => write.warn(message) };
  }

  /** Whether nothing holds an object that is being deleted any longer. */
  mayGo(object: AnyObject): boolean {
    const { deletionTimestamp, deletionGracePeriodSeconds = 0, finalizers = [] } = object.metadata;
    if (deletionTimestamp === undefined || finalizers.length > 0 || Number(deletionGracePeriodSeconds) > 0) return false;
    return !this.resource.hooks.some((hooks) => hooks.holdsDeletion?.(object));
  }
}

function internalWrite(options: InternalWriteOptions, subresource = ""): WriteRequest {
  const { user = serverUser, dryRun = false, fieldManager = "kube-apiserver" } = options;
  return { user, dryRun, manager: fieldManager, subresource, warn: () => {} };
}
