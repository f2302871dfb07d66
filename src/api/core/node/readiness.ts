// What a Node's status and taints say about it.
import { conditionOf, type ConditionStatus, isTrue } from "#api/meta/conditions.ts";
import type { Node, Taint } from "./node.ts";

/** Whether the Node's kubelet says that it can run Pods. */
export function isReady(node: Node): boolean {
  return isTrue(node.status.conditions, "Ready");
}

/** What is known of the Node's readiness: Unknown as well when nothing was ever said. */
export function readiness(node: Node): ConditionStatus {
  return (conditionOf(node.status.conditions, "Ready")?.status ?? "Unknown") as ConditionStatus;
}

/** Taints are the same when key and effect are. */
export function isSameTaint(a: Pick<Taint, "key" | "effect">, b: Pick<Taint, "key" | "effect">): boolean {
  return a.key === b.key && a.effect === b.effect;
}

/** The roles that labels give a Node, sorted: node-role.kubernetes.io/<role>, and kubernetes.io/role=<role>. */
export function rolesOf(node: Node): readonly string[] {
  const prefix = "node-role.kubernetes.io/";
  const roles = Object.entries(node.metadata.labels ?? {}).flatMap(([key, value]) => {
    if (key.startsWith(prefix)) return key === prefix ? [] : [key.slice(prefix.length)];
    return key === "kubernetes.io/role" && value !== "" ? [value] : [];
  });
  return [...new Set(roles)].sort();
}

/** The first address of this type, such as "InternalIP" or "Hostname". */
export function addressOf(node: Node, type: string): string | undefined {
  return node.status.addresses?.find((address) => address.type === type)?.address;
}
