// Whether a Pod that was bound to this node can run on it. What cannot is told so and never tried.
import type { Node } from "#api/core/node/node.ts";
import { allowsNode } from "#api/core/pod/node-affinity.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import { podRequests } from "#api/core/pod/resources.ts";
import { quantityToMilli, quantityToWhole } from "#schema/quantity.ts";
import { isControlPlane, isStatic } from "./layout.ts";

export interface Rejection {
  readonly reason: string;
  readonly message: string;
}

/** `others` are the Pods that are here already and not over. Undefined: it may run. */
export function admit(pod: Pod, others: readonly Pod[], node: Node | undefined, maxPods: number): Rejection | undefined {
  if (isControlPlane(pod)) return undefined;
  if (others.length + 1 > maxPods) return outOf("pods", 1, others.length, maxPods);
  if (!node) return undefined;
  if (!isStatic(pod) && !allowsNode(pod, node))
    return { reason: "NodeAffinity", message: "Pod was rejected: Predicate NodeAffinity failed" };
  const allocatable = node.status.allocatable ?? {};
  for (const [name, amount] of Object.entries(podRequests(pod))) {
    const count = name === "cpu" ? quantityToMilli : quantityToWhole;
    const requested = count(amount);
    if (requested === 0) continue;
    const used = others.reduce((sum, other) => sum + count(podRequests(other)[name] ?? "0"), 0);
    const capacity = allocatable[name] === undefined ? 0 : count(allocatable[name]);
    if (requested + used > capacity) return outOf(name, requested, used, capacity);
  }
  return undefined;
}

function outOf(name: string, requested: number, used: number, capacity: number): Rejection {
  const message = `Pod was rejected: Node didn't have enough resource: ${name}, requested: ${requested}, used: ${used}, capacity: ${capacity}`;
  return { reason: `OutOf${name}`, message };
}
