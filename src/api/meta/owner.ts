// Who owns what: owner references read and made.
import type { KubernetesObject } from "#schema/kind.ts";
import type { OwnerReference } from "#schema/object-meta.ts";

/** Anything that may have owners; templates and drafts too. */
interface Owned {
  readonly metadata: { readonly ownerReferences?: readonly OwnerReference[] | undefined };
}

/** The one owner that manages the object, if any does. */
export function controllerOf(object: Owned): OwnerReference | undefined {
  return object.metadata.ownerReferences?.find((owner) => owner.controller === true);
}

/** Whether this very owner, and no namesake that came before, manages the object. */
export function isControlledBy(object: Owned, owner: { readonly metadata: { readonly uid: string } }): boolean {
  return controllerOf(object)?.uid === owner.metadata.uid;
}

/** Whether the owner is one of the object's owners, managing it or not. */
export function ownedBy(object: Owned, owner: { readonly metadata: { readonly uid: string } }): boolean {
  return object.metadata.ownerReferences?.some(({ uid }) => uid === owner.metadata.uid) ?? false;
}

/** The reference by which `owner` manages what it creates: collected with it, and in the way of its foreground deletion. */
export function newControllerReference(owner: KubernetesObject): OwnerReference {
  return { ...newOwnerReference(owner), controller: true, blockOwnerDeletion: true };
}

/** A reference that only ties the object's life to the owner's. */
export function newOwnerReference(owner: KubernetesObject): OwnerReference {
  const { apiVersion, kind, metadata } = owner;
  return { apiVersion, kind, name: metadata.name, uid: metadata.uid };
}
