// Who manages which fields of an object: kept on every write in metadata.managedFields.
import type { JsonObject, Time } from "../field.ts";
import type { Kind } from "../kind.ts";
import type { Type } from "../message.ts";
import type { ManagedFieldsEntry } from "../object-meta.ts";
import { createdFields } from "./created-fields.ts";
import { adjusted, emptyOf, memberOf, type Plan, planOf, type StructPlan } from "./field-plan.ts";
import { difference, emptySet, type FieldSet, isEmptySet, readFieldsV1, sameSet, union } from "./field-set.ts";
import { isObject, sameJson } from "./json-objects.ts";
import { removedFields, touchedFields } from "./object-fields.ts";

export interface WriteContext {
  /** As the request names it, or from its user agent; empty becomes "unknown". */
  readonly manager: string;
  /** "" or absent for the object itself. */
  readonly subresource?: string;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/**
 * The managedFields of an object after a create or an update. What changed belongs to this manager and to nobody else; what is gone belongs to nobody.
 * `object` carries the managedFields its writer sent: none, an echo, an explicit change, or the reset `[{}]`.
 */
export function updateManagedFields(
  kind: Kind,
  old: unknown,
  object: unknown,
  { manager, subresource = "", now }: WriteContext,
): readonly ManagedFieldsEntry[] {
  const root = rootOf(kind.message, subresource, kind.subresources?.status === true);
  const stored = entriesOf(old as JsonObject | undefined);
  const sent = subresource === "" ? sentManagers(stored, entriesOf(object as JsonObject)) : undefined;
  const managers = sent ?? readManagers(stored) ?? [];
  if (old !== undefined && managers.length === 0) return [];
  const before = old === undefined ? root.empty : (old as JsonObject);
  const touched =
    old === undefined
      ? createdFields(root.plan, before, object as JsonObject)
      : (touchedFields(root.plan, before, object as JsonObject) ?? emptySet);
  const removed = removedFields(root.plan, before, object as JsonObject) ?? emptySet;
  const own = newManager({ manager, operation: "Update", apiVersion: kind.apiVersion, subresource });
  const settled = withSet(lose(managers, touched, removed, own), own, (set) => difference(union(set, touched), removed), now);
  if (settled === managers && sent === undefined && stored !== undefined) return stored;
  return writeManagers(settled === managers ? managers : mergeOldest(settled));
}

/** The default manager of a request: its user agent up to the first slash, printable, at most 128 bytes. */
export function managerFromUserAgent(userAgent: string): string {
  let name = "";
  let bytes = 0;
  for (const character of userAgent.split("/", 1)[0] ?? "") {
    if (!/[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(character)) continue;
    const code = character.codePointAt(0) as number;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    if (bytes > maxManagerBytes) break;
    name += character;
  }
  return name;
}
const maxManagerBytes = 128;

/** The new managedFields, or the old ones where only times differ, so that a write that changes nothing stays one. */
export function keepTimes(
  old: readonly ManagedFieldsEntry[] | undefined,
  next: readonly ManagedFieldsEntry[],
): readonly ManagedFieldsEntry[] {
  if (old === undefined || old.length !== next.length) return next;
  const entries = new Map(old.map((entry) => [identityOf(entry), entry]));
  const same = next.every((entry) => {
    const before = entries.get(identityOf(entry));
    return (
      before !== undefined && before.apiVersion === entry.apiVersion && sameSet(before.fieldsV1 ?? emptySet, entry.fieldsV1 ?? emptySet)
    );
  });
  return same ? old : next;
}

/** One entry of managedFields while it is worked on. */
export interface Manager {
  readonly manager: string;
  readonly operation: "Apply" | "Update";
  readonly apiVersion: string;
  readonly subresource: string;
  readonly time: Time | undefined;
  readonly set: FieldSet;
}

export function newManager({ manager, ...rest }: Omit<Manager, "set" | "time">): Manager {
  return { manager: manager === "" ? "unknown" : manager, ...rest, time: undefined, set: emptySet };
}

/** Appliers are the same whatever version they apply in. */
export function identityOf({ manager, operation, apiVersion, subresource }: Partial<Manager> | ManagedFieldsEntry): string {
  return [manager, operation, operation === "Apply" ? "" : apiVersion, subresource ?? ""].join("\n");
}

export interface Root {
  readonly plan: StructPlan;
  readonly empty: JsonObject;
}
const roots = new WeakMap<Type<unknown>, Map<string, Root>>();

/** How a whole object is tracked through the object itself or a subresource: without what the server sets, and without what that door cannot change. */
export function rootOf(type: Type<unknown>, subresource: string, hasStatus: boolean): Root {
  let perDoor = roots.get(type);
  if (!perDoor) roots.set(type, (perDoor = new Map()));
  const door = !hasStatus ? "whole" : subresource === "status" ? "status" : "all but status";
  let root = perDoor.get(door);
  if (!root) {
    const plan = adjusted(structPlan(planOf(type)), (name) => {
      if (name === "metadata") return trackedMetadata(type);
      if (door === "whole") return undefined;
      return (name === "status") === (door === "status") ? undefined : "leave out";
    });
    perDoor.set(door, (root = { plan, empty: emptyOf(plan) }));
  }
  return root;
}

const neverOwned = [
  "name",
  "namespace",
  "creationTimestamp",
  "selfLink",
  "uid",
  "clusterName",
  "generation",
  "managedFields",
  "resourceVersion",
];

function trackedMetadata(type: Type<unknown>): Plan | undefined {
  const metadata = structPlan(planOf(type)).fields.get("metadata")?.plan();
  return metadata && adjusted(structPlan(metadata), (name) => (neverOwned.includes(name) ? "leave out" : undefined));
}

/** The part of a set that the plan of a whole object tracks. */
export function tracked({ plan }: Root, set: FieldSet): FieldSet {
  const known = (part: StructPlan, node: FieldSet) =>
    Object.fromEntries(Object.entries(node).filter(([path]) => path === "." || memberOf(part, path.slice(2)) !== undefined)) as FieldSet;
  const top = known(plan, set);
  const metadata = plan.fields.get("metadata")?.plan();
  if (!("f:metadata" in top) || metadata?.kind !== "struct") return top;
  const { "f:metadata": inner, ...rest } = top;
  const kept = known(metadata, inner as FieldSet);
  return isEmptySet(kept) ? rest : { "f:metadata": kept, ...rest };
}

function structPlan(plan: Plan): StructPlan {
  return plan.kind === "struct" ? plan : { kind: "struct", fields: new Map() };
}

/** The managers a client sent, where it says something of its own that can be understood; none at all when it asks for a reset. */
function sentManagers(
  stored: readonly ManagedFieldsEntry[] | undefined,
  sent: readonly ManagedFieldsEntry[] | undefined,
): readonly Manager[] | undefined {
  if (sent === undefined || sent.length === 0 || sameJson(sent, stored)) return undefined;
  if (sent.length === 1 && Object.values(sent[0] as object).every((value) => value === undefined)) return [];
  return readManagers(sent, true);
}

function entriesOf(object: JsonObject | undefined): readonly ManagedFieldsEntry[] | undefined {
  const metadata = object?.["metadata"];
  return isObject(metadata) ? (metadata["managedFields"] as unknown as readonly ManagedFieldsEntry[] | undefined) : undefined;
}

/** Entries as managers; undefined when one of them cannot be understood. Entries from a client are read with distrust. */
export function readManagers(entries: readonly ManagedFieldsEntry[] | undefined, fromClient = false): readonly Manager[] | undefined {
  const managers: Manager[] = [];
  for (const { manager = "", operation, apiVersion = "", subresource = "", time, fieldsType, fieldsV1 = emptySet } of entries ?? []) {
    const set = fromClient ? readFieldsV1(fieldsV1) : fieldsV1;
    if (set === undefined || fieldsType !== "FieldsV1" || (operation !== "Apply" && operation !== "Update")) return undefined;
    managers.push({ manager, operation, apiVersion, subresource, time, set });
  }
  return managers;
}

/** Managers as entries, in upstream's order. */
export function writeManagers(managers: readonly Manager[]): readonly ManagedFieldsEntry[] {
  const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  const sorted =
    managers.length < 2
      ? managers
      : [...managers].sort(
          (a, b) =>
            compare(a.operation, b.operation) ||
            compare(a.time ?? "", b.time ?? "") ||
            compare(a.manager, b.manager) ||
            compare(a.apiVersion, b.apiVersion) ||
            compare(a.subresource, b.subresource),
        );
  return sorted.map(({ manager, operation, apiVersion, subresource, time, set }) => ({
    manager,
    operation,
    apiVersion,
    ...(time !== undefined && { time }),
    fieldsType: "FieldsV1",
    fieldsV1: set,
    ...(subresource !== "" && { subresource }),
  }));
}

/** What others are left with: what was touched is lost to everybody but `own`, what is gone to everybody. Those left with nothing go. */
export function lose(managers: readonly Manager[], touched: FieldSet, removed: FieldSet, own: Manager): readonly Manager[] {
  if (isEmptySet(touched) && isEmptySet(removed)) return managers;
  const self = identityOf(own);
  return managers.flatMap((manager) => {
    if (identityOf(manager) === self) return [manager];
    const set = difference(difference(manager.set, touched), removed);
    if (set === manager.set) return [manager];
    return isEmptySet(set) ? [] : [{ ...manager, set }];
  });
}

/** The managers with `own`'s set changed; its time is `now` only if the set did change, and it goes when it has nothing. */
export function withSet(managers: readonly Manager[], own: Manager, change: (set: FieldSet) => FieldSet, now: number): readonly Manager[] {
  const self = identityOf(own);
  const known = managers.find((manager) => identityOf(manager) === self);
  const set = change(known?.set ?? emptySet);
  if (known && sameSet(known.set, set)) return managers;
  const others = known ? managers.filter((manager) => manager !== known) : managers;
  return isEmptySet(set) ? others : [...others, { ...own, set, time: timeText(now) }];
}

let lastSecond = Number.NaN;
let lastTime: Time = "";

export function timeText(milliseconds: number): Time {
  const second = Math.floor(milliseconds / 1000);
  if (second !== lastSecond) {
    lastTime = `${new Date(milliseconds).toISOString().slice(0, 19)}Z`;
    lastSecond = second;
  }
  return lastTime;
}

const maxUpdateManagers = 10;
const ancientChanges = "ancient-changes";

/** Keeps at most 10 updaters: the oldest of one version become one entry. */
export function mergeOldest(managers: readonly Manager[]): readonly Manager[] {
  if (managers.length <= maxUpdateManagers) return managers;
  const updaters = managers.filter(({ operation }) => operation === "Update");
  let excess = updaters.length - maxUpdateManagers;
  if (excess <= 0) return managers;
  const oldestFirst = updaters.sort((a, b) => {
    const [left, right] = [a.time ?? "", b.time ?? ""];
    return left < right ? -1 : left > right ? 1 : identityOf(a) < identityOf(b) ? -1 : 1;
  });
  const firstOfVersion = new Map<string, Manager>();
  const bucketOfVersion = new Map<string, Manager>();
  const gone = new Set<Manager>();
  for (const manager of oldestFirst) {
    if (excess === 0) break;
    if (gone.has(manager)) continue;
    const { apiVersion } = manager;
    const first = firstOfVersion.get(apiVersion);
    if (!first) {
      firstOfVersion.set(apiVersion, manager);
      continue;
    }
    const earlier = updaters.find((other) => other.manager === ancientChanges && other.apiVersion === apiVersion);
    const bucket = bucketOfVersion.get(apiVersion) ?? (earlier ? { set: union(first.set, earlier.set) } : first);
    gone.add(first).add(manager);
    if (earlier) gone.add(earlier);
    bucketOfVersion.set(apiVersion, {
      ...newManager({ manager: ancientChanges, operation: "Update", apiVersion, subresource: "" }),
      set: union(bucket.set, manager.set),
      time: manager.time,
    });
    excess--;
  }
  return [...managers.filter((manager) => !gone.has(manager)), ...bucketOfVersion.values()];
}
