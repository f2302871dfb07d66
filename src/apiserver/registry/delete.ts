// Deleting an object: at once, after its grace, or when nothing holds it any longer.
import { StatusError } from "#api/meta/status-error.ts";
import type { KubernetesObject } from "#schema/kind.ts";
import { formatTime, parseTime } from "#schema/time.ts";
import { fromStored, StoredRecord, toStored, type View } from "../storage/record.ts";
import { conflict, notFound, objectModified } from "./errors.ts";
import { invalid } from "./invalid.ts";
import type { KindRest } from "./kind-rest.ts";
import { type AnyObject, claimsOf, notifyStored, runHooks, type WriteRequest } from "./write-request.ts";

export interface DeleteWish {
  readonly gracePeriodSeconds?: number | undefined;
  readonly propagationPolicy?: string | undefined;
  readonly orphanDependents?: boolean | undefined;
  readonly preconditions?: { readonly uid?: string | undefined; readonly resourceVersion?: string | undefined } | undefined;
}

export interface Deleted {
  /** Whether the object is gone; otherwise it is on its way. */
  readonly gone: boolean;
  /** As it is now, or last was. */
  readonly view: View;
}

const orphanFinalizer = "orphan";
const foregroundFinalizer = "foregroundDeletion";
const attemptsMax = 100;
const policies = ["Background", "Foreground", "Orphan"];

export async function deleteObject(
  rest: KindRest,
  namespace: string,
  name: string,
  wish: DeleteWish,
  write: WriteRequest,
): Promise<Deleted> {
  checkWish(wish);
  const { storage } = rest;
  const key = storage.keyOf(namespace, name);
  let record = await storage.guess(key);
  let sure = false;
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    if (!record && !sure) {
      record = await storage.stored(key);
      sure = true;
    }
    if (!record) throw notFound(rest.kind, name);
    try {
      const result = await attemptDelete(rest, { namespace, name, key, record, wish, write });
      if (!("current" in result)) return result;
      record = result.current;
      sure = true;
    } catch (error) {
      if (sure || !(error instanceof StatusError)) throw error;
      const newest = await storage.stored(key);
      if (newest?.revision === record?.revision) throw error;
      record = newest;
      sure = true;
    }
  }
  throw conflict(rest.kind, name, objectModified);
}

/** Throws Invalid for options that contradict themselves. */
export function checkWish({ propagationPolicy, orphanDependents, gracePeriodSeconds }: DeleteWish): void {
  const kind = { group: "meta.k8s.io", name: "DeleteOptions" };
  if (propagationPolicy !== undefined && orphanDependents !== undefined) {
    const detail = "orphanDependents and deletionPropagation cannot be both set";
    throw invalid(kind, "", [{ type: "Invalid", field: "propagationPolicy", value: propagationPolicy, detail }]);
  }
  if (propagationPolicy !== undefined && !policies.includes(propagationPolicy)) {
    const detail = `supported values: ${[...policies, "nil"].map((policy) => JSON.stringify(policy)).join(", ")}`;
    throw invalid(kind, "", [{ type: "NotSupported", field: "propagationPolicy", value: propagationPolicy, detail }]);
  }
  if (gracePeriodSeconds !== undefined && !Number.isSafeInteger(gracePeriodSeconds)) {
    throw invalid(kind, "", [{ type: "Invalid", field: "gracePeriodSeconds", value: gracePeriodSeconds, detail: "must be an integer" }]);
  }
}

interface Trial {
  readonly namespace: string;
  readonly name: string;
  readonly key: string;
  readonly record: StoredRecord;
  readonly wish: DeleteWish;
  readonly write: WriteRequest;
}

async function attemptDelete(rest: KindRest, trial: Trial): Promise<Deleted | { readonly current: StoredRecord | undefined }> {
  const { namespace, name, key, record, wish, write } = trial;
  const { resource, storage } = rest;
  const { kind } = resource;
  const current = fromStored(kind, record.object) as AnyObject;
  checkPreconditions(rest, current, name, wish);
  if (write.admission) {
    const target = { namespace, name, object: undefined, old: current };
    await write.admission.mutate("DELETE", target);
    await write.admission.validate("DELETE", target);
  }
  const marked = await markedForDeletion(rest, current, wish, write);
  if (marked === current) return { gone: false, view: record.as(kind) };
  if (marked && !rest.mayGo(marked)) {
    const stored = toStored(kind, marked);
    if (write.dryRun) return { gone: false, view: record.as(kind) };
    const result = await storage.write({ key, expected: record.revision, object: stored });
    if (result.outcome === "conflict") return { current: result.current };
    if (result.outcome !== "written") throw conflict(kind, name, objectModified);
    notifyStored(resource, marked, current);
    return { gone: false, view: result.record.as(kind) };
  }
  if (write.dryRun) return { gone: true, view: record.as(kind) };
  const result = await storage.write({
    key,
    expected: record.revision,
    object: undefined,
    claimsReleased: claimsOf(resource, current),
  });
  if (result.outcome === "conflict") return { current: result.current };
  if (result.outcome !== "deleted") throw conflict(kind, name, objectModified);
  notifyStored(resource, undefined, current);
  const last = marked
    ? new StoredRecord(storage.codec, key, result.revision, storage.codec.encode(toStored(kind, marked)))
    : record.at(result.revision);
  return { gone: true, view: last.as(kind) };
}

function checkPreconditions({ kind }: KindRest, current: AnyObject, name: string, { preconditions }: DeleteWish): void {
  const { uid, resourceVersion } = current.metadata;
  if (preconditions?.uid !== undefined && preconditions.uid !== uid) {
    const why = `the UID in the precondition (${preconditions.uid}) does not match the UID in record (${uid}). The object might have been deleted and then recreated`;
    throw conflict(kind, name, why);
  }
  if (preconditions?.resourceVersion !== undefined && preconditions.resourceVersion !== resourceVersion) {
    const why = `the ResourceVersion in the precondition (${preconditions.resourceVersion}) does not match the ResourceVersion in record (${resourceVersion}). The object might have been modified`;
    throw conflict(kind, name, why);
  }
}

/** Undefined: nothing holds it, delete it. The very same object: it is on its way already, and nothing changes. */
async function markedForDeletion(
  rest: KindRest,
  current: AnyObject,
  wish: DeleteWish,
  write: WriteRequest,
): Promise<AnyObject | undefined> {
  const { resource, world } = rest;
  const { metadata } = current;
  const before = metadata.finalizers ?? [];
  const finalizers = finalizersFor(rest, before, wish);
  const sameFinalizers = finalizers.length === before.length && finalizers.every((name) => before.includes(name));
  const held = finalizers.length > 0 || resource.hooks.some((hooks) => hooks.holdsDeletion?.(current));
  const asked = wish.gracePeriodSeconds;
  if (metadata.deletionTimestamp !== undefined) {
    const left = metadata.deletionGracePeriodSeconds;
    const shorter = asked !== undefined && left !== undefined && Math.max(asked, 0) < Number(left) ? Math.max(asked, 0) : undefined;
    if (shorter === undefined) {
      const waits = left !== undefined && Number(left) > 0;
      if (!held && !waits) return undefined;
      return sameFinalizers ? current : withFinalizers(current, finalizers);
    }
    const end = parseTime(metadata.deletionTimestamp) - (Number(left) - shorter) * 1000;
    return withFinalizers(deleting(current, end, shorter), finalizers);
  }
  const grace = graceOf(rest, current, asked);
  if (grace === 0 && !held) return undefined;
  const marked = withFinalizers(deleting(current, world.clock.now() + grace * 1000, grace), finalizers);
  const context = rest.contextOf("delete", undefined, write);
  const changed = await runHooks(resource, marked, (hooks, object) => hooks.beforeDelete?.(object, context));
  const { generation } = changed.metadata;
  return generation ? { ...changed, metadata: { ...changed.metadata, generation: Number(generation) + 1 } } : changed;
}

function deleting(object: AnyObject, at: number, graceSeconds: number): AnyObject {
  const metadata = { ...object.metadata, deletionTimestamp: formatTime(at), deletionGracePeriodSeconds: graceSeconds };
  return { ...object, metadata };
}

function withFinalizers(object: AnyObject, finalizers: readonly string[]): AnyObject {
  const { finalizers: _, ...metadata } = object.metadata;
  return { ...object, metadata: finalizers.length > 0 ? { ...metadata, finalizers } : metadata };
}

function graceOf({ kind }: KindRest, object: KubernetesObject, asked: number | undefined): number {
  const usual = kind.graceSeconds?.(object as never);
  if (usual === undefined) return 0;
  const seconds = asked ?? usual;
  return seconds < 0 ? 1 : seconds;
}

/** What the garbage collector still has to do before the object may go. */
function finalizersFor({ kind }: KindRest, before: readonly string[], wish: DeleteWish): readonly string[] {
  const others = before.filter((name) => name !== orphanFinalizer && name !== foregroundFinalizer);
  const policy =
    wish.propagationPolicy ?? (wish.orphanDependents === undefined ? undefined : wish.orphanDependents ? "Orphan" : "Background");
  if (policy === "Orphan") return [...others, orphanFinalizer];
  if (policy === "Foreground") return [...others, foregroundFinalizer];
  if (policy === "Background") return others;
  if (before.length === others.length && kind.dependents === "orphan") return [...others, orphanFinalizer];
  return before;
}
