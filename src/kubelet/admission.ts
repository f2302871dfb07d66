// Whether a Pod that was bound to this node can run on it. What cannot is told so and never tried.
import type { Node } from "#api/core/node/node.ts";
import { allowsNode } from "#api/core/pod/node-affinity.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import { isSidecar, podRequests } from "#api/core/pod/resources.ts";
import { untolerated } from "#api/core/pod/tolerations.ts";
import { quantityToMilli, quantityToWhole } from "#schema/quantity.ts";
import { allContainers, isControlPlane, isStatic } from "./layout.ts";
import type { ResizeVerdict } from "./pod-worker/resizing.ts";
import { sysctlProblem } from "./sysctls.ts";

export interface Rejection {
  readonly reason: string;
  readonly message: string;
}

export interface NodeLimits {
  readonly maxPods: number;
  readonly allowedUnsafeSysctls?: readonly string[] | undefined;
  /** Whether the kernel has AppArmor; undefined where nobody looked. */
  readonly appArmor?: boolean | undefined;
}

/** `others` are the Pods that are here already and not over. Undefined: it may run. */
export function admit(
  pod: Pod,
  others: readonly Pod[],
  node: Node | undefined,
  { maxPods, allowedUnsafeSysctls = [], appArmor }: NodeLimits,
): Rejection | undefined {
  if (isControlPlane(pod)) return undefined;
  const sysctl = sysctlProblem(pod, allowedUnsafeSysctls, node?.status.nodeInfo.kernelVersion ?? "");
  if (sysctl) return rejection("SysctlForbidden", sysctl);
  if (others.length + 1 > maxPods) return outOf("pods", 1, others.length, maxPods);
  if (appArmor === false && wantsAppArmor(pod))
    return rejection("AppArmor", "Cannot enforce AppArmor: AppArmor is not enabled on the host");
  if (!node) return undefined;
  if (!isStatic(pod) && !allowsNode(pod, node)) return rejection("NodeAffinity", "Predicate NodeAffinity failed");
  if (portsClash(pod, others)) return rejection("NodePorts", "Predicate NodePorts failed");
  const evicting = (node.spec.taints ?? []).filter(({ effect }) => effect === "NoExecute");
  if (!isStatic(pod) && untolerated(pod.spec.tolerations, evicting).length > 0)
    return rejection("TaintToleration", "Predicate TaintToleration failed");
  const { operatingSystem } = node.status.nodeInfo;
  if (pod.spec.os && operatingSystem && pod.spec.os.name !== operatingSystem)
    return rejection("PodOSNotSupported", "Failed to admit pod as the OS field doesn't match node OS");
  if (pod.spec.securityContext?.supplementalGroupsPolicy === "Strict" && !node.status.features?.supplementalGroupsPolicy)
    return rejection("SupplementalGroupsPolicyNotSupported", "SupplementalGroupsPolicy=Strict is not supported in this node");
  const allocatable = node.status.allocatable ?? {};
  for (const [name, amount] of Object.entries(podRequests(pod))) {
    // Whoever placed the Pod here keeps account of what this node has never heard of.
    if (allocatable[name] === undefined && isExtended(name)) continue;
    const count = name === "cpu" ? quantityToMilli : quantityToWhole;
    const requested = count(amount);
    if (requested === 0) continue;
    const used = others.reduce((sum, other) => sum + count(podRequests(other)[name] ?? "0"), 0);
    const capacity = allocatable[name] === undefined ? 0 : count(allocatable[name]);
    if (requested + used > capacity) return outOf(name, requested, used, capacity);
  }
  return undefined;
}

/** Whether amounts of a Pod that runs here may become those it says: `others` are the other Pods of the node. */
export function judgeResize(pod: Pod, others: readonly Pod[], node: Node | undefined): ResizeVerdict {
  if (!node) return { fits: false, reason: "Deferred", message: "the node is not known yet" };
  const allocatable = node.status.allocatable ?? {};
  const requested = podRequests(pod);
  for (const name of ["memory", "cpu"] as const) {
    const { wanted, capacity } = { wanted: countOf(name, requested[name]), capacity: countOf(name, allocatable[name]) };
    if (wanted > capacity) {
      const message = `Node didn't have enough capacity: ${name}, requested: ${wanted}, capacity: ${capacity}`;
      return { fits: false, reason: "Infeasible", message };
    }
  }
  for (const name of ["cpu", "memory"] as const) {
    const { wanted, capacity } = { wanted: countOf(name, requested[name]), capacity: countOf(name, allocatable[name]) };
    const used = others.reduce((sum, other) => sum + countOf(name, podRequests(other)[name]), 0);
    if (wanted === 0 || wanted + used <= capacity) continue;
    const message = `Node didn't have enough resource: ${name}, requested: ${wanted}, used: ${used}, capacity: ${capacity}`;
    return { fits: false, reason: "Deferred", message };
  }
  return { fits: true };
}

function countOf(name: "cpu" | "memory", amount = "0"): number {
  return name === "cpu" ? quantityToMilli(amount) : quantityToWhole(amount);
}

/** A resource that others than Kubernetes named. */
function isExtended(name: string): boolean {
  return name.includes("/") && !name.includes("kubernetes.io/");
}

function outOf(name: string, requested: number, used: number, capacity: number): Rejection {
  const why = `Node didn't have enough resource: ${name}, requested: ${requested}, used: ${used}, capacity: ${capacity}`;
  return rejection(`OutOf${name}`, why);
}

function rejection(reason: string, why: string): Rejection {
  return { reason, message: `Pod was rejected: ${why}` };
}

/** Whether a port of the node that the Pod wants is taken. */
function portsClash(pod: Pod, others: readonly Pod[]): boolean {
  const taken = others.flatMap(hostPorts);
  return hostPorts(pod).some((one) =>
    taken.some(
      (other) =>
        one.hostPort === other.hostPort &&
        one.protocol === other.protocol &&
        (isAnyAddress(one.hostIP) || isAnyAddress(other.hostIP) || one.hostIP === other.hostIP),
    ),
  );
}

function hostPorts({ spec }: Pod) {
  const lasting = [...spec.containers, ...(spec.initContainers ?? []).filter(isSidecar)];
  return lasting.flatMap(({ ports = [] }) => ports.filter(({ hostPort }) => hostPort));
}

function isAnyAddress(address = ""): boolean {
  return address === "" || address === "0.0.0.0" || address === "::";
}

function wantsAppArmor(pod: Pod): boolean {
  const profiles = [pod.spec.securityContext, ...allContainers(pod).map(({ securityContext }) => securityContext)].map(
    (context) => context?.appArmorProfile?.type,
  );
  return profiles.some((type) => type === "RuntimeDefault" || type === "Localhost");
}
