// What the server sets on a Pod before it is created or updated, and how long it may take to end.
import type { Pod } from "./pod.ts";
import { qualityOfService } from "./quality-of-service.ts";
import { isTerminal } from "./readiness.ts";

export function preparePod(pod: Pod, { old }: { readonly old?: Pod; readonly subresource: string }): Pod {
  return old === undefined ? newPod(pod) : withOldClass(pod, old);
}

/** A new Pod waits for a Node, or for the gates that keep it from getting one. */
function newPod(pod: Pod): Pod {
  const gated = (pod.spec.schedulingGates ?? []).length > 0;
  const conditions = [
    {
      type: "PodScheduled",
      status: "False",
      reason: "SchedulingGated",
      message: "Scheduling is blocked due to non-empty scheduling gates",
    },
  ];
  return { ...pod, status: { phase: "Pending", qosClass: qualityOfService(pod), ...(gated && { conditions }) } };
}

/** The class of service is settled at creation, whatever a status says. */
function withOldClass(pod: Pod, old: Pod): Pod {
  if (old.status.qosClass === undefined || pod.status.qosClass === old.status.qosClass) return pod;
  return { ...pod, status: { ...pod.status, qosClass: old.status.qosClass } };
}

/** A Pod that runs nowhere, or has ended, has nothing to end. A time before now stands for as soon as may be. */
export function graceSeconds(pod: Pod): number | undefined {
  if (!pod.spec.nodeName || isTerminal(pod)) return undefined;
  const seconds = Number(pod.spec.terminationGracePeriodSeconds);
  return seconds < 0 ? 1 : seconds;
}
