// How big each ReplicaSet of a Deployment should be now: while rolling, while recreating, and when the Deployment itself changes size.
import type { Deployment } from "#api/apps/deployment/deployment.ts";
import type { ReplicaSet } from "#api/apps/replica-set/replica-set.ts";
import { availableOf, byAge, isRolling, limitsOf, numberAnnotation, sum, wanted } from "./replica-sets.ts";

export interface Scale {
  readonly set: ReplicaSet;
  readonly replicas: number;
}

/** The size with which a new set begins, or to which the current one may grow beside the `others`. */
export function currentSize(deployment: Deployment, currentReplicas: number, others: readonly ReplicaSet[]): number {
  const replicas = wanted(deployment);
  if (!isRolling(deployment)) return replicas;
  const total = currentReplicas + sum(others, wanted);
  const most = replicas + limitsOf(deployment).maxSurge;
  return total >= most ? currentReplicas : currentReplicas + Math.min(most - total, replicas - currentReplicas);
}

/** Grows the current set as far as the surge allows, or makes it smaller when it is too big. */
export function growCurrent(deployment: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): readonly Scale[] {
  const now = wanted(current);
  const replicas = wanted(deployment);
  const next = now > replicas ? replicas : now === replicas ? now : currentSize(deployment, now, old);
  return next === now ? [] : [{ set: current, replicas: next }];
}

/** Makes old sets smaller: first by Pods that do not serve anyway, then by as many as the current set's available ones replace. */
export function shrinkOld(deployment: Deployment, current: ReplicaSet, old: readonly ReplicaSet[]): readonly Scale[] {
  const minAvailable = wanted(deployment) - limitsOf(deployment).maxUnavailable;
  const currentUnavailable = Math.max(0, wanted(current) - availableOf(current));
  const most = wanted(current) + sum(old, wanted) - minAvailable - currentUnavailable;
  if (most <= 0) return [];

  const sizes = new Map(old.map((set) => [set, wanted(set)]));
  const ordered = [...old].sort(byAge);
  let gone = 0;
  for (const set of ordered) {
    const unhealthy = Math.min(most - gone, wanted(set) - availableOf(set));
    if (unhealthy <= 0) continue;
    sizes.set(set, wanted(set) - unhealthy);
    gone += unhealthy;
  }
  let spare = availableOf(current) + sum(old, availableOf) - minAvailable;
  for (const set of ordered) {
    if (spare <= 0) break;
    const size = sizes.get(set) as number;
    const fewer = Math.min(size, spare);
    sizes.set(set, size - fewer);
    spare -= fewer;
  }
  return [...sizes].filter(([set, replicas]) => replicas !== wanted(set)).map(([set, replicas]) => ({ set, replicas }));
}

/** Whether the Deployment changed size since its sets were last told. */
export function changedSize(deployment: Deployment, sets: readonly ReplicaSet[]): boolean {
  return sets.some((set) => {
    const desired = wanted(set) > 0 ? numberAnnotation(set, "desired") : undefined;
    return desired !== undefined && desired !== wanted(deployment);
  });
}

/** Shares a new size of the Deployment out among its sets, each in proportion to what it has. */
export function resize(deployment: Deployment, current: ReplicaSet | undefined, old: readonly ReplicaSet[]): readonly Scale[] {
  const replicas = wanted(deployment);
  const all = current ? [current, ...old] : old;
  const active = all.filter((set) => wanted(set) > 0);
  if (active.length <= 1) {
    const only = active[0] ?? current ?? [...old].sort(byAge).at(-1);
    return only ? [{ set: only, replicas }] : [];
  }
  if (current && isSaturated(deployment, current)) return old.filter((set) => wanted(set) > 0).map((set) => ({ set, replicas: 0 }));
  if (!isRolling(deployment)) return [];

  const allowed = replicas > 0 ? replicas + limitsOf(deployment).maxSurge : 0;
  const toAdd = allowed - sum(active, wanted);
  const ordered = [...active].sort((left, right) => wanted(right) - wanted(left) || (toAdd > 0 ? byAge(right, left) : byAge(left, right)));
  let added = 0;
  const scales = ordered.map((set) => {
    const share = toAdd === 0 ? 0 : shareOf(deployment, set, toAdd, added);
    added += share;
    return { set, replicas: wanted(set) + share };
  });
  return scales.map((scale, index) => (index === 0 ? { ...scale, replicas: Math.max(0, scale.replicas + toAdd - added) } : scale));
}

function isSaturated(deployment: Deployment, current: ReplicaSet): boolean {
  const replicas = wanted(deployment);
  return (
    wanted(current) === replicas &&
    numberAnnotation(current, "desired") === replicas &&
    (current.status.availableReplicas ?? 0) === replicas
  );
}

function shareOf(deployment: Deployment, set: ReplicaSet, toAdd: number, added: number): number {
  const now = wanted(set);
  if (toAdd === added) return 0;
  if (wanted(deployment) === 0) return Math.max(-now, toAdd - added);
  const before = numberAnnotation(set, "max") || (deployment.status.replicas ?? 0);
  if (before === 0) return 0;
  const fraction = Math.round((now * (wanted(deployment) + limitsOf(deployment).maxSurge)) / before) - now;
  return toAdd > 0 ? Math.min(fraction, toAdd - added) : Math.max(fraction, toAdd - added);
}
