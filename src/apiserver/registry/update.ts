// Changing an object: read, change, check, compare and store; again with the newest when someone else was faster.
//
// The cache's record is the first guess. Nothing is refused, and nothing is taken for unchanged, on a guess that turns out to be old.
import { sameJson } from "#schema/derive/json-objects.ts";
import { validate } from "#schema/derive/validation.ts";
import type { KubernetesObject } from "#schema/kind.ts";
import { StatusError } from "#api/meta/status-error.ts";
import { fromStored, StoredRecord, toStored, type View } from "../storage/record.ts";
import { badRequest, conflict, notFound, objectModified } from "./errors.ts";
import { invalid } from "./invalid.ts";
import { metaChangeErrors, metaForUpdate } from "./object-meta.ts";
import type { KindRest } from "./kind-rest.ts";
import type { PartSubresource } from "./resource.ts";
import { type AnyObject, claimsOf, notifyStored, runHooks, unchanged, withManagedFields, type WriteRequest } from "./write-request.ts";

const attemptsMax = 100;

export interface Change {
  /** The object as the caller wants it, from the one that is there. */
  readonly to: (current: KubernetesObject) => KubernetesObject | Promise<KubernetesObject>;
  /** managedFields are already right (server-side apply). */
  readonly keepsManagers?: boolean;
  /** What there is when there is nothing; undefined or absent: NotFound. */
  readonly absent?: () => Promise<View>;
}

export async function updateObject(rest: KindRest, namespace: string, name: string, change: Change, write: WriteRequest): Promise<View> {
  const { storage, resource } = rest;
  const { kind } = resource;
  const key = storage.keyOf(namespace, name);
  let record = await storage.guess(key);
  let sure = false;
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    if (!record) {
      if (!sure) {
        record = await storage.stored(key);
        sure = true;
      }
      if (!record) {
        if (change.absent) return change.absent();
        throw notFound(kind, name);
      }
    }
    let outcome: Attempt;
    try {
      outcome = await attemptUpdate(rest, { namespace, name, key, record, change, write });
    } catch (error) {
      if (sure || !(error instanceof StatusError)) throw error;
      const newest = await storage.stored(key);
      if (newest?.revision === record.revision) throw error;
      record = newest;
      sure = true;
      continue;
    }
    if (outcome.done === "changed") return outcome.view;
    if (outcome.done === "conflict") {
      record = outcome.current;
      sure = true;
      continue;
    }
    if (outcome.done === "claim") continue;
    // Nothing to change: true only of the newest.
    const newest = sure ? record : await storage.stored(key);
    if (newest?.revision === record.revision) return record.as(kind);
    record = newest;
    sure = true;
  }
  throw conflict(kind, name, objectModified);
}

type Attempt =
  | { readonly done: "changed"; readonly view: View }
  | { readonly done: "unchanged" }
  | { readonly done: "claim" }
  | { readonly done: "conflict"; readonly current: StoredRecord | undefined };

interface Trial {
  readonly namespace: string;
  readonly name: string;
  readonly key: string;
  readonly record: StoredRecord;
  readonly change: Change;
  readonly write: WriteRequest;
}

async function attemptUpdate(rest: KindRest, { namespace, name, key, record, change, write }: Trial): Promise<Attempt> {
  const { resource, storage, world } = rest;
  const { kind } = resource;
  const current = fromStored(kind, record.object) as AnyObject;
  const sent = (await change.to(current)) as AnyObject;
  if (sent === current) return { done: "unchanged" };
  checkIdentity(rest, current, sent, name);
  const context = rest.contextOf("update", sent, write);
  let object = metaForUpdate(current, sent);
  const part = write.subresource === "" ? undefined : (resource.subresources[write.subresource] as PartSubresource | undefined);
  if (part?.type === "part") object = (await part.merge(current, object, context)) as AnyObject;
  else if (write.subresource === "status") object = withStatusOnly(current, object);
  else if (write.subresource === "") object = withStatusKept(rest, current, object);
  if (write.admission) {
    object = ((await write.admission.mutate("UPDATE", { namespace, name, object, old: current })) ?? object) as AnyObject;
  }
  if (kind.prepare) object = kind.prepare(object as never, { old: current as never, subresource: write.subresource }) as AnyObject;
  if (write.subresource === "" && resource.hooks.length > 0) {
    object = await runHooks(resource, object, (hooks, value) => hooks.beforeUpdate?.(value, current, context));
  }
  object = counted(rest, current, object, write);
  const errors = [...metaChangeErrors(current, sent), ...validate(kind, object, current, write.subresource)];
  if (errors.length > 0) throw invalid(kind, name, errors);
  if (write.admission) await write.admission.validate("UPDATE", { namespace, name, object, old: current });
  if (!change.keepsManagers && !write.keepsManagers) object = withManagedFields(kind, current, object, write, world.clock.now());
  if (unchanged(current, object) && !storage.isStale(key)) return { done: "unchanged" };
  const gone = rest.mayGo(object);
  const stored = toStored(kind, object);
  if (write.dryRun) return { done: "changed", view: dryView(rest, key, record, stored) };
  const before = claimsOf(resource, current);
  const after = gone ? [] : claimsOf(resource, object);
  const result = await storage.write({
    key,
    expected: record.revision,
    object: gone ? undefined : stored,
    claimsTaken: after.filter((claim) => !before.includes(claim)),
    claimsReleased: before.filter((claim) => !after.includes(claim)),
  });
  switch (result.outcome) {
    case "written":
      notifyStored(resource, object, current);
      return { done: "changed", view: result.record.as(kind) };
    case "deleted":
      notifyStored(resource, undefined, current);
      return { done: "changed", view: new StoredRecord(storage.codec, key, result.revision, storage.codec.encode(stored)).as(kind) };
    case "claim taken":
      for (const hooks of resource.hooks) hooks.claimTaken?.(result.claim, object, context);
      return { done: "claim" };
    case "conflict":
      return { done: "conflict", current: result.current };
  }
}

function dryView(rest: KindRest, key: string, record: StoredRecord, stored: KubernetesObject): View {
  const { codec } = rest.storage;
  return new StoredRecord(codec, key, record.revision, codec.encode(stored)).as(rest.resource.kind);
}

/** The sender speaks of this very object, at this very version when it names one. */
function checkIdentity({ resource }: KindRest, current: AnyObject, sent: AnyObject, name: string): void {
  const { kind } = resource;
  const { uid, resourceVersion } = sent.metadata;
  for (const field of ["name", "namespace"] as const) {
    const value = sent.metadata[field];
    if (!value || value === current.metadata[field]) continue;
    throw badRequest(`the ${field} of the object (${value}) does not match the ${field} on the URL (${current.metadata[field] ?? ""})`);
  }
  if (uid && uid !== current.metadata.uid) {
    throw conflict(kind, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`);
  }
  if (resourceVersion) {
    if (resourceVersion !== current.metadata.resourceVersion) throw conflict(kind, name, objectModified);
  } else if (kind.allowUnconditionalUpdate === false) {
    const detail = "must be specified for an update";
    throw invalid(kind, name, [{ type: "Invalid", field: "metadata.resourceVersion", value: 0, detail }]);
  }
}

/** An update of the object leaves its status alone. */
function withStatusKept({ resource }: KindRest, current: AnyObject, object: AnyObject): AnyObject {
  if (!resource.kind.subresources?.status || !Object.hasOwn(resource.kind.message.fields, "status")) return object;
  return object.status === current.status ? object : { ...object, status: current.status };
}

/** An update of the status leaves all else alone, but for labels, annotations and finalizers. */
function withStatusOnly(current: AnyObject, object: AnyObject): AnyObject {
  const { ownerReferences: _owners, ...metadata } = object.metadata;
  const { ownerReferences } = current.metadata;
  return { ...current, metadata: ownerReferences ? { ...metadata, ownerReferences } : metadata, status: object.status } as AnyObject;
}

/** What the system says of an object is no wish of its owner. */
const uncounted: ReadonlySet<string> = new Set(["status", "binding"]);

/** One more generation when anything but metadata and status changed. */
function counted({ resource }: KindRest, current: AnyObject, object: AnyObject, write: WriteRequest): AnyObject {
  if (!resource.kind.counted || uncounted.has(write.subresource)) return object;
  const { fields, options } = resource.kind.message;
  const names = options.keepsUnknown ? new Set([...Object.keys(current), ...Object.keys(object)]) : Object.keys(fields);
  for (const field of names) {
    if (field === "metadata" || field === "status" || field === "kind" || field === "apiVersion") continue;
    if (!sameJson(current[field], object[field])) {
      return { ...object, metadata: { ...object.metadata, generation: Number(current.metadata.generation ?? 0) + 1 } };
    }
  }
  return object;
}
