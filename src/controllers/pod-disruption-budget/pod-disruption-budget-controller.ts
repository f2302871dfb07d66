// Counts how many of a budget's Pods may be evicted now; evictions look at nothing else.
import { Deployment } from "#api/apps/deployment/deployment.ts";
import { ReplicaSet } from "#api/apps/replica-set/replica-set.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { isReady, isTerminal, isTerminating } from "#api/core/pod/readiness.ts";
import { withCondition } from "#api/meta/conditions.ts";
import { controllerOf } from "#api/meta/owner.ts";
import { selects } from "#api/meta/selects.ts";
import { PodDisruptionBudget, type PodDisruptionBudgetStatus } from "#api/policy/pod-disruption-budget/pod-disruption-budget.ts";
import { deepEqual } from "#schema/derive/equal.ts";
import type { KubernetesObject } from "#schema/kind.ts";
import { formatTime, parseTime } from "#schema/time.ts";
import { again, controller, inNamespace, may, type Related, status, type Step, tell, updateStatus } from "../controller.ts";
import { scaledValue } from "../scaled-value.ts";

const concerns = (budget: PodDisruptionBudget, pod: Pod) => selects(budget.spec.selector, pod.metadata.labels);

/** Owners of Pods say how many there should be; a change of size concerns every budget of the namespace. */
function owners<O extends KubernetesObject & { readonly spec: { readonly replicas?: number | undefined } }>(
  kind: Related<PodDisruptionBudget, O>["kind"],
): Related<PodDisruptionBudget, O> {
  return {
    kind,
    find: ({ metadata }, all) => all.list(metadata.namespace),
    wakes: ({ type, object, old }, budgets) =>
      type === "changed" && old.spec.replicas === object.spec.replicas
        ? []
        : budgets.list(object.metadata.namespace).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
  };
}

export const podDisruptionBudgetController = controller({
  name: "disruption-controller",
  for: PodDisruptionBudget,
  reads: {
    pods: inNamespace<PodDisruptionBudget, Pod>(Pod, concerns),
    sets: owners<ReplicaSet>(ReplicaSet),
    deployments: owners<Deployment>(Deployment),
  },
  writes: [may(status(PodDisruptionBudget), "update")],
  decide,
});

interface Observed {
  readonly object: PodDisruptionBudget;
  readonly pods: readonly Pod[];
  readonly sets: readonly ReplicaSet[];
  readonly deployments: readonly Deployment[];
  readonly now: number;
}

/** An eviction that was granted is forgotten when its Pod is still there after this. */
const evictionMilliseconds = 120_000;

export function decide({ object: budget, pods: all, sets, deployments, now }: Observed): readonly Step[] {
  if (budget.metadata.deletionTimestamp) return [];
  const pods = all.filter((pod) => !isTerminal(pod));
  if (pods.length === 0 && all.length === 0 && Number(budget.status.observedGeneration ?? -1) < 0)
    return [tell(budget, "Normal", "NoPods", "No matching pods found"), ...report(budget, [], 0, 0, now)];
  const { minAvailable, maxUnavailable } = budget.spec;
  let expected = pods.length;
  if (maxUnavailable !== undefined || typeof minAvailable === "string") {
    const scale = expectedScale(pods, sets, deployments);
    if (typeof scale === "string") {
      return [
        tell(budget, "Warning", "CalculateExpectedPodCountFailed", `Failed to calculate the number of expected pods: ${scale}`),
        ...failed(budget, scale, now),
      ];
    }
    expected = scale;
  }
  const desired =
    maxUnavailable !== undefined
      ? Math.max(0, expected - scaledValue(maxUnavailable, expected, "up"))
      : minAvailable !== undefined
        ? scaledValue(minAvailable, expected, "up")
        : 0;
  return report(budget, pods, expected, desired, now);
}

/** How many Pods their owners want together; text when an owner cannot be asked. */
function expectedScale(pods: readonly Pod[], sets: readonly ReplicaSet[], deployments: readonly Deployment[]): number | string {
  const replicas = new Map<string, number>();
  for (const pod of pods) {
    const reference = controllerOf(pod);
    if (!reference) continue;
    const set = sets.find(({ metadata }) => metadata.uid === reference.uid);
    if (!set) return `${reference.kind.toLowerCase()}s.${reference.apiVersion.split("/")[0]} does not implement the scale subresource`;
    const above = controllerOf(set);
    const deployment = above && deployments.find(({ metadata }) => metadata.uid === above.uid);
    if (deployment) replicas.set(deployment.metadata.uid, deployment.spec.replicas ?? 1);
    else replicas.set(set.metadata.uid, set.spec.replicas ?? 1);
  }
  const bare = pods.filter((pod) => !controllerOf(pod));
  if (bare.length > 0 && replicas.size === 0) return `found no controllers for pod "${bare[0]?.metadata.name}"`;
  return [...replicas.values()].reduce((sum, count) => sum + count, 0);
}

function report(budget: PodDisruptionBudget, pods: readonly Pod[], expected: number, desired: number, now: number): readonly Step[] {
  const byName = new Map(pods.map((pod) => [pod.metadata.name, pod]));
  const granted = Object.entries(budget.status.disruptedPods ?? {}).filter(
    ([name, at]) => byName.has(name) && !isTerminating(byName.get(name) as Pod) && parseTime(at) + evictionMilliseconds > now,
  );
  const grantedNames = new Set(granted.map(([name]) => name));
  const healthy = pods.filter((pod) => isReady(pod) && !isTerminating(pod) && !grantedNames.has(pod.metadata.name)).length;
  const allowed = expected === 0 ? 0 : Math.max(0, healthy - desired);
  const generation = Number(budget.metadata.generation ?? 0);
  const conditions = withCondition(
    budget.status.conditions,
    {
      type: "DisruptionAllowed",
      status: allowed > 0 ? "True" : "False",
      reason: allowed > 0 ? "SufficientPods" : "InsufficientPods",
      message: "",
      observedGeneration: generation,
    },
    formatTime(now),
  );
  const next: PodDisruptionBudgetStatus = {
    disruptionsAllowed: allowed,
    currentHealthy: healthy,
    desiredHealthy: desired,
    expectedPods: expected,
    observedGeneration: generation,
    ...(granted.length > 0 && { disruptedPods: Object.fromEntries(granted) }),
    conditions,
  };
  const soonest = Math.min(...granted.map(([, at]) => parseTime(at) + evictionMilliseconds));
  return [
    ...(deepEqual(next, withoutEmpty(budget.status)) ? [] : [updateStatus(PodDisruptionBudget, { ...budget, status: next })]),
    ...(Number.isFinite(soonest) ? [again(Math.max(soonest - now, 1_000))] : []),
  ];
}

/** Nothing may be evicted while it is not known how many there should be. */
function failed(budget: PodDisruptionBudget, why: string, now: number): readonly Step[] {
  const conditions = withCondition(
    budget.status.conditions,
    {
      type: "DisruptionAllowed",
      status: "False",
      reason: "SyncFailed",
      message: why,
      observedGeneration: Number(budget.metadata.generation ?? 0),
    },
    formatTime(now),
  );
  const next = { ...budget.status, disruptionsAllowed: 0, conditions };
  return deepEqual(next, budget.status) ? [] : [updateStatus(PodDisruptionBudget, { ...budget, status: next })];
}

function withoutEmpty({ disruptedPods, ...status }: PodDisruptionBudgetStatus): PodDisruptionBudgetStatus {
  return Object.keys(disruptedPods ?? {}).length > 0 ? { ...status, disruptedPods } : status;
}
