// The client of client.ts on top of any transport: paths, options and errors are made here, once.
import type { Scope } from "#base/scope.ts";
import { statusErrorFrom } from "#api/meta/status-error.ts";
import { ListMeta } from "#api/meta/list-meta.ts";
import type { Status } from "#api/meta/status.ts";
import { list, one, string } from "#schema/field.ts";
import type { Json } from "#schema/field.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import { type Draft, message, type Type } from "#schema/message.ts";
import type {
  Client,
  DeleteOptions,
  ListOptions,
  ObjectList,
  ObjectName,
  PatchOptions,
  WatchEvent,
  WatchOptions,
  WriteOptions,
} from "./client.ts";
import type { Transport, TransportRequest } from "./transport.ts";

const patchTypes = {
  json: "application/json-patch+json",
  merge: "application/merge-patch+json",
  strategic: "application/strategic-merge-patch+json",
  apply: "application/apply-patch+yaml",
} as const;

/** The path of a kind's collection: "/apis/apps/v1/namespaces/a/deployments". */
export function collectionPath(kind: Kind, namespace: string | undefined): string {
  const root = kind.group === "" ? `/api/${kind.version}` : `/apis/${kind.group}/${kind.version}`;
  const space = kind.scope === "namespaced" && namespace !== undefined ? `/namespaces/${encodeURIComponent(namespace)}` : "";
  return `${root}${space}/${kind.plural}`;
}

export function objectPath(kind: Kind, { namespace, name }: ObjectName, subresource?: string): string {
  return `${collectionPath(kind, namespace)}/${encodeURIComponent(name)}${subresource ? `/${subresource}` : ""}`;
}

function withQuery(path: string, parameters: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined && value !== false) query.append(name, String(value));
  const text = [...query].map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`).join("&");
  return text === "" ? path : `${path}?${text}`;
}

interface RawList {
  readonly metadata: ListMeta;
  readonly items: readonly unknown[];
}

const listTypes = new WeakMap<Type<unknown>, Type<RawList>>();

/** The message of a kind's list, made once for each kind. */
export function listType(kind: Kind): Type<RawList> {
  let type = listTypes.get(kind.message);
  if (!type) {
    type = message(kind.listName, {
      apiVersion: string(0),
      kind: string(0),
      metadata: one(1, (): Type<ListMeta> => ListMeta),
      items: list(2, (): Type<unknown> => kind.message, { always: true }),
    });
    listTypes.set(kind.message, type);
  }
  return type;
}

export interface RestClientOptions {
  /** The field manager of writes that name none. */
  readonly fieldManager: string;
}

export function restClient(transport: Transport, { fieldManager }: RestClientOptions): Client {
  async function send<T>(request: TransportRequest): Promise<T> {
    const { status, object } = await transport.send(request);
    if (status >= 400) throw statusErrorFrom((object ?? {}) as Draft<Status>, status);
    return object as T;
  }

  const write = (options: WriteOptions | undefined) => ({
    fieldManager: options?.fieldManager ?? fieldManager,
    dryRun: options?.dryRun ? "All" : undefined,
  });

  function listQuery(options: ListOptions) {
    return {
      labelSelector: options.labelSelector,
      fieldSelector: options.fieldSelector,
      limit: options.limit,
      continue: options.continue,
      resourceVersion: options.resourceVersion,
      resourceVersionMatch: options.resourceVersionMatch,
    };
  }

  function deleteBody(options: DeleteOptions | undefined) {
    if (!options) return undefined;
    const { gracePeriodSeconds, propagationPolicy, preconditions, dryRun } = options;
    return {
      kind: "DeleteOptions",
      apiVersion: "v1",
      ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
      ...(propagationPolicy && { propagationPolicy }),
      ...(preconditions && { preconditions }),
      ...(dryRun && { dryRun: ["All"] }),
    };
  }

  return {
    get: (kind, name) => send({ method: "GET", path: objectPath(kind, name), answer: kind.message }),

    async list<T extends KubernetesObject>(kind: Kind<T>, options: ListOptions = {}): Promise<ObjectList<T>> {
      const answer = await send<RawList>({
        method: "GET",
        path: withQuery(collectionPath(kind, options.namespace), listQuery(options)),
        answer: listType(kind),
      });
      const { metadata } = answer;
      return {
        items: answer.items.map((item) => withTypeMeta(kind, item as T)),
        resourceVersion: metadata.resourceVersion ?? "",
        ...(metadata.continue && { continue: metadata.continue }),
        ...(metadata.remainingItemCount !== undefined && { remainingItemCount: Number(metadata.remainingItemCount) }),
      };
    },

    async *watch<T extends KubernetesObject>(scope: Scope, kind: Kind<T>, options: WatchOptions): AsyncIterable<WatchEvent<T>> {
      const path = withQuery(collectionPath(kind, options.namespace), {
        watch: "true",
        labelSelector: options.labelSelector,
        fieldSelector: options.fieldSelector,
        resourceVersion: options.resourceVersion,
        allowWatchBookmarks: options.allowBookmarks,
        timeoutSeconds: options.timeoutSeconds,
      });
      for await (const { type, object } of transport.watch(scope, { method: "GET", path, answer: kind.message })) {
        switch (type) {
          case "ADDED":
          case "MODIFIED":
          case "DELETED":
            yield { type, object: object as T };
            break;
          case "BOOKMARK":
            yield { type, resourceVersion: (object as KubernetesObject).metadata.resourceVersion };
            break;
          case "ERROR":
            throw statusErrorFrom(object as Draft<Status>, 500);
        }
      }
    },

    create: (kind, object, options) =>
      send({
        method: "POST",
        path: withQuery(collectionPath(kind, namespaceOf(object)), write(options)),
        contentType: "application/json",
        body: withTypeMeta(kind, object),
        answer: kind.message,
      }),

    update: (kind, object, options) =>
      send({
        method: "PUT",
        path: withQuery(objectPath(kind, object.metadata), write(options)),
        contentType: "application/json",
        body: withTypeMeta(kind, object),
        answer: kind.message,
      }),

    updateStatus: (kind, object, options) =>
      send({
        method: "PUT",
        path: withQuery(objectPath(kind, object.metadata, "status"), write(options)),
        contentType: "application/json",
        body: withTypeMeta(kind, object),
        answer: kind.message,
      }),

    patch: (kind, name, patch, options: PatchOptions) =>
      send({
        method: "PATCH",
        path: withQuery(objectPath(kind, name, options.subresource), { ...write(options), force: options.force }),
        contentType: patchTypes[options.type],
        body: patch,
        answer: kind.message,
      }),

    async delete<T extends KubernetesObject>(kind: Kind<T>, name: ObjectName, options?: DeleteOptions): Promise<T | undefined> {
      const body = deleteBody(options);
      const answer = await send<T>({
        method: "DELETE",
        path: objectPath(kind, name),
        ...(body && { contentType: "application/json", body }),
      });
      if (answer?.kind !== kind.name || !answer.metadata.deletionTimestamp) return undefined;
      const { finalizers = [], deletionGracePeriodSeconds = 0 } = answer.metadata;
      return finalizers.length > 0 || Number(deletionGracePeriodSeconds) > 0 ? answer : undefined;
    },

    async deleteCollection(kind, options) {
      const path = withQuery(collectionPath(kind, options.namespace), listQuery(options));
      const body = deleteBody(options);
      await send({ method: "DELETE", path, ...(body && { contentType: "application/json", body }) });
    },

    createSubresource: (kind, name, subresource, of, object) =>
      send({
        method: "POST",
        path: withQuery(objectPath(kind, name, subresource), { fieldManager }),
        contentType: "application/json",
        body: withTypeMeta(of, object),
        answer: of.message,
      }),

    getSubresource: (kind, name, subresource, of) => send({ method: "GET", path: objectPath(kind, name, subresource), answer: of.message }),

    updateSubresource: (kind, name, subresource, of, object) =>
      send({
        method: "PUT",
        path: withQuery(objectPath(kind, name, subresource), { fieldManager }),
        contentType: "application/json",
        body: withTypeMeta(of, object),
        answer: of.message,
      }),

    raw: (method, path, body) => send<Json>({ method, path, ...(body !== undefined && { contentType: "application/json", body }) }),
  };
}

function namespaceOf(object: unknown): string | undefined {
  return (object as { metadata?: { namespace?: string } }).metadata?.namespace;
}

/** Items of lists come without apiVersion and kind; inside, every object has them. */
function withTypeMeta<T>(kind: Kind, object: T): T {
  const meta = object as { apiVersion?: string; kind?: string };
  return meta.kind === kind.name && meta.apiVersion === kind.apiVersion
    ? object
    : { ...object, apiVersion: kind.apiVersion, kind: kind.name };
}
