// What a Deployment's status says, and whether it makes progress.
import type { Deployment, DeploymentCondition, DeploymentStatus } from "#api/apps/deployment/deployment.ts";
import type { ReplicaSet } from "#api/apps/replica-set/replica-set.ts";
import { conditionOf, type ConditionStatus, withoutCondition } from "#api/meta/conditions.ts";
import { formatTime, parseTime } from "#schema/time.ts";
import { limitsOf, sum, wanted } from "./replica-sets.ts";

/** Given as "no deadline". */
const noDeadline = 2_147_483_647;

export const hasDeadline = ({ spec }: Deployment): boolean => (spec.progressDeadlineSeconds ?? noDeadline) !== noDeadline;

export type Conditions = readonly DeploymentCondition[];

/** As in the API's conventions, but both times are kept while status and reason stay. */
export function withDeploymentCondition(
  conditions: Conditions,
  condition: { readonly type: string; readonly status: ConditionStatus; readonly reason: string; readonly message: string },
  now: number,
): Conditions {
  const old = conditionOf(conditions, condition.type);
  if (old?.status === condition.status && old.reason === condition.reason) return conditions;
  const time = formatTime(now);
  const lastTransitionTime = old?.status === condition.status ? (old.lastTransitionTime ?? time) : time;
  return [...withoutCondition(conditions, condition.type), { ...condition, lastUpdateTime: time, lastTransitionTime }];
}

/** Status as counted, with availability; progress is `withProgress`'s to say. */
export function countedStatus(
  deployment: Deployment,
  sets: readonly ReplicaSet[],
  current: ReplicaSet | undefined,
  now: number,
): DeploymentStatus {
  const { status } = deployment;
  const available = sum(sets, (set) => set.status.availableReplicas ?? 0);
  const ready = sum(sets, (set) => set.status.readyReplicas ?? 0);
  const replicas = sum(sets, (set) => set.status.replicas);
  const terminating = sum(sets, (set) => set.status.terminatingReplicas ?? 0);
  const unavailable = Math.max(0, sum(sets, wanted) - available);
  const updated = current?.status.replicas ?? 0;
  const isAvailable = available >= wanted(deployment) - limitsOf(deployment).maxUnavailable;
  const conditions = withDeploymentCondition(
    status.conditions ?? [],
    isAvailable
      ? { type: "Available", status: "True", reason: "MinimumReplicasAvailable", message: "Deployment has minimum availability." }
      : {
          type: "Available",
          status: "False",
          reason: "MinimumReplicasUnavailable",
          message: "Deployment does not have minimum availability.",
        },
    now,
  );
  return {
    observedGeneration: deployment.metadata.generation ?? 0,
    ...(replicas > 0 && { replicas }),
    ...(updated > 0 && { updatedReplicas: updated }),
    ...(ready > 0 && { readyReplicas: ready }),
    ...(available > 0 && { availableReplicas: available }),
    ...(unavailable > 0 && { unavailableReplicas: unavailable }),
    ...(sets.some((set) => set.status.terminatingReplicas !== undefined) && { terminatingReplicas: terminating }),
    ...(status.collisionCount !== undefined && { collisionCount: status.collisionCount }),
    conditions,
  };
}

export function isComplete(deployment: Deployment, status: DeploymentStatus): boolean {
  const replicas = wanted(deployment);
  return (
    (status.updatedReplicas ?? 0) === replicas &&
    (status.replicas ?? 0) === replicas &&
    (status.availableReplicas ?? 0) === replicas &&
    Number(status.observedGeneration ?? 0) >= Number(deployment.metadata.generation ?? 0)
  );
}

function movedOn(before: DeploymentStatus, after: DeploymentStatus): boolean {
  const old = (status: DeploymentStatus) => (status.replicas ?? 0) - (status.updatedReplicas ?? 0);
  return (
    (after.updatedReplicas ?? 0) > (before.updatedReplicas ?? 0) ||
    old(after) < old(before) ||
    (after.readyReplicas ?? 0) > (before.readyReplicas ?? 0) ||
    (after.availableReplicas ?? 0) > (before.availableReplicas ?? 0)
  );
}

/** When the deadline for progress passes; undefined when nothing is waited for. */
export function deadlineOf(deployment: Deployment, conditions: Conditions): number | undefined {
  const condition = conditionOf(conditions, "Progressing");
  if (!hasDeadline(deployment) || !condition || deployment.spec.paused) return undefined;
  if (condition.reason === "NewReplicaSetAvailable" || condition.reason === "ProgressDeadlineExceeded") return undefined;
  const from = condition.lastUpdateTime ?? condition.lastTransitionTime;
  return from === undefined ? undefined : parseTime(from) + (deployment.spec.progressDeadlineSeconds ?? 0) * 1000;
}

/** The status with the Progressing condition brought up to date, and the failures of its ReplicaSets. */
export function withProgress(
  deployment: Deployment,
  status: DeploymentStatus,
  sets: readonly ReplicaSet[],
  current: ReplicaSet | undefined,
  now: number,
): DeploymentStatus {
  const failure = failureOf(sets, current);
  const before = status.conditions ?? [];
  const progress = hasDeadline(deployment)
    ? progressOf(deployment, { ...status, conditions: before }, current, now)
    : withoutCondition(before, "Progressing");
  const others = withoutCondition(progress, "ReplicaFailure");
  const conditions = failure
    ? withDeploymentCondition(
        progress,
        { type: "ReplicaFailure", status: "True", reason: failure.reason ?? "", message: failure.message ?? "" },
        now,
      )
    : others;
  return { ...status, conditions };
}

function failureOf(sets: readonly ReplicaSet[], current: ReplicaSet | undefined) {
  const ordered = current ? [current, ...sets.filter((set) => set !== current)] : sets;
  for (const set of ordered) {
    const failure = conditionOf(set.status.conditions, "ReplicaFailure");
    if (failure) return failure;
  }
  return undefined;
}

function progressOf(
  deployment: Deployment,
  status: DeploymentStatus & { readonly conditions: Conditions },
  current: ReplicaSet | undefined,
  now: number,
): Conditions {
  const { conditions } = status;
  const known = conditionOf(conditions, "Progressing");
  if ((status.replicas ?? 0) === (status.updatedReplicas ?? 0) && known?.reason === "NewReplicaSetAvailable") return conditions;
  const what = current ? `ReplicaSet "${current.metadata.name}"` : `Deployment "${deployment.metadata.name}"`;
  const say = (statusText: ConditionStatus, reason: string, message: string) => ({
    type: "Progressing",
    status: statusText,
    reason,
    message,
  });
  if (isComplete(deployment, status))
    return withDeploymentCondition(conditions, say("True", "NewReplicaSetAvailable", `${what} has successfully progressed.`), now);
  if (movedOn(deployment.status, status)) {
    const time = formatTime(now);
    const lastTransitionTime = known?.status === "True" ? (known.lastTransitionTime ?? time) : time;
    const condition = {
      ...say("True", "ReplicaSetUpdated", `${what} is progressing.`),
      lastUpdateTime: time,
      lastTransitionTime,
    };
    return [...withoutCondition(conditions, "Progressing"), condition];
  }
  const deadline = deadlineOf(deployment, conditions);
  if (deadline !== undefined && deadline <= now)
    return withDeploymentCondition(conditions, say("False", "ProgressDeadlineExceeded", `${what} has timed out progressing.`), now);
  return conditions;
}
