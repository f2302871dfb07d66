// How a kind is served: the generic reads and writes of its declaration, and what is special about it.
//
// A `ResourcePart` says one special thing about one kind; the registry joins all parts of a kind into its `Resource`. Parts are handed to
// `startApiServer` (needs.resources) or, for kinds that come and go, to `kinds.add` at run time.
import type { World } from "#platform/world.ts";
import type { Kind, KubernetesObject, Verb } from "#schema/kind.ts";
import type { Draft } from "#schema/message.ts";
import type { HttpResponse } from "#wire/http/message.ts";
import type { AdmissionOperation } from "../admission/plugin.ts";
import type { ApiRequest, User } from "../request.ts";
import type { Kinds } from "./kinds.ts";

export interface ResourcePart<T extends KubernetesObject = KubernetesObject> {
  readonly kind: Kind<T>;
  /** Answers a POST without storing anything: review kinds. */
  readonly create?: (object: T, call: Call) => Promise<Answer>;
  readonly hooks?: Hooks<T>;
  /** By name, such as "log" or "token". "status" and "scale" come from the declaration and may be replaced here. */
  readonly subresources?: Readonly<Record<string, Subresource<T>>>;
  /** Where objects are kept, when not by the general rule: "services/specs" for `/registry/services/specs/<namespace>/<name>`. */
  readonly folder?: string;
  /** Seconds after which the store itself deletes an object that was not written again (Events). */
  readonly timeToLiveSeconds?: number;
  /** DELETE answers the deleted object instead of a Status. */
  readonly returnsDeleted?: boolean;
  /** Strategic merge patches are refused with 415: custom resources. */
  readonly noStrategicMerge?: boolean;
}

/** All parts of a kind, joined: hooks run in the order of the parts. */
export interface Resource<T extends KubernetesObject = KubernetesObject> {
  readonly kind: Kind<T>;
  readonly create: ((object: T, call: Call) => Promise<Answer>) | undefined;
  readonly hooks: readonly Hooks<T>[];
  readonly subresources: Readonly<Record<string, Subresource<T>>>;
  readonly folder: string | undefined;
  readonly timeToLiveSeconds: number | undefined;
  readonly returnsDeleted: boolean;
  readonly noStrategicMerge: boolean;
}

/** Run inside a write, between mutating admission and validation. May run again when the write has to be retried; reject with StatusError. */
export interface Hooks<T extends KubernetesObject = KubernetesObject> {
  /** The object as it will be created: allocate, fill in. */
  beforeCreate?(object: T, write: WriteContext): T | Promise<T>;
  /** The object as it will replace `old`. Not called for subresources that bring their own `merge`. */
  beforeUpdate?(object: T, old: T, write: WriteContext): T | Promise<T>;
  /** What must change before a deletion that is not refused; the same object when nothing. Runs with deletionTimestamp already set. */
  beforeDelete?(object: T, write: WriteContext): T | Promise<T>;
  /** True while the object must stay although it has neither finalizers nor grace left (Namespaces with spec.finalizers). */
  holdsDeletion?(object: T): boolean;
  /** Keys this object alone may hold, such as "serviceips/10.96.0.10": taken and given back in the very transaction that writes the object. */
  claims?(object: T): readonly string[];
  /** The write failed because another object holds `claim`. Throw StatusError, or return to have the whole write retried. */
  claimTaken?(claim: string, object: T, write: WriteContext): void;
  /** After the object was stored. `old` is undefined after a create, `object` after a deletion. Must not throw. */
  stored?(object: T | undefined, old: T | undefined): void;
}

export interface WriteContext {
  readonly user: User;
  readonly dryRun: boolean;
  /** Whether the object is being created, replaced or deleted, and through which subresource ("" for the object itself). */
  readonly operation: "create" | "update" | "delete";
  readonly subresource: string;
  readonly world: World;
  readonly registry: Registry;
  /** The object as the caller sent it, before anything was filled in. */
  readonly sent: KubernetesObject | undefined;
  warn(message: string): void;
}

export type SubresourceVerb = "get" | "create" | "update" | "patch" | "delete";

export type Subresource<T extends KubernetesObject = KubernetesObject> = PartSubresource<T> | CustomSubresource;

/** Part of the object under a name of its own: GET answers the whole object, PUT and PATCH change only what `merge` lets through. */
export interface PartSubresource<T extends KubernetesObject = KubernetesObject> {
  readonly type: "part";
  /** Default get, update, patch. */
  readonly verbs?: readonly ("get" | "update" | "patch")[];
  /** `current` with what this subresource may change taken from `sent`. */
  merge(current: T, sent: T, write: WriteContext): T | Promise<T>;
}

/** Anything else: takes and answers what it likes. */
export interface CustomSubresource {
  readonly type: "custom";
  readonly verbs: readonly SubresourceVerb[];
  /** What discovery says of it: the kind it takes ("" as group: core). Absent: the resource's own. */
  readonly takes?: { readonly group: string; readonly version: string; readonly kind: string };
  /** Verbs it may also be reached by with any HTTP method and any path behind it (proxy). */
  readonly anyMethod?: boolean;
  /** Exec, attach, port-forward, proxy, following logs: no time-out, not counted as in flight. */
  readonly longRunning?: boolean | ((request: ApiRequest) => boolean);
  /** Whether another server answers, which is not to go on once nobody waits for it. */
  readonly relayed?: boolean;
  handle(call: Call): Promise<Answer>;
}

/** One request on its way through a handler: already authenticated, authorised and counted. */
export interface Call {
  readonly request: ApiRequest;
  readonly resource: Resource;
  readonly registry: Registry;
  readonly world: World;
  /** What follows the subresource in the path, with its slash: "/a/b" of ".../pods/x/proxy/a/b". */
  readonly rest: string;
  readonly dryRun: boolean;
  /** The body as an object of `kind`: decoded from whatever it came as, checked (fieldValidation), defaulted. Rejects with StatusError. */
  read<R extends KubernetesObject>(kind: Kind<R>): Promise<R>;
  /** Mutating, then validating admission for this call. */
  admit<R extends KubernetesObject>(operation: AdmissionOperation, object: R | undefined, old?: KubernetesObject): Promise<R | undefined>;
}

export type Answer =
  /** An object, sent in the form the client asked for. Status 200, or 201 where the verb is create, unless said otherwise. */
  | { readonly object: Readonly<Record<string, unknown>>; readonly kind?: Kind; readonly status?: number }
  /** Anything: text, streams, upgrades. */
  | { readonly response: HttpResponse };

/** Reads and writes of all kinds from inside the API server: no authentication, authorisation or admission. Serves handlers, admission, start-up tasks. */
export interface Registry {
  readonly kinds: Kinds;
  readonly world: World;
  of<T extends KubernetesObject>(kind: Kind<T>): Rest<T>;
}

export interface InternalWriteOptions {
  readonly dryRun?: boolean;
  /** "kube-apiserver" when absent. */
  readonly fieldManager?: string;
  /** For hooks; system:apiserver when absent. */
  readonly user?: User;
}

/** `namespace` is "" for objects outside namespaces. All calls reject with StatusError in upstream's words. */
export interface Rest<T extends KubernetesObject> {
  /** The newest. */
  get(namespace: string, name: string): Promise<T>;
  /** As the cache has it now, without waiting for what is being written: undefined when absent. */
  peek(namespace: string, name: string): Promise<T | undefined>;
  /** All that the cache has now, of one namespace or of all (""), without waiting. */
  peekList(namespace: string): Promise<readonly T[]>;
  /** Of one namespace, or of all ("" ). At least as new as every write that was acknowledged before. */
  list(namespace: string): Promise<{ readonly items: readonly T[]; readonly resourceVersion: string }>;
  create(object: Draft<T>, options?: InternalWriteOptions): Promise<T>;
  /** Reads, changes, writes; again on conflict. Returning the same object writes nothing. `subresource` "status" resets nothing but counts no generation. */
  update(
    namespace: string,
    name: string,
    change: (current: T) => T | Promise<T>,
    options?: InternalWriteOptions & { readonly subresource?: string },
  ): Promise<T>;
  /** With the kind's grace and finalizers, as a client's DELETE. True when it is gone at once. */
  delete(
    namespace: string,
    name: string,
    options?: InternalWriteOptions & { readonly gracePeriodSeconds?: number; readonly uid?: string; readonly resourceVersion?: string },
  ): Promise<boolean>;
}

export function resourcePart<T extends KubernetesObject>(part: ResourcePart<T>): ResourcePart {
  return part as unknown as ResourcePart;
}

/** The verbs a resource answers, for discovery and routing. */
export function verbsOf(resource: Resource): readonly Verb[] {
  return resource.create ? ["create"] : resource.kind.verbs;
}
