// A Deployment's ReplicaSets: which is the current one, how big each may be, and what their annotations say.
import type { Deployment } from "#api/apps/deployment/deployment.ts";
import type { ReplicaSet } from "#api/apps/replica-set/replica-set.ts";
import type { PodTemplateSpec } from "#api/core/pod/pod-template.ts";
import { labelOf } from "#api/meta/selects.ts";
import { deepEqual } from "#schema/derive/equal.ts";
import { parseTime } from "#schema/time.ts";
import { scaledValue } from "../scaled-value.ts";

export const hashLabel = "pod-template-hash";
export const revisionAnnotation = "deployment.kubernetes.io/revision";
const historyAnnotation = "deployment.kubernetes.io/revision-history";
const desiredAnnotation = "deployment.kubernetes.io/desired-replicas";
const maxAnnotation = "deployment.kubernetes.io/max-replicas";
const historyCharactersMax = 2_000;

/** Annotations that are a Deployment's own and do not pass to its ReplicaSets. */
const ownAnnotations = new Set([
  "kubectl.kubernetes.io/last-applied-configuration",
  "deprecated.deployment.rollback.to",
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maxAnnotation,
]);

export type Annotations = Readonly<Record<string, string>>;

export const wanted = (object: Deployment | ReplicaSet): number => object.spec.replicas ?? 1;
export const sum = (sets: readonly ReplicaSet[], read: (set: ReplicaSet) => number): number =>
  sets.reduce((total, set) => total + read(set), 0);

/** Pods of the set that serve and are to stay: what its status says may be from before it was made smaller. */
export const availableOf = (set: ReplicaSet): number => Math.min(set.status.availableReplicas ?? 0, wanted(set));

export const byAge = (left: ReplicaSet, right: ReplicaSet): number =>
  parseTime(left.metadata.creationTimestamp) - parseTime(right.metadata.creationTimestamp) ||
  (left.metadata.name < right.metadata.name ? -1 : 1);

export const isRolling = (deployment: Deployment): boolean => deployment.spec.strategy.type === "RollingUpdate";

/** How many Pods more, and how many fewer, there may be than wanted while updating. Never both none. */
export function limitsOf(deployment: Deployment): { readonly maxSurge: number; readonly maxUnavailable: number } {
  if (!isRolling(deployment)) return { maxSurge: 0, maxUnavailable: 0 };
  const replicas = wanted(deployment);
  const { maxSurge = "25%", maxUnavailable = "25%" } = deployment.spec.strategy.rollingUpdate ?? {};
  const surge = scaledValue(maxSurge, replicas, "up");
  const unavailable = scaledValue(maxUnavailable, replicas, "down");
  return { maxSurge: surge, maxUnavailable: Math.min(surge === 0 && unavailable === 0 ? 1 : unavailable, replicas) };
}

/** The set that has the Deployment's template: the oldest, should there be several. */
export function currentOf(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  const template = withoutHash(deployment.spec.template);
  return [...sets].sort(byAge).find((set) => deepEqual(withoutHash(set.spec.template), template));
}

function withoutHash({ metadata, spec }: PodTemplateSpec): unknown {
  const { labels = {}, annotations = {}, ...rest } = metadata;
  const others = Object.entries(labels).filter(([key]) => key !== hashLabel);
  return { metadata: { ...rest, labels: Object.fromEntries(others), annotations }, spec };
}

export function revisionOf(set: ReplicaSet): number {
  const text = labelOf(set.metadata.annotations ?? {}, revisionAnnotation) ?? "";
  return /^\d{1,15}$/.test(text) ? Number(text) : 0;
}

/** What a set remembers of its Deployment's size, from which a later change of size is shared out. */
export function sizeAnnotations(deployment: Deployment): Annotations {
  const replicas = wanted(deployment);
  return { [desiredAnnotation]: String(replicas), [maxAnnotation]: String(replicas + limitsOf(deployment).maxSurge) };
}

export function numberAnnotation(set: ReplicaSet, which: "desired" | "max"): number | undefined {
  const text = labelOf(set.metadata.annotations ?? {}, which === "desired" ? desiredAnnotation : maxAnnotation);
  return text !== undefined && /^\d{1,10}$/.test(text) ? Number(text) : undefined;
}

/** The current set's annotations: the Deployment's, and its revision, with the earlier ones kept as history. */
export function currentAnnotations(deployment: Deployment, before: Annotations | undefined, revision: number): Annotations {
  const passed = Object.entries(deployment.metadata.annotations ?? {}).filter(([key]) => !ownAnnotations.has(key));
  const after: Record<string, string> = { ...before, ...Object.fromEntries(passed) };
  const known = before?.[revisionAnnotation];
  const knownNumber = known !== undefined && /^\d{1,15}$/.test(known) ? Number(known) : 0;
  if (knownNumber < revision) {
    after[revisionAnnotation] = String(revision);
    if (known) after[historyAnnotation] = historyWith(before?.[historyAnnotation], known);
  }
  return after;
}

function historyWith(history: string | undefined, revision: string): string {
  const revisions = [...(history ? history.split(",") : []), revision];
  while (revisions.length > 1 && revisions.join(",").length > historyCharactersMax) revisions.shift();
  return revisions.join(",");
}
