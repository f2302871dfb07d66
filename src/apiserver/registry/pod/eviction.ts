// pods/eviction: a deletion that asks the disruption budgets first. The budget is charged before the Pod goes, so that two evictions
// at once cannot both take the last one.
import { withCondition } from "#api/meta/conditions.ts";
import { isReason, StatusError } from "#api/meta/status-error.ts";
import { Eviction } from "#api/policy/eviction/eviction.ts";
import { PodDisruptionBudget } from "#api/policy/pod-disruption-budget/pod-disruption-budget.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { labelSelector } from "#schema/derive/selectors.ts";
import { formatTime } from "#schema/time.ts";
import { badRequest } from "../errors.ts";
import type { Call, CustomSubresource } from "../resource.ts";

/** A budget notes at most so many Pods that are about to go. */
const disruptedPodsMax = 2_000;
const attemptsMax = 5;

export const eviction: CustomSubresource = {
  type: "custom",
  verbs: ["create"],
  takes: { group: "policy", version: "v1", kind: "Eviction" },
  async handle(call) {
    const sent = await call.read(Eviction);
    const { namespace, name } = call.request.info;
    if (sent.metadata.name && sent.metadata.name !== name) throw badRequest("name in URL does not match name in Eviction object");
    await call.admit("CREATE", sent);
    const { gracePeriodSeconds, preconditions, dryRun: dryRuns = [] } = sent.deleteOptions ?? {};
    const dryRun = call.dryRun || dryRuns.length > 0;
    const pods = call.registry.of(Pod);
    for (let attempt = 1; ; attempt++) {
      const pod = await pods.get(namespace, name);
      const { uid, resourceVersion } = pod.metadata;
      const isMeant = (preconditions?.uid ?? uid) === uid && (preconditions?.resourceVersion ?? resourceVersion) === resourceVersion;
      const isJudged = isExempt(pod) || (isMeant && (await chargeBudget(call, pod, dryRun)) === "spared");
      // What was let go for its state must still be in that state when it goes.
      const expected = preconditions?.resourceVersion ?? (isJudged ? resourceVersion : undefined);
      try {
        const marked = dryRun || !isMeant ? undefined : await markTarget(call, pod, expected);
        const version = expected === undefined ? undefined : (marked ?? expected);
        await pods.delete(namespace, name, {
          user: call.request.user,
          dryRun,
          uid: preconditions?.uid ?? uid,
          ...(version !== undefined && { resourceVersion: version }),
          ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds: Number(gracePeriodSeconds) }),
        });
        break;
      } catch (error) {
        const mayTryAgain = isJudged && isMeant && attempt < attemptsMax;
        if (!mayTryAgain || !isReason(error, "Conflict")) throw error;
      }
    }
    return { object: { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 }, status: 201 };
  },
};

/** Tells why the Pod is about to go. The resourceVersion of what was written; undefined when nothing was, or the Pod is not the one expected. */
async function markTarget(call: Call, { metadata }: Pod, expected: string | undefined): Promise<string | undefined> {
  const time = formatTime(call.world.clock.now());
  let isMarked = false;
  const { namespace = "", name, uid } = metadata;
  const marked = await call.registry.of(Pod).update(
    namespace,
    name,
    (pod) => {
      isMarked = false;
      if (pod.metadata.uid !== uid || pod.metadata.deletionTimestamp !== undefined) return pod;
      if (expected !== undefined && pod.metadata.resourceVersion !== expected) return pod;
      const { generation } = pod.metadata;
      const why = { type: "DisruptionTarget", status: "True", reason: "EvictionByEvictionAPI", message: "Eviction API: evicting" };
      const condition = { ...why, ...(generation !== undefined && { observedGeneration: generation }) };
      isMarked = true;
      return { ...pod, status: { ...pod.status, conditions: withCondition(pod.status.conditions, condition, time) } };
    },
    { user: call.request.user, subresource: "status" },
  );
  return isMarked ? marked.metadata.resourceVersion : undefined;
}

/** Pods that count for no budget: ended, on no node yet, or going already. */
function isExempt({ metadata, spec, status }: Pod): boolean {
  if (status.phase === "Succeeded" || status.phase === "Failed" || metadata.deletionTimestamp !== undefined) return true;
  return status.phase === "Pending" && !spec.nodeName;
}

/** "spared": no budget was charged because of the state the Pod is in. */
async function chargeBudget(call: Call, pod: Pod, dryRun: boolean): Promise<"charged" | "spared" | "free"> {
  const { namespace = "" } = pod.metadata;
  if (!call.registry.kinds.find("policy", "v1", PodDisruptionBudget.plural)) return "free";
  const budgets = call.registry.of(PodDisruptionBudget);
  const { items } = await budgets.list(namespace);
  const matching = items.filter(({ spec }) => labelSelector(spec.selector).matches(pod.metadata.labels));
  const [budget] = matching;
  if (!budget) return "free";
  if (matching.length > 1) {
    throw new StatusError(
      "InternalError",
      "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
      {},
    );
  }
  const ready = pod.status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
  const { unhealthyPodEvictionPolicy } = budget.spec;
  if (!ready && unhealthyPodEvictionPolicy === "AlwaysAllow") return "spared";
  if (!ready && budget.status.currentHealthy >= budget.status.desiredHealthy && budget.status.desiredHealthy > 0) return "spared";
  const now = formatTime(call.world.clock.now());
  await budgets.update(
    namespace,
    budget.metadata.name,
    (current) => {
      const { status, metadata } = current;
      if (Number(status.observedGeneration ?? 0) < Number(metadata.generation ?? 0)) {
        const message = `The disruption budget ${metadata.name} is still being processed by the server.`;
        throw refused("Cannot evict pod as it would violate the pod's disruption budget.", message, 10);
      }
      const disrupted = status.disruptedPods ?? {};
      if (status.disruptionsAllowed <= 0 || Object.keys(disrupted).length > disruptedPodsMax) {
        const message = `The disruption budget ${metadata.name} needs ${status.desiredHealthy} healthy pods and has ${status.currentHealthy} currently`;
        throw refused("Cannot evict pod as it would violate the pod's disruption budget.", message);
      }
      return {
        ...current,
        status: { ...status, disruptionsAllowed: status.disruptionsAllowed - 1, disruptedPods: { ...disrupted, [pod.metadata.name]: now } },
      };
    },
    { subresource: "status", dryRun },
  );
  return "charged";
}

function refused(message: string, cause: string, retryAfterSeconds?: number): StatusError {
  return new StatusError("TooManyRequests", message, {
    causes: [{ reason: "DisruptionBudget", message: cause }],
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}
