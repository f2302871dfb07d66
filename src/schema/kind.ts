// A kind is declared once: what it is called, where it lives, what it holds, and what is special about it.
import { type JsonObject, one } from "./field.ts";
import { type Fields, type Flatten, type Infer, type Message, message, type Type } from "./message.ts";
import { ObjectMeta } from "./object-meta.ts";

/** The metadata of an object that the server has accepted: what it always fills in is there. */
export interface AcceptedMeta extends Omit<ObjectMeta, "name" | "uid" | "resourceVersion" | "creationTimestamp"> {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  readonly creationTimestamp: string;
}

/** What every decoded object has. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: AcceptedMeta;
}

export type Verb = "get" | "list" | "watch" | "create" | "update" | "patch" | "delete" | "deletecollection";
export const allVerbs: readonly Verb[] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

export type FieldErrorType =
  | "Required"
  | "Invalid"
  | "NotSupported"
  | "Forbidden"
  | "Duplicate"
  | "TooLong"
  | "TooMany"
  | "TypeInvalid"
  | "NotFound"
  | "InternalError";

/** One thing wrong with one field; `field` is a path such as "spec.containers[0].name". */
export interface FieldError {
  readonly type: FieldErrorType;
  readonly field: string;
  readonly value?: unknown;
  readonly detail: string;
}

export type Cell = string | number | boolean | null;

export interface Column<T> {
  /** As tables print it, such as "Ready". */
  readonly name: string;
  readonly type?: "string" | "integer" | "number" | "boolean" | "date";
  readonly format?: string;
  readonly doc?: string;
  /** 0 is always shown, 1 with `-o wide`. */
  readonly priority?: number;
  read(object: T, context: { readonly now: number }): Cell;
}

export interface ScaleMapping {
  /** Paths within the object. */
  readonly replicas: string;
  readonly current: string;
  /** A label selector's path, as an object (workloads) or text (custom resources). */
  readonly selector?: string;
}

/** What the declaration of a kind may say. `T` is the kind's decoded shape. */
export interface KindOptions<T> {
  /** "" for the core group. */
  readonly group: string;
  readonly version: string;
  readonly name: string;
  readonly plural: string;
  readonly singular?: string;
  readonly shortNames?: readonly string[];
  readonly categories?: readonly string[];
  readonly scope: "namespaced" | "cluster";
  /** All by default. Reviews have "create" only. */
  readonly verbs?: readonly Verb[];
  readonly subresources?: { readonly status?: boolean; readonly scale?: ScaleMapping };
  readonly columns?: readonly Column<T>[];
  /** Fields that field selectors may name, besides metadata.name and metadata.namespace. */
  readonly selectable?: Readonly<Record<string, (object: T) => string>>;
  /** Rules for names. Default "dns1123Subdomain". */
  readonly nameFormat?: "dns1123Subdomain" | "dns1123Label" | "dns1035Label" | "path" | "any";
  /** Defaults that depend on other fields; runs after the declared ones. Returns the object itself when nothing is missing. */
  readonly default?: (object: T) => T;
  /** Rules the fields' declarations cannot say. `old` is there on update. `subresource` is "" for the object itself. */
  readonly validate?: (object: T, context: { readonly old?: T; readonly subresource: string }) => readonly FieldError[];
  /** What the server clears or sets before a create or an update, besides resetting status and counting generations. */
  readonly prepare?: (object: T, context: { readonly old?: T; readonly subresource: string }) => T;
  /** Whether a create keeps the status it carries, as when a Node registers. Otherwise it starts empty. */
  readonly keepsStatus?: boolean;
  /** Whether metadata.generation counts spec changes. Default: when the kind has a spec. */
  readonly counted?: boolean;
  /** Default grace on deletion in seconds; undefined deletes at once. */
  readonly graceSeconds?: (object: T) => number | undefined;
  /** "orphan" where deletion leaves dependents alone unless asked. Default "background". */
  readonly dependents?: "background" | "orphan";
  /** Whether update without resourceVersion, and create on update, are allowed. */
  readonly allowUnconditionalUpdate?: boolean;
  readonly allowCreateOnUpdate?: boolean;
  /** Where several versions share one storage: the stored kind, and how to get there and back. */
  readonly storage?: () => { readonly kind: Kind; readonly to: (object: T) => unknown; readonly from: (stored: never) => T };
  /** The declaration may have changed since an object was stored: what comes from the store is read by the one that holds now. */
  readonly readAnew?: boolean;
  /** Versions that are no longer served, of the same fields, as which older servers have stored objects. */
  readonly formerVersions?: readonly string[];
  /** The same, of other fields: how an object is said today. */
  readonly former?: () => readonly { readonly kind: Kind; readonly today: (stored: never) => T }[];
  /** What is wrong with JSON that the message cannot hold, where the declaration says it better than whoever reads messages. */
  readonly mistakes?: (plain: JsonObject) => readonly FieldError[];
  /** The JSON schema to publish instead of one derived from the message: what a CustomResourceDefinition said. */
  readonly openapiSchema?: JsonObject;
  /** What every answer about this version warns of, when it should no longer be used. */
  readonly deprecated?: string;
  readonly doc?: string;
}

/** A kind at run time: what a declaration, or a CustomResourceDefinition, makes. `T` is its decoded shape. */
export interface Kind<out T extends KubernetesObject = KubernetesObject> extends KindOptions<never> {
  readonly singular: string;
  readonly listName: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  readonly verbs: readonly Verb[];
  readonly selectable: Readonly<Record<string, (object: never) => string>>;
  /** "v1" or "apps/v1". */
  readonly apiVersion: string;
  readonly message: Type<T>;
}

type SpecOf<S> = S extends Type<infer T> ? { readonly spec: T } : {};
type StatusOf<S> = S extends Type<infer T> ? { readonly status: T } : {};

/** The decoded shape of an object with this spec, this status and these fields beside them. */
export type ObjectOf<S, St, F extends Fields> = Flatten<KubernetesObject & SpecOf<S> & StatusOf<St> & Infer<{ readonly fields: F }>>;

interface Parts<S, St, F> {
  readonly spec?: S & Type<unknown>;
  readonly status?: St & Type<unknown>;
  /** Fields beside metadata, for kinds without a spec, or with more than spec and status. */
  readonly fields?: F;
  /** The OpenAPI definition's name; derived from group and version when absent. */
  readonly openapi?: string;
}

/**
 * Declares a kind. The object's type is inferred: `export interface Lease extends ObjectType<typeof Lease> {}`.
 */
export function kind<S = undefined, St = undefined, const F extends Fields = {}>(
  parts: Parts<S, St, F> & KindOptions<ObjectOf<S, St, F>>,
): Kind<ObjectOf<S, St, F>> {
  const { spec, status, fields, openapi, ...options } = parts;
  const all: Fields = {
    metadata: one(1, (): Type<ObjectMeta> => ObjectMeta, { doc: "Standard object metadata." }),
    ...(spec && { spec: one(2, () => spec as Type<unknown>, { doc: "What should be." }) }),
    ...(status && { status: one(3, () => status as Type<unknown>, { doc: "What was last observed; written by the system." }) }),
    ...fields,
  };
  return kindOf(options as unknown as KindOptions<never>, message(options.name, all, { openapi: openapi ?? openapiName(options) }));
}

/** Makes a kind of a message that is already there: the run-time way, for custom resources. */
export function kindOf<T extends KubernetesObject>(options: KindOptions<never>, objectMessage: Message<Fields>): Kind<T> {
  return {
    counted: "spec" in objectMessage.fields,
    dependents: "background",
    ...options,
    singular: options.singular ?? options.name.toLowerCase(),
    listName: `${options.name}List`,
    shortNames: options.shortNames ?? [],
    categories: options.categories ?? [],
    verbs: options.verbs ?? allVerbs,
    selectable: options.selectable ?? {},
    apiVersion: options.group === "" ? options.version : `${options.group}/${options.version}`,
    message: { ...objectMessage, options: { ...objectMessage.options, typed: true } } as unknown as Type<T>,
  };
}

export type ObjectType<K> = K extends Kind<infer T> ? T : never;

function openapiName({ group, version, name }: { group: string; version: string; name: string }): string {
  if (group === "" || !group.includes(".")) return `io.k8s.api.${group === "" ? "core" : group}.${version}.${name}`;
  return `io.k8s.api.${group.split(".")[0]}.${version}.${name}`;
}
