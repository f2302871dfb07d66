// What becomes of an object, given what became of its owners.
import type { KubernetesObject } from "#schema/kind.ts";
import type { OwnerReference } from "#schema/object-meta.ts";

export const foregroundFinalizer = "foregroundDeletion";
export const orphanFinalizer = "orphan";

/** "waits for its dependents": it is being deleted in the foreground. */
export interface Owner {
  readonly reference: OwnerReference;
  readonly state: "there" | "absent" | "waits for its dependents";
}

export type Decision =
  | { readonly do: "keep" }
  | { readonly do: "let go of"; readonly references: readonly OwnerReference[] }
  | {
      readonly do: "delete";
      readonly policy: "Background" | "Foreground";
      /** Dependents that wait for the object themselves and must not hold it: otherwise a circle never ends. */
      readonly unblocked: readonly KubernetesObject[];
    };

export function decide(owners: readonly Owner[], dependents: readonly KubernetesObject[]): Decision {
  if (owners.length === 0) return { do: "keep" };
  const there = owners.filter(({ state }) => state === "there");
  if (there.length === owners.length) return { do: "keep" };
  if (there.length > 0) return { do: "let go of", references: there.map(({ reference }) => reference) };
  const isForeground = owners.some(({ state }) => state === "waits for its dependents") && dependents.length > 0;
  return isForeground
    ? { do: "delete", policy: "Foreground", unblocked: dependents.filter(isDeletingDependents) }
    : { do: "delete", policy: "Background", unblocked: [] };
}

export function isDeletingDependents({ metadata }: KubernetesObject): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).includes(foregroundFinalizer);
}

export function isOrphaning({ metadata }: KubernetesObject): boolean {
  return metadata.deletionTimestamp !== undefined && (metadata.finalizers ?? []).includes(orphanFinalizer);
}

/** Whether the foreground deletion of the owner waits for this object. */
export function blocks({ metadata }: KubernetesObject, ownerUid: string): boolean {
  return (metadata.ownerReferences ?? []).some(({ uid, blockOwnerDeletion }) => uid === ownerUid && blockOwnerDeletion === true);
}
