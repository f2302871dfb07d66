// One write on its way into the store: who writes, how, and what has a say.
import { sameJson } from "#schema/derive/json-objects.ts";
import { keepTimes, updateManagedFields } from "#schema/derive/managed-fields.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import type { AdmissionOperation } from "../admission/plugin.ts";
import type { User } from "../request.ts";
import type { Resource } from "./resource.ts";

export interface WriteRequest {
  readonly user: User;
  readonly dryRun: boolean;
  /** The field manager. */
  readonly manager: string;
  /** "" for the object itself. */
  readonly subresource: string;
  /** managedFields are right already (server-side apply). */
  readonly keepsManagers?: boolean;
  /** Absent for writes of the server itself. */
  readonly admission?: WriteAdmission | undefined;
  warn(message: string): void;
}

export interface WriteAdmission {
  mutate(operation: AdmissionOperation, target: AdmissionTarget): Promise<KubernetesObject | undefined> | KubernetesObject | undefined;
  validate(operation: AdmissionOperation, target: AdmissionTarget): Promise<void> | void;
}

export interface AdmissionTarget {
  readonly namespace: string;
  readonly name: string;
  readonly object: KubernetesObject | undefined;
  readonly old: KubernetesObject | undefined;
}

export type AnyObject = KubernetesObject & { readonly [field: string]: unknown };

/** The object with managedFields as they are after this write. Times stay when nothing else changed. */
export function withManagedFields(kind: Kind, old: AnyObject | undefined, next: AnyObject, write: WriteRequest, now: number): AnyObject {
  const before = old?.metadata.managedFields;
  const entries = updateManagedFields(kind, old, next, { manager: write.manager, subresource: write.subresource, now });
  const managedFields = keepTimes(before, entries);
  if (managedFields === next.metadata.managedFields) return next;
  const { managedFields: _, ...metadata } = next.metadata;
  return { ...next, metadata: managedFields.length > 0 ? { ...metadata, managedFields } : metadata };
}

/** Whether storing `next` over `old` would change nothing. */
export function unchanged(old: AnyObject, next: AnyObject): boolean {
  if (old === next) return true;
  const { resourceVersion: _old, ...oldMeta } = old.metadata;
  const { resourceVersion: _next, ...nextMeta } = next.metadata;
  return sameJson({ ...old, metadata: oldMeta }, { ...next, metadata: nextMeta });
}

/** Claims of all hooks. */
export function claimsOf(resource: Resource, object: KubernetesObject | undefined): readonly string[] {
  if (!object) return [];
  return resource.hooks.flatMap((hooks) => hooks.claims?.(object) ?? []);
}

export function notifyStored(resource: Resource, object: KubernetesObject | undefined, old: KubernetesObject | undefined): void {
  for (const hooks of resource.hooks) hooks.stored?.(object, old);
}

export async function runHooks(
  resource: Resource,
  object: AnyObject,
  run: (hooks: Resource["hooks"][number], object: AnyObject) => KubernetesObject | Promise<KubernetesObject> | undefined,
): Promise<AnyObject> {
  let changed = object;
  for (const hooks of resource.hooks) changed = ((await run(hooks, changed)) ?? changed) as AnyObject;
  return changed;
}
