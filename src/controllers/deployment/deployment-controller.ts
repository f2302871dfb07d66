// Moves a Deployment's Pods from one template to the next: one ReplicaSet for each template, the current one growing while the old ones
// shrink, never more Pods than the surge allows and never fewer available than promised.
import { Deployment, type DeploymentStatus } from "#api/apps/deployment/deployment.ts";
import { ReplicaSet } from "#api/apps/replica-set/replica-set.ts";
import { conditionOf } from "#api/meta/conditions.ts";
import { isControlledBy, newControllerReference } from "#api/meta/owner.ts";
import { deepEqual } from "#schema/derive/equal.ts";
import { claim, claimable } from "../claim.ts";
import { again, attempt, controller, create, may, patch, remove, status, type Step, tell, update, updateStatus } from "../controller.ts";
import { templateHash } from "../template-hash.ts";
import {
  byAge,
  currentAnnotations,
  currentOf,
  hashLabel,
  revisionAnnotation,
  revisionOf,
  sizeAnnotations,
  wanted,
} from "./replica-sets.ts";
import { changedSize, currentSize, growCurrent, resize, type Scale, shrinkOld } from "./scaling.ts";
import { countedStatus, deadlineOf, hasDeadline, isComplete, withDeploymentCondition, withProgress } from "./status.ts";

export const deploymentController = controller({
  name: "deployment-controller",
  for: Deployment,
  reads: { sets: claimable(Deployment, ReplicaSet, (deployment) => deployment.spec.selector) },
  writes: [may(ReplicaSet, "create", "update", "patch", "delete"), may(Deployment, "update", "patch"), may(status(Deployment), "update")],
  decide,
});

interface Observed {
  readonly object: Deployment;
  readonly sets: readonly ReplicaSet[];
  readonly now: number;
}

export function decide({ object: deployment, sets: candidates, now }: Observed): readonly Step[] {
  const { selector } = deployment.spec;
  if (Object.keys(selector?.matchLabels ?? {}).length === 0 && (selector?.matchExpressions ?? []).length === 0)
    return [tell(deployment, "Warning", "SelectingAll", "This deployment is selecting all pods. A non-empty selector is required.")];
  const { mine, steps: claims } = claim(deployment, selector, ReplicaSet, candidates);
  const current = currentOf(deployment, mine);
  const old = mine.filter((set) => set !== current);
  return [...claims, ...round({ deployment, sets: mine, current, old, now })];
}

interface Round {
  readonly deployment: Deployment;
  readonly sets: readonly ReplicaSet[];
  readonly current: ReplicaSet | undefined;
  readonly old: readonly ReplicaSet[];
  readonly now: number;
}

function round(of: Round): readonly Step[] {
  const { deployment, sets, current, old } = of;
  if (deployment.metadata.deletionTimestamp) return report(of);

  const revision = Math.max(0, ...old.map(revisionOf)) + 1;
  if (current) {
    const annotations = currentAnnotations(deployment, current.metadata.annotations, revision);
    const { minReadySeconds } = deployment.spec;
    if (!deepEqual(annotations, current.metadata.annotations ?? {}) || (current.spec.minReadySeconds ?? 0) !== (minReadySeconds ?? 0))
      return [
        update(ReplicaSet, {
          ...current,
          metadata: { ...current.metadata, annotations },
          spec: { ...current.spec, minReadySeconds },
        }),
      ];
  }
  if (deployment.spec.paused || changedSize(deployment, sets)) {
    const scales = resize(deployment, current, old).flatMap((scale) => scaled(deployment, scale));
    return [...scales, ...report(of), ...(deployment.spec.paused ? cleanUp(deployment, old) : [])];
  }
  return deployment.spec.strategy.type === "Recreate" ? recreate(of, revision) : roll(of, revision);
}

function roll(of: Round, revision: number): readonly Step[] {
  const { deployment, current, old } = of;
  if (!current) return begin(of, revision, currentSize(deployment, 0, old));
  const grown = growCurrent(deployment, current, old);
  const scales = grown.length > 0 ? grown : shrinkOld(deployment, current, old);
  if (scales.length > 0) return [...scales.flatMap((scale) => scaled(deployment, scale)), ...report(of)];
  return finish(of);
}

function recreate(of: Round, revision: number): readonly Step[] {
  const { deployment, current, old } = of;
  const tooBig = old.filter((set) => wanted(set) > 0);
  if (tooBig.length > 0) return [...tooBig.flatMap((set) => scaled(deployment, { set, replicas: 0 })), ...report(of)];
  if (old.some(hasPods)) return report(of);
  if (!current) return begin(of, revision, wanted(deployment));
  const grown = growCurrent(deployment, current, old);
  if (grown.length > 0) return [...grown.flatMap((scale) => scaled(deployment, scale)), ...report(of)];
  return finish(of);
}

/** Pods that end count too; a set that has not yet looked at its new size may have any. */
function hasPods({ metadata, status: { observedGeneration, replicas, terminatingReplicas } }: ReplicaSet): boolean {
  return Number(observedGeneration ?? 0) < Number(metadata.generation ?? 0) || replicas > 0 || (terminatingReplicas ?? 0) > 0;
}

function begin(of: Round, revision: number, replicas: number): readonly Step[] {
  const { deployment } = of;
  const { template, selector, minReadySeconds } = deployment.spec;
  const { collisionCount } = deployment.status;
  const hash = templateHash(template, collisionCount);
  const { namespace } = deployment.metadata;
  const name = `${deployment.metadata.name}-${hash}`;
  const labels = { ...template.metadata.labels, [hashLabel]: hash };
  const made = create(
    ReplicaSet,
    {
      metadata: {
        name,
        namespace,
        labels,
        annotations: { ...currentAnnotations(deployment, undefined, revision), ...sizeAnnotations(deployment) },
        ownerReferences: [newControllerReference(deployment)],
      },
      spec: {
        replicas,
        ...(minReadySeconds && { minReadySeconds }),
        selector: { ...selector, matchLabels: { ...selector?.matchLabels, [hashLabel]: hash } },
        template: { ...template, metadata: { ...template.metadata, labels } },
      },
    },
    {
      announce: {
        about: deployment,
        ...(replicas > 0 && { done: { reason: "ScalingReplicaSet", message: `Scaled up replica set ${name} from 0 to ${replicas}` } }),
        failed: { reason: "ReplicaSetCreateError", message: `Failed to create new replica set "${name}": {error}` },
      },
      ifTaken: (other) =>
        isControlledBy(other, deployment) && currentOf(deployment, [other])
          ? []
          : [updateStatus(Deployment, { ...deployment, status: { ...deployment.status, collisionCount: (collisionCount ?? 0) + 1 } })],
    },
  );
  const failed = (reason: string) =>
    reported(of, { status: "False", reason: "ReplicaSetCreateError", message: `Failed to create new replica set "${name}": ${reason}` });
  const progress = { status: "True", reason: "NewReplicaSetCreated", message: `Created new replica set "${name}"` } as const;
  return [attempt([made], failed), ...reported(of, progress), ...withRevision(deployment, revision)];
}

function scaled(deployment: Deployment, { set, replicas }: Scale): readonly Step[] {
  const before = wanted(set);
  const annotations = { ...set.metadata.annotations, ...sizeAnnotations(deployment) };
  const next = { ...set, metadata: { ...set.metadata, annotations }, spec: { ...set.spec, replicas } };
  if (before === replicas) return deepEqual(annotations, set.metadata.annotations) ? [] : [update(ReplicaSet, next)];
  const message = `Scaled ${before < replicas ? "up" : "down"} replica set ${set.metadata.name} from ${before} to ${replicas}`;
  return [update(ReplicaSet, next, { about: deployment, done: { reason: "ScalingReplicaSet", message } })];
}

function finish(of: Round): readonly Step[] {
  const { deployment, old, sets, current, now } = of;
  const done = isComplete(deployment, countedStatus(deployment, sets, current, now));
  return [...report(of), ...(done ? cleanUp(deployment, old) : [])];
}

/** Lets old sets go that nobody can be rolled back to any more. */
function cleanUp(deployment: Deployment, old: readonly ReplicaSet[]): readonly Step[] {
  const { revisionHistoryLimit } = deployment.spec;
  if (revisionHistoryLimit === undefined) return [];
  const alive = old.filter(({ metadata }) => !metadata.deletionTimestamp);
  const surplus = alive.length - revisionHistoryLimit;
  if (surplus <= 0) return [];
  return [...alive]
    .sort((left, right) => revisionOf(left) - revisionOf(right) || byAge(left, right))
    .slice(0, surplus)
    .filter((set) => wanted(set) === 0 && !hasPods(set))
    .map((set) => remove(ReplicaSet, set));
}

function report(of: Round): readonly Step[] {
  const { deployment, current } = of;
  const known = conditionOf(deployment.status.conditions, "Progressing");
  const isPaused = deployment.spec.paused === true;
  const saysPaused = known?.reason === "DeploymentPaused";
  const timedOut = known?.reason === "ProgressDeadlineExceeded";
  let progress: Progress | undefined;
  if (isPaused && !saysPaused && !timedOut) progress = { status: "Unknown", reason: "DeploymentPaused", message: "Deployment is paused" };
  else if (!isPaused && saysPaused) progress = { status: "Unknown", reason: "DeploymentResumed", message: "Deployment is resumed" };
  else if (!known && current)
    progress = { status: "True", reason: "FoundNewReplicaSet", message: `Found new replica set "${current.metadata.name}"` };
  return [...reported(of, progress), ...(current ? withRevision(deployment, revisionOf(current)) : [])];
}

interface Progress {
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
}

/** The status as it is now; `progress` says first what this round began. */
function reported({ deployment, sets, current, now }: Round, progress?: Progress): readonly Step[] {
  const counted = countedStatus(deployment, sets, current, now);
  const begun: DeploymentStatus =
    progress && hasDeadline(deployment)
      ? { ...counted, conditions: withDeploymentCondition(counted.conditions ?? [], { type: "Progressing", ...progress }, now) }
      : counted;
  const next = deployment.spec.paused ? begun : withProgress(deployment, begun, sets, current, now);
  const deadline = deadlineOf(deployment, next.conditions ?? []);
  return [
    ...(deepEqual(next, deployment.status) ? [] : [updateStatus(Deployment, { ...deployment, status: next })]),
    ...(deadline !== undefined ? [again(Math.max(deadline - now, 0) + 1_000)] : []),
  ];
}

function withRevision(deployment: Deployment, revision: number): readonly Step[] {
  if (deployment.metadata.annotations?.[revisionAnnotation] === String(revision)) return [];
  return [patch(Deployment, deployment, { metadata: { annotations: { [revisionAnnotation]: String(revision) } } })];
}
