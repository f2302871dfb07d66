// Which objects are an owner's: those it controls, and orphans its selector selects, which it adopts; what it no longer selects it lets go.
import type { LabelSelector } from "#api/meta/label-selector.ts";
import { controllerOf, newControllerReference } from "#api/meta/owner.ts";
import { selects } from "#api/meta/selects.ts";
import { deepEqual } from "#schema/derive/equal.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import type { Draft } from "#schema/message.ts";
import { patch, type Related, type Step } from "./controller.ts";

/** What an owner controls, and the orphans in its namespace that it selects. */
export function claimable<T extends KubernetesObject, O extends KubernetesObject>(
  owner: Kind<T>,
  kind: Kind<O>,
  selectorOf: (object: T) => LabelSelector | undefined,
  /** What the owner looks at beside labels and owners; changes of anything else wake nobody. Default: all. */
  looksAt?: (object: O) => unknown,
): Related<T, O> {
  const controlled = `controlled by ${owner.name}`;
  const orphaned = "orphans of the namespace";
  const isOurs = (apiVersion: string) => apiVersion.split("/").slice(0, -1).join("/") === owner.group;
  return {
    kind,
    prepare(others) {
      others.addIndex(controlled, (object) => {
        const reference = controllerOf(object);
        return reference && reference.kind === owner.name && isOurs(reference.apiVersion) ? [reference.uid] : [];
      });
      others.addIndex(orphaned, (object) => (controllerOf(object) ? [] : [object.metadata.namespace ?? ""]));
    },
    find(object, others) {
      const selector = selectorOf(object);
      const orphans = others.byIndex(orphaned, object.metadata.namespace ?? "");
      const mine = others.byIndex(controlled, object.metadata.uid);
      return orphans.length === 0 ? mine : [...mine, ...orphans.filter((orphan) => selects(selector, orphan.metadata.labels))];
    },
    wakes({ type, object, old }, own) {
      if (type === "changed" && looksAt && isSeenSame(object, old) && deepEqual(looksAt(object), looksAt(old))) return [];
      const keys = new Set<string>();
      for (const one of [object, old]) {
        if (!one) continue;
        const { namespace = "", labels } = one.metadata;
        const reference = controllerOf(one);
        if (reference) {
          if (reference.kind === owner.name && isOurs(reference.apiVersion)) keys.add(`${namespace}/${reference.name}`);
        } else {
          for (const candidate of own.list(namespace))
            if (selects(selectorOf(candidate), labels)) keys.add(`${namespace}/${candidate.metadata.name}`);
        }
      }
      return [...keys];
    },
  };
}

function isSeenSame({ metadata: left }: KubernetesObject, { metadata: right }: KubernetesObject): boolean {
  return (
    left.deletionTimestamp === right.deletionTimestamp &&
    deepEqual(left.labels, right.labels) &&
    deepEqual(left.ownerReferences, right.ownerReferences)
  );
}

/** Splits what `claimable` found: what counts as the owner's, and the steps that make it so. */
export function claim<O extends KubernetesObject>(
  owner: KubernetesObject,
  selector: LabelSelector | undefined,
  kind: Kind<O>,
  candidates: readonly O[],
): { readonly mine: readonly O[]; readonly steps: readonly Step[] } {
  const mine: O[] = [];
  const steps: Step[] = [];
  const isGoing = owner.metadata.deletionTimestamp !== undefined;
  for (const object of candidates) {
    const { labels, uid, resourceVersion, deletionTimestamp, ownerReferences = [] } = object.metadata;
    const matches = selects(selector, labels);
    const isMine = controllerOf(object)?.uid === owner.metadata.uid;
    if (isMine && matches) mine.push(object);
    else if (isMine && !isGoing && !deletionTimestamp) {
      const others = ownerReferences.filter((reference) => reference.uid !== owner.metadata.uid);
      steps.push(patch(kind, object, { metadata: { uid, resourceVersion, ownerReferences: others } } as Draft<O>));
    } else if (!isMine && matches && !isGoing && !deletionTimestamp) {
      mine.push(object);
      const references = [...ownerReferences, newControllerReference(owner)];
      steps.push(patch(kind, object, { metadata: { uid, resourceVersion, ownerReferences: references } } as Draft<O>));
    }
  }
  return { mine, steps };
}
