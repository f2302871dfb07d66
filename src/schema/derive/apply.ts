// Server-side apply: a manager says what it wants, and owns just that. What it no longer says goes, unless somebody else owns it;
// what others own and it wants otherwise is a conflict.
import { writePlainJson } from "#wire/json/json.ts";
import type { Json, JsonObject } from "../field.ts";
import type { Kind } from "../kind.ts";
import type { ManagedFieldsEntry } from "../object-meta.ts";
import { appliedFields } from "./applied-fields.ts";
import { type KeyedPlan, keyOf, memberOf, type Plan, planOf, valueKey } from "./field-plan.ts";
import { difference, emptySet, type FieldSet, intersection, isEmptySet, member, pathText, paths, sameSet, union } from "./field-set.ts";
import { isList, isObject, type MutableJson, ownValue, sameJson, setOwn, without } from "./json-objects.ts";
import { normalise } from "./normalise.ts";
import {
  identityOf,
  lose,
  type Manager,
  mergeOldest,
  newManager,
  readManagers,
  rootOf,
  timeText,
  tracked,
  type WriteContext,
  writeManagers,
} from "./managed-fields.ts";
import { removedFields, touchedFields } from "./object-fields.ts";

export interface ApplyContext extends WriteContext {
  readonly force?: boolean;
}

export type ApplyOutcome =
  /** `object` is decoded, without defaults, with its managedFields; it is `live` itself when nothing changes. */
  | { readonly object: JsonObject; readonly managedFields: readonly ManagedFieldsEntry[]; readonly conflicts?: undefined }
  | { readonly conflicts: readonly Conflict[] };

/** What one other manager owns and the applied configuration would change. */
export interface Conflict {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: string | undefined;
  /** Paths such as `.spec.replicas`. */
  readonly fields: readonly string[];
}

/** A configuration that does not fit the declaration; message and code are upstream's. */
export class ApplyError extends Error {
  override readonly name = "ApplyError";
  readonly code: 400 | 500;
  constructor(code: 400 | 500, message: string) {
    super(message);
    this.code = code;
  }
}

/** Applies a configuration to the live object, or to nothing. Throws ApplyError, and DecodeError where a value has the wrong type. */
export function apply(kind: Kind, live: unknown, applied: Json, context: ApplyContext): ApplyOutcome {
  const { manager, force = false, subresource = "", now } = context;
  const root = rootOf(kind.message, subresource, kind.subresources?.status === true);
  const plan = planOf(kind.message);
  const wanted = checked(kind, applied);
  const said = tracked(root, fieldsOf(kind, plan, wanted));
  const configuration = withoutUntracked(root.plan, wanted);

  const before = live as JsonObject | undefined;
  const known = managersOf(
    before,
    root,
    newManager({ manager: "before-first-apply", operation: "Update", apiVersion: kind.apiVersion, subresource }),
    now,
  );
  const own: Manager = { ...newManager({ manager, operation: "Apply", apiVersion: kind.apiVersion, subresource }), set: said };
  const last = known.find((other) => identityOf(other) === identityOf(own));
  const others = known.filter((other) => other !== last);

  const base = before && withoutManagedFields(before);
  const merged = base === undefined ? configuration : (merge(plan, base, configuration) as JsonObject);
  const owned = others.reduce((set, other) => union(set, other.set), said);
  const pruned = last ? (prune(plan, merged, last.set, owned) as JsonObject) : merged;
  const decoded = normalise<unknown>(kind.message, { ...pruned, apiVersion: kind.apiVersion, kind: kind.name }).value as JsonObject;
  const object = manager === "kubectl" ? withLastApplied(decoded, wanted) : decoded;

  const touched = touchedFields(root.plan, base ?? root.empty, decoded) ?? emptySet;
  const removed = removedFields(root.plan, base ?? root.empty, decoded) ?? emptySet;
  const conflicts = force ? [] : conflictsWith(others, touched, before, kind);
  if (conflicts.length > 0 && !allowedByLastApplied(kind, plan, manager, before, others, touched)) return { conflicts };

  const changed = base === undefined || !sameJson(base, object);
  const sameSaid = last !== undefined && sameSet(last.set, said);
  if (!changed && sameSaid && last.apiVersion === own.apiVersion) return { object: before as JsonObject, managedFields: entriesOf(before) };
  const mine = isEmptySet(said) ? [] : [{ ...own, time: timeText(now) }];
  const managedFields = writeManagers(mergeOldest([...lose(others, touched, removed, own), ...mine]));
  const metadata = { ...(object["metadata"] as JsonObject), managedFields: managedFields as unknown as Json };
  return { object: { ...object, metadata }, managedFields };
}

/** The Status message of conflicts, word for word upstream's. */
export function conflictMessage(conflicts: readonly Conflict[]): string {
  const count = conflicts.reduce((sum, { fields }) => sum + fields.length, 0);
  if (count === 1) {
    const only = conflicts[0] as Conflict;
    return `Apply failed with 1 conflict: conflict with ${managerText(only)}: ${only.fields[0]}`;
  }
  const lines = conflicts.flatMap((conflict) => [
    `conflicts with ${managerText(conflict)}:`,
    ...conflict.fields.map((field) => `- ${field}`),
  ]);
  return `Apply failed with ${count} conflicts: ${lines.join("\n")}`;
}

/** The causes in the details of the Status of conflicts. */
export function conflictCauses(
  conflicts: readonly Conflict[],
): readonly { readonly reason: string; readonly message: string; readonly field: string }[] {
  return conflicts.flatMap((conflict) =>
    conflict.fields.map((field) => ({ reason: "FieldManagerConflict", message: `conflict with ${managerText(conflict)}`, field })),
  );
}

function managerText({ manager, operation, apiVersion, subresource }: Conflict): string {
  const name = `${JSON.stringify(manager)}${subresource === "" ? "" : ` with subresource ${JSON.stringify(subresource)}`}`;
  return operation === "Update" ? `${name} using ${apiVersion}` : name;
}

function checked(kind: Kind, applied: Json): JsonObject {
  if (!isObject(applied)) throw new ApplyError(400, "error decoding YAML: an applied configuration is an object");
  const metadata = applied["metadata"];
  if (isObject(metadata) && metadata["managedFields"] !== undefined && metadata["managedFields"] !== null) {
    throw new ApplyError(400, "metadata.managedFields must be nil");
  }
  const { apiVersion, kind: name } = applied;
  if (apiVersion !== undefined && apiVersion !== kind.apiVersion) {
    const versions = `Specified patch version: ${String(apiVersion)}, expected: ${kind.apiVersion}`;
    throw new ApplyError(400, `Incorrect version specified in apply patch. ${versions}`);
  }
  if (name !== undefined && name !== kind.name)
    throw new ApplyError(400, `the configuration is a ${String(name)}, the request is for a ${kind.name}`);
  return applied;
}

function fieldsOf(kind: Kind, plan: Plan, applied: JsonObject): FieldSet {
  const problems: string[] = [];
  const set = appliedFields(plan, applied, problems) ?? emptySet;
  if (problems.length === 0) return set;
  const { namespace = "", name = "" } = (isObject(applied["metadata"]) ? applied["metadata"] : {}) as { namespace?: string; name?: string };
  const version = kind.group === "" ? `/${kind.version}` : kind.apiVersion;
  const detail =
    problems.length === 1
      ? problems[0]
      : `errors:\n${problems
          .slice(0, 50)
          .map((problem) => `  ${problem}`)
          .join("\n")}`;
  throw new ApplyError(500, `failed to create typed patch object (${namespace}/${name}; ${version}, Kind=${kind.name}): ${detail}`);
}

/** Without the parts that this door cannot change, such as status through the object itself. */
function withoutUntracked(plan: Plan, applied: JsonObject): JsonObject {
  const isTracked = (name: string) => plan.kind === "struct" && memberOf(plan, name) !== undefined;
  return without(applied, ...Object.keys(applied).filter((name) => name !== "apiVersion" && name !== "kind" && !isTracked(name)));
}

function withoutManagedFields(object: JsonObject): JsonObject {
  return { ...object, metadata: without(object["metadata"] as JsonObject, "managedFields") };
}

function entriesOf(object: JsonObject | undefined): readonly ManagedFieldsEntry[] {
  return ((object?.["metadata"] as JsonObject | undefined)?.["managedFields"] ?? []) as unknown as readonly ManagedFieldsEntry[];
}

/** Who manages the live object; an object nobody tracked belongs, as it stands, to "before-first-apply". */
function managersOf(live: JsonObject | undefined, root: ReturnType<typeof rootOf>, first: Manager, now: number): readonly Manager[] {
  const managers = readManagers(entriesOf(live)) ?? [];
  if (live === undefined || managers.length > 0) return managers;
  const set = touchedFields(root.plan, root.empty, live) ?? emptySet;
  return isEmptySet(set) ? [] : [{ ...first, set, time: timeText(now) }];
}

function conflictsWith(others: readonly Manager[], touched: FieldSet, live: JsonObject | undefined, kind: Kind): readonly Conflict[] {
  if (live === undefined || isEmptySet(touched)) return [];
  const sorted = [...others].sort((a, b) => (identityText(a) < identityText(b) ? -1 : 1));
  return sorted.flatMap(({ set, manager, operation, apiVersion, subresource, time }) => {
    const contested = intersection(set, touched);
    if (isEmptySet(contested)) return [];
    return [{ manager, operation, apiVersion: apiVersion || kind.apiVersion, subresource, time, fields: paths(contested).map(pathText) }];
  });
}

function identityText({ manager, operation, apiVersion, subresource }: Manager): string {
  return JSON.stringify({ manager, operation, apiVersion, subresource });
}

const lastAppliedAnnotation = "kubectl.kubernetes.io/last-applied-configuration";

/** kubectl takes over, without force, what it had itself applied from the client's side: fields of the annotation that still have the value it says. */
function allowedByLastApplied(
  kind: Kind,
  plan: Plan,
  manager: string,
  live: JsonObject | undefined,
  others: readonly Manager[],
  touched: FieldSet,
): boolean {
  if (manager !== "kubectl" || live === undefined) return false;
  const annotations = (live["metadata"] as JsonObject)["annotations"];
  const text = isObject(annotations) ? ownValue(annotations, lastAppliedAnnotation) : undefined;
  if (typeof text !== "string") return false;
  try {
    const configuration = JSON.parse(text) as Json;
    const said = appliedFields(plan, configuration, []) ?? emptySet;
    const decoded = normalise<unknown>(kind.message, configuration).value as JsonObject;
    const differing = union(touchedFields(plan, decoded, live) ?? emptySet, removedFields(plan, decoded, live) ?? emptySet);
    const allowed = difference(said, differing);
    return others.every(({ set }) => isEmptySet(difference(intersection(set, touched), allowed)));
  } catch {
    return false;
  }
}

/** kubectl keeps the annotation of its own client-side apply in step, so that either way of applying can follow the other. */
function withLastApplied(object: JsonObject, configuration: JsonObject): JsonObject {
  const metadata = object["metadata"] as JsonObject;
  const { annotations } = metadata;
  if (!isObject(annotations) || !Object.hasOwn(annotations, lastAppliedAnnotation)) return object;
  const own = isObject(configuration["metadata"]) ? configuration["metadata"] : {};
  const others = isObject(own["annotations"]) ? { annotations: without(own["annotations"], lastAppliedAnnotation) } : {};
  const text = `${writePlainJson(inKeyOrder({ ...configuration, metadata: { ...own, ...others } }))}\n`;
  return { ...object, metadata: { ...metadata, annotations: { ...annotations, [lastAppliedAnnotation]: text } } };
}

function inKeyOrder(value: Json): Json {
  if (isList(value)) return value.map(inKeyOrder);
  if (!isObject(value)) return value;
  const sorted: MutableJson = {};
  for (const key of Object.keys(value).sort()) setOwn(sorted, key, inKeyOrder(value[key] as Json));
  return sorted;
}

/** The live value with the configuration's in it: leaves are replaced, items of lists merge by identity. */
function merge(plan: Plan, live: Json, applied: Json): Json {
  switch (plan.kind) {
    case "leaf":
      return applied;
    case "struct":
    case "map":
    case "free": {
      if (!isObject(live) || !isObject(applied)) return applied;
      const merged: MutableJson = { ...live };
      for (const name of Object.keys(applied)) {
        const inner = plan.kind === "struct" ? memberOf(plan, name)?.plan : plan.kind === "map" ? plan.item : plan;
        const before = ownValue(live, name);
        const value = applied[name] as Json;
        setOwn(merged, name, inner && before !== undefined ? merge(inner, before, value) : value);
      }
      return merged;
    }
    case "set":
      return isList(live) && isList(applied) ? mergeItems(live, applied, valueKey, (_, item) => item) : applied;
    case "keyed":
      if (!isList(live) || !isList(applied)) return applied;
      return mergeItems(
        live,
        applied,
        (item) => keyOf(plan, item as JsonObject),
        (before, item) => withKeys(plan, merge(plan.item, before, item) as JsonObject, before as JsonObject),
      );
  }
}

/** An item keeps the keys it was found by, though the configuration left a defaulted one out. */
function withKeys(plan: KeyedPlan, item: JsonObject, before: JsonObject): JsonObject {
  const missing = plan.keys.filter(({ name }) => item[name] === undefined && before[name] !== undefined);
  return missing.length === 0 ? item : { ...item, ...Object.fromEntries(missing.map(({ name }) => [name, before[name] as Json])) };
}

/** Both lists' items, each once. The configuration's order holds; items only the live list has keep their places between the common ones. */
function mergeItems(
  live: readonly Json[],
  applied: readonly Json[],
  key: (item: Json) => string,
  combine: (before: Json, item: Json) => Json,
): readonly Json[] {
  const wanted = new Map(applied.map((item) => [key(item), item]));
  const present = new Map(live.map((item) => [key(item), item]));
  const common = [...wanted.keys()].filter((name) => present.has(name));
  const liveKeys = live.map(key);
  const merged: Json[] = [];
  const done = new Set<string>();
  let at = 0;
  let nextCommon = 0;
  for (const [name, item] of wanted) {
    for (; at < live.length; at++) {
      const here = liveKeys[at] as string;
      if (!wanted.has(here)) merged.push(live[at] as Json);
      else if (here === name || (!done.has(here) && here === common[nextCommon])) break;
    }
    const before = present.get(name);
    merged.push(before === undefined ? item : combine(before, item));
    done.add(name);
    if (liveKeys[at] === name) at++;
    if (name === common[nextCommon]) nextCommon++;
  }
  for (; at < live.length; at++) if (!wanted.has(liveKeys[at] as string)) merged.push(live[at] as Json);
  return merged;
}

/** The value without what the manager said last time and nobody owns now. */
function prune(plan: Plan, value: Json, last: FieldSet, owned: FieldSet): Json {
  switch (plan.kind) {
    case "leaf":
      return value;
    case "struct":
    case "map":
    case "free": {
      if (!isObject(value)) return value;
      const kept: MutableJson = {};
      for (const name of Object.keys(value)) {
        const inner = plan.kind === "struct" ? memberOf(plan, name)?.plan : plan.kind === "map" ? plan.item : plan;
        const item = inner
          ? prunedItem(inner, value[name] as Json, `f:${name}`, last, owned, plan.kind === "struct")
          : (value[name] as Json);
        if (item !== undefined) setOwn(kept, name, item);
      }
      return kept;
    }
    case "set":
      return isList(value) ? value.filter((item) => !(valueKey(item) in last) || valueKey(item) in owned) : value;
    case "keyed":
      if (!isList(value)) return value;
      return value.flatMap((item) => {
        const kept = prunedItem(plan.item, item, keyOf(plan, item as JsonObject), last, owned, false);
        return kept === undefined ? [] : [kept];
      });
  }
}

/** A declared field is owned with anything below it; an item of a list or map only as such. */
function prunedItem(plan: Plan, value: Json, key: string, last: FieldSet, owned: FieldSet, declared: boolean): Json | undefined {
  const was = last[key] as FieldSet | undefined;
  if (was === undefined) return value;
  const now = owned[key] as FieldSet | undefined;
  if (key === "f:metadata") return prune(plan, value, was, now ?? member);
  const isSaid = (node: FieldSet) => declared || isEmptySet(node) || "." in node;
  if (isSaid(was) && (now === undefined || !isSaid(now))) return undefined;
  return prune(plan, value, was, now ?? member);
}
