// Keeps as many Pods of a template as asked for: makes missing ones, lets surplus ones go, and reports how many there are.
import { ReplicaSet, type ReplicaSetCondition, type ReplicaSetStatus } from "#api/apps/replica-set/replica-set.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { isActive, isAvailable, isReady, isTerminal, isTerminating, readySince } from "#api/core/pod/readiness.ts";
import { conditionOf, withCondition, withoutCondition } from "#api/meta/conditions.ts";
import { selects } from "#api/meta/selects.ts";
import { deepEqual } from "#schema/derive/equal.ts";
import { formatTime } from "#schema/time.ts";
import { claim, claimable } from "../claim.ts";
import { again, attempt, controller, create, may, remove, status, type Step, together, updateStatus } from "../controller.ts";
import { firstToGo } from "../deletion-order.ts";
import { podFromTemplate } from "../pod-from-template.ts";

export const replicaSetController = controller({
  name: "replicaset-controller",
  for: ReplicaSet,
  reads: {
    pods: claimable(
      ReplicaSet,
      Pod,
      (set) => set.spec.selector,
      ({ status: seen }) => [seen.phase, conditionOf(seen.conditions, "Ready")],
    ),
  },
  writes: [may(Pod, "create", "patch", "delete"), may(ReplicaSet, "update"), may(status(ReplicaSet), "update")],
  decide,
});

interface Observed {
  readonly object: ReplicaSet;
  readonly pods: readonly Pod[];
  readonly now: number;
}

/** The most Pods made or deleted in one round; the next round goes on. */
const burst = 500;

export function decide({ object: set, pods: candidates, now }: Observed): readonly Step[] {
  const { mine, steps: claims } = claim(set, set.spec.selector, Pod, candidates);
  const active = mine.filter(isActive);
  const changes = set.metadata.deletionTimestamp ? [] : scale(set, active);
  const guarded =
    changes.length > 0
      ? [attempt(changes, (reason) => report(set, mine, active, now, { wasMissing: active.length < (set.spec.replicas ?? 1), reason }))]
      : [];
  return [...claims, ...guarded, ...report(set, mine, active, now)];
}

function scale(set: ReplicaSet, active: readonly Pod[]): readonly Step[] {
  const missing = (set.spec.replicas ?? 1) - active.length;
  if (missing > 0) {
    const make = create(Pod, podFromTemplate(set, set.spec.template), {
      announce: {
        about: set,
        done: { reason: "SuccessfulCreate", message: "Created pod: {name}" },
        failed: { reason: "FailedCreate", message: "Error creating: {error}" },
      },
    });
    return [together(Array<Step>(Math.min(missing, burst)).fill(make))];
  }
  if (missing < 0) {
    const onNode = new Map<string, number>();
    for (const { spec } of active) if (spec.nodeName) onNode.set(spec.nodeName, (onNode.get(spec.nodeName) ?? 0) + 1);
    const surplus = firstToGo(active, (pod) => onNode.get(pod.spec.nodeName ?? "") ?? 0).slice(0, Math.min(-missing, burst));
    const announce = {
      about: set,
      done: { reason: "SuccessfulDelete", message: "Deleted pod: {name}" },
      failed: { reason: "FailedDelete", message: "Error deleting: {error}" },
    };
    return [together(surplus.map((pod) => remove(Pod, pod, { announce })))];
  }
  return [];
}

interface Failure {
  readonly wasMissing: boolean;
  readonly reason: string;
}

function report(set: ReplicaSet, mine: readonly Pod[], active: readonly Pod[], now: number, failure?: Failure): readonly Step[] {
  const { minReadySeconds = 0, template, replicas = 1 } = set.spec;
  const wanted = template.metadata.labels ?? {};
  const ready = active.filter(isReady);
  const available = ready.filter((pod) => isAvailable(pod, minReadySeconds, now));
  const fullyLabeled = active.filter((pod) => selects({ matchLabels: wanted }, pod.metadata.labels));
  const terminating = mine.filter((pod) => isTerminating(pod) && !isTerminal(pod));
  const conditions = conditionsAfter(set, failure, active.length === replicas, now);
  const next: ReplicaSetStatus = {
    replicas: active.length,
    ...(fullyLabeled.length > 0 && { fullyLabeledReplicas: fullyLabeled.length }),
    ...(ready.length > 0 && { readyReplicas: ready.length }),
    ...(available.length > 0 && { availableReplicas: available.length }),
    ...(terminating.length > 0 && { terminatingReplicas: terminating.length }),
    observedGeneration: set.metadata.generation ?? 0,
    ...(conditions.length > 0 && { conditions }),
  };
  const steps: Step[] = [];
  if (!deepEqual(next, set.status)) steps.push(updateStatus(ReplicaSet, { ...set, status: next }));
  const soonest = Math.min(
    ...ready.filter((pod) => !available.includes(pod)).map((pod) => (readySince(pod) ?? now) + minReadySeconds * 1000 - now),
  );
  if (Number.isFinite(soonest)) steps.push(again(Math.max(soonest, 100)));
  return steps;
}

/** A failure to make or delete Pods is told until there are as many as there should be. */
function conditionsAfter(set: ReplicaSet, failure: Failure | undefined, isDone: boolean, now: number): readonly ReplicaSetCondition[] {
  const { conditions } = set.status;
  if (!failure) return isDone ? withoutCondition(conditions, "ReplicaFailure") : (conditions ?? []);
  if (conditionOf(conditions, "ReplicaFailure")) return conditions ?? [];
  const reason = failure.wasMissing ? "FailedCreate" : "FailedDelete";
  return withCondition(conditions, { type: "ReplicaFailure", status: "True", reason, message: failure.reason }, formatTime(now));
}
