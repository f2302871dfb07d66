// The StorageClass of claims that name none.
import type { StorageClass } from "./storage-class.ts";

export const defaultClassAnnotation = "storageclass.kubernetes.io/is-default-class";
const betaAnnotation = "storageclass.beta.kubernetes.io/is-default-class";

export function isDefaultClass({ metadata: { annotations = {} } }: StorageClass): boolean {
  return annotations[defaultClassAnnotation] === "true" || annotations[betaAnnotation] === "true";
}

/** The newest of those marked; of equal age, the first by name. */
export function defaultClassOf(classes: readonly StorageClass[]): StorageClass | undefined {
  return classes.filter(isDefaultClass).toSorted((left, right) => {
    const [a, b] = [left.metadata, right.metadata];
    if (a.creationTimestamp !== b.creationTimestamp) return a.creationTimestamp > b.creationTimestamp ? -1 : 1;
    return a.name < b.name ? -1 : 1;
  })[0];
}
