// Removes Pods that nobody else will: those on Nodes that are gone, those that are to go and never got a Node or are on one that is said to
// be out of service, and ended ones beyond a limit.
import type { Scope } from "#base/scope.ts";
import { Node } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { isTerminal, isTerminating } from "#api/core/pod/readiness.ts";
import { conditionOf, withCondition } from "#api/meta/conditions.ts";
import { isReason } from "#api/meta/status-error.ts";
import type { World } from "#platform/world.ts";
import { formatTime, parseTime } from "#schema/time.ts";
import { type ControllerNeeds, freeController, may, status } from "../controller.ts";

export const podGarbageCollectorController = freeController({
  name: "pod-garbage-collector-controller",
  because: "the limit counts the Pods of all Namespaces together, and a Node that is gone is given some time to come back",
  reads: [Node, Pod],
  writes: [may(Pod, "delete"), may(status(Pod), "patch"), may(Node, "get")],
  run,
});

const periodMilliseconds = 20_000;
/** A Node must be gone this long: a new one of the same name may be on its way. */
const quarantineMilliseconds = 40_000;

function run(scope: Scope, world: World, { client, informers, facts }: ControllerNeeds): void {
  const pods = informers.for(Pod);
  const nodes = informers.for(Node);
  const missingSince = new Map<string, number>();

  scope.start("pod-garbage-collector-controller", async (task) => {
    await Promise.all([pods.synced, nodes.synced]);
    for (;;) {
      const all = pods.list();
      const lost = await lostNodes(all);
      const outOfService = new Set(nodes.list().flatMap((node) => (isOutOfService(node) ? [node.metadata.name] : [])));
      const found = collectable(all, { lost, outOfService, endedMax: facts.terminatedPodsMax ?? 12_500 });
      for (const { pod, reason } of found) await remove(pod, reason);
      await world.clock.sleep(task, periodMilliseconds);
    }
  });

  async function lostNodes(all: readonly Pod[]): Promise<ReadonlySet<string>> {
    const now = world.clock.monotonic();
    const missing = new Set(all.map(({ spec }) => spec.nodeName ?? "").filter((name) => name !== "" && !nodes.get(name)));
    for (const name of missingSince.keys()) if (!missing.has(name)) missingSince.delete(name);
    const lost = new Set<string>();
    for (const name of missing) {
      const since = missingSince.get(name) ?? now;
      missingSince.set(name, since);
      if (now - since >= quarantineMilliseconds && (await isGone(name))) lost.add(name);
    }
    return lost;
  }

  async function isGone(name: string): Promise<boolean> {
    try {
      await client.get(Node, { name });
      return false;
    } catch (error) {
      return isReason(error, "NotFound");
    }
  }

  async function remove(pod: Pod, reason: Reason): Promise<void> {
    try {
      if (!isTerminal(pod) && reason !== "ended") await markFailed(pod, reason);
      await client.delete(Pod, pod.metadata, { gracePeriodSeconds: 0, preconditions: { uid: pod.metadata.uid } });
      pods.observeDeleted(pod);
    } catch (error) {
      if (!isReason(error, "NotFound"))
        world.log.debug("cannot remove a pod; trying again", { pod: pod.metadata.name, reason, error: (error as Error).message });
    }
  }

  async function markFailed(pod: Pod, reason: Reason): Promise<void> {
    const before = pod.status.conditions ?? [];
    const conditions =
      reason === "node gone" && !conditionOf(before, "DisruptionTarget")
        ? withCondition(
            before,
            { type: "DisruptionTarget", status: "True", reason: "DeletionByPodGC", message: "PodGC: node no longer exists" },
            formatTime(world.clock.now()),
          )
        : before;
    const change = { status: { phase: "Failed", ...(conditions !== before && { conditions: [...conditions] }) } };
    await client.patch(Pod, pod.metadata, JSON.parse(JSON.stringify(change)), { type: "merge", subresource: "status" });
  }
}

type Reason = "ended" | "node gone" | "node out of service" | "never bound";

/** Somebody vouches that the machine is off and stays off: its Pods need not be waited for. */
function isOutOfService({ spec, status: { conditions } }: Node): boolean {
  const isWell = conditionOf(conditions, "Ready")?.status === "True";
  return !isWell && (spec.taints ?? []).some(({ key }) => key === "node.kubernetes.io/out-of-service");
}

export interface Circumstances {
  /** Nodes that are gone. */
  readonly lost: ReadonlySet<string>;
  readonly outOfService: ReadonlySet<string>;
  /** Ended Pods that may stay; 0: all. */
  readonly endedMax: number;
}

/** Which Pods go, and why. */
export function collectable(
  pods: readonly Pod[],
  { lost, outOfService, endedMax }: Circumstances,
): readonly { readonly pod: Pod; readonly reason: Reason }[] {
  const found = new Map<Pod, Reason>();
  const ended = endedMax > 0 ? pods.filter((pod) => isTerminal(pod) && !isTerminating(pod)) : [];
  const oldestFirst = [...ended].sort(
    (left, right) => parseTime(left.metadata.creationTimestamp) - parseTime(right.metadata.creationTimestamp),
  );
  for (const pod of oldestFirst.slice(0, Math.max(0, ended.length - endedMax))) found.set(pod, "ended");
  for (const pod of pods) {
    const { nodeName = "" } = pod.spec;
    if (lost.has(nodeName)) found.set(pod, "node gone");
    else if (isTerminating(pod) && outOfService.has(nodeName)) found.set(pod, "node out of service");
    else if (!pod.spec.nodeName && isTerminating(pod)) found.set(pod, "never bound");
  }
  return [...found].map(([pod, reason]) => ({ pod, reason }));
}
