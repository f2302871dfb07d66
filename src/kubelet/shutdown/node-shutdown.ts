// The node before its machine goes down: it takes no more Pods, says that it is not ready, and ends those it has in good order, the
// least important first. It is told by systemd's logind, or, where another program keeps the machine, by SIGPWR.
import type { Scope } from "#base/scope.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import type { World } from "#platform/world.ts";
import type { EvictablePod } from "../eviction/eviction.ts";
import { grouped, longest, type ShutdownGroup } from "./groups.ts";
import { followLogind } from "./logind.ts";

export interface NodeShutdown {
  readonly isShuttingDown: boolean;
}

export interface NodeShutdownNeeds {
  readonly groups: readonly ShutdownGroup[];
  /** Pods that are not over. */
  readonly pods: () => readonly EvictablePod[];
  /** It has begun, or was called off. */
  readonly changed: () => void;
}

export const notReadyMessage = "node is shutting down";
const endedMessage = "Pod was terminated in response to imminent node shutdown.";
const lookMilliseconds = 100;

/** Why a node that goes down takes no Pod. */
export const refusal = { reason: "NodeShutdown", message: "Pod was rejected as the node is shutting down." } as const;

export function startNodeShutdown(scope: Scope, world: World, needs: NodeShutdownNeeds): NodeShutdown {
  const { groups, changed } = needs;
  let isShuttingDown = false;
  const set = (value: boolean) => {
    if (isShuttingDown === value) return;
    isShuttingDown = value;
    changed();
  };
  const shutDown = async (task: Scope) => {
    if (isShuttingDown) return;
    set(true);
    await endPods(task, world, needs);
  };
  scope.start("node shutdown", (task) =>
    followLogind(task, world, longest(groups), { shuttingDown: () => shutDown(task), cancelled: () => set(false) }),
  );
  world.processes.onSignal(scope, "SIGPWR", () => {
    world.log.info("the machine is about to shut down, says SIGPWR");
    scope.start("ending Pods", shutDown);
  });
  return {
    get isShuttingDown() {
      return isShuttingDown;
    },
  };
}

/** Ends the Pods group by group; a group that takes longer than it may is left behind. */
export async function endPods(task: Scope, world: World, { groups, pods }: Pick<NodeShutdownNeeds, "groups" | "pods">): Promise<void> {
  const all = grouped(groups, pods());
  for (const [index, { graceSeconds }] of groups.entries()) {
    const members = all[index] ?? [];
    for (const one of members)
      one.fail({
        reason: "Terminated",
        message: endedMessage,
        graceSeconds: Math.min(graceSeconds, graceOf(one.pod)),
        disruption: endedMessage,
      });
    const deadline = world.clock.monotonic() + graceSeconds * 1_000;
    while (members.some(({ hasEnded }) => !hasEnded) && world.clock.monotonic() < deadline) await world.clock.sleep(task, lookMilliseconds);
  }
}

function graceOf({ spec }: Pod): number {
  return Number(spec.terminationGracePeriodSeconds ?? 30);
}
