// What every component sees of the cluster: typed reads, writes and watches. Transports (http, in-process) carry it.
import type { Scope } from "#base/scope.ts";
import type { Json } from "#schema/field.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import type { Draft } from "#schema/message.ts";

/** Namespace is absent for objects that live outside namespaces. */
export interface ObjectName {
  readonly namespace?: string | undefined;
  readonly name: string;
}

export interface ListOptions {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly limit?: number;
  readonly continue?: string;
  /** "0" accepts any age; absent asks for the newest. */
  readonly resourceVersion?: string;
  readonly resourceVersionMatch?: "Exact" | "NotOlderThan";
}

export interface ObjectList<T> {
  readonly items: readonly T[];
  readonly resourceVersion: string;
  readonly continue?: string;
  readonly remainingItemCount?: number;
}

export interface WatchOptions {
  readonly namespace?: string | undefined;
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
  readonly resourceVersion?: string;
  readonly allowBookmarks?: boolean;
  readonly timeoutSeconds?: number;
}

export type WatchEvent<T> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: T }
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string };

export interface WriteOptions {
  /** The field manager; the client's name when absent. */
  readonly fieldManager?: string;
  readonly dryRun?: boolean;
}

export interface PatchOptions extends WriteOptions {
  readonly type: "json" | "merge" | "strategic" | "apply";
  /** With "apply": take over fields others own. */
  readonly force?: boolean;
  readonly subresource?: string;
}

export interface DeleteOptions {
  readonly gracePeriodSeconds?: number;
  readonly propagationPolicy?: "Orphan" | "Background" | "Foreground";
  readonly preconditions?: { readonly uid?: string; readonly resourceVersion?: string };
  readonly dryRun?: boolean;
}

/**
 * All calls reject with StatusError (api/meta/status-error.ts) when the server says no, and with NetworkError when it cannot be reached.
 * Decoded objects are shared and must not be changed.
 */
export interface Client {
  get<T extends KubernetesObject>(kind: Kind<T>, name: ObjectName): Promise<T>;
  list<T extends KubernetesObject>(kind: Kind<T>, options?: ListOptions): Promise<ObjectList<T>>;
  /** Ends when the server ends it; throws StatusError with code 410 when the resourceVersion is too old. Leaving the iteration stops it. */
  watch<T extends KubernetesObject>(scope: Scope, kind: Kind<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>>;
  create<T extends KubernetesObject>(kind: Kind<T>, object: Draft<T>, options?: WriteOptions): Promise<T>;
  /** Replaces the object; its metadata.resourceVersion guards against a change in between. */
  update<T extends KubernetesObject>(kind: Kind<T>, object: T, options?: WriteOptions): Promise<T>;
  updateStatus<T extends KubernetesObject>(kind: Kind<T>, object: T, options?: WriteOptions): Promise<T>;
  patch<T extends KubernetesObject>(kind: Kind<T>, name: ObjectName, patch: Json, options: PatchOptions): Promise<T>;
  /** The object when it stays for now (grace, finalizers); undefined when it is gone. */
  delete<T extends KubernetesObject>(kind: Kind<T>, name: ObjectName, options?: DeleteOptions): Promise<T | undefined>;
  deleteCollection<T extends KubernetesObject>(kind: Kind<T>, options: ListOptions & DeleteOptions): Promise<void>;
  /** POSTs `object` to a subresource: pods/binding, pods/eviction, serviceaccounts/token. */
  createSubresource<T extends KubernetesObject, S extends KubernetesObject>(
    kind: Kind<T>,
    name: ObjectName,
    subresource: string,
    of: Kind<S>,
    object: Draft<S>,
  ): Promise<S>;
  getSubresource<T extends KubernetesObject, S extends KubernetesObject>(
    kind: Kind<T>,
    name: ObjectName,
    subresource: string,
    of: Kind<S>,
  ): Promise<S>;
  updateSubresource<T extends KubernetesObject, S extends KubernetesObject>(
    kind: Kind<T>,
    name: ObjectName,
    subresource: string,
    of: Kind<S>,
    object: S,
  ): Promise<S>;
  /** Any path that answers JSON, such as discovery documents. */
  raw(method: string, path: string, body?: Json): Promise<Json>;
}
