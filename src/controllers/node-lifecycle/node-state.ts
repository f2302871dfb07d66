// What a Node's conditions and taints should be, given whether it was heard of in time.
import type { Node, NodeCondition, Taint } from "#api/core/node/node.ts";
import { conditionOf } from "#api/meta/conditions.ts";
import { deepEqual } from "#schema/derive/equal.ts";
import { formatTime } from "#schema/time.ts";

const reported = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];
const prefix = "node.kubernetes.io/";

/** The conditions of a Node that fell silent: nobody knows any more. The same list when that is said already. */
export function silentConditions(node: Node, now: number): readonly NodeCondition[] {
  const before = node.status.conditions ?? [];
  const time = formatTime(now);
  let conditions = before;
  for (const type of reported) {
    const known = conditionOf(conditions, type);
    if (!known) {
      const { creationTimestamp } = node.metadata;
      conditions = [
        ...conditions,
        {
          type,
          status: "Unknown",
          reason: "NodeStatusNeverUpdated",
          message: "Kubelet never posted node status.",
          lastHeartbeatTime: creationTimestamp,
          lastTransitionTime: time,
        },
      ];
    } else if (known.status !== "Unknown") {
      const unknown = {
        ...known,
        status: "Unknown",
        reason: "NodeStatusUnknown",
        message: "Kubelet stopped posting node status.",
        lastTransitionTime: time,
      };
      conditions = conditions.map((condition) => (condition === known ? unknown : condition));
    }
  }
  return conditions;
}

/** Conditions of a kind, and the taint each brings when it has that status. */
const conditionTaints: readonly (readonly [type: string, status: string, key: string])[] = [
  ["Ready", "False", "not-ready"],
  ["Ready", "Unknown", "unreachable"],
  ["MemoryPressure", "True", "memory-pressure"],
  ["DiskPressure", "True", "disk-pressure"],
  ["PIDPressure", "True", "pid-pressure"],
  ["NetworkUnavailable", "True", "network-unavailable"],
];
const readinessKeys = [`${prefix}not-ready`, `${prefix}unreachable`];
const managedKeys = new Set([...conditionTaints.map(([, , key]) => prefix + key), `${prefix}unschedulable`]);

/** Whose Pods are evicted because the Node is not ready: nobody's, those of Nodes whose turn had come before, or this one's too. */
export type Evicts = "nobody" | "as before" | "everybody";

/**
 * The Node's taints as its conditions ask for; `taints` is undefined when nothing changes. `waits` is true where the Pods should be evicted
 * and the Node's turn has not come.
 */
export function wantedTaints(
  node: Node,
  evicts: Evicts,
  now: number,
): { readonly taints: readonly Taint[] | undefined; readonly waits: boolean } {
  const before = node.spec.taints ?? [];
  const conditions = node.status.conditions;
  const timeAdded = formatTime(now);
  const wanted: Taint[] = conditionTaints
    .filter(([type, status]) => conditionOf(conditions, type)?.status === status)
    .map(([, , key]) => ({ key: prefix + key, effect: "NoSchedule", timeAdded }));
  if (node.spec.unschedulable) wanted.push({ key: `${prefix}unschedulable`, effect: "NoSchedule", timeAdded });
  const ready = conditionOf(conditions, "Ready");
  let waits = false;
  if (!ready) wanted.push(...before.filter(({ key }) => readinessKeys.includes(key)));
  else if (evicts !== "nobody" && ready.status !== "True") {
    // One that is tainted already only changes its word.
    waits = evicts === "as before" && !before.some(({ key, effect }) => effect === "NoExecute" && readinessKeys.includes(key));
    if (!waits) wanted.push({ key: prefix + (ready.status === "False" ? "not-ready" : "unreachable"), effect: "NoExecute", timeAdded });
  }

  const same = (left: Taint, right: Taint) => left.key === right.key && left.effect === right.effect;
  const isManaged = (taint: Taint) => managedKeys.has(taint.key) && (taint.effect === "NoSchedule" || readinessKeys.includes(taint.key));
  const kept = before.filter((taint) => !isManaged(taint) || wanted.some((one) => same(one, taint)));
  const added = wanted.filter((taint) => !before.some((one) => same(one, taint)));
  const next = [...kept, ...added];
  return { taints: deepEqual(next, before) ? undefined : next, waits };
}

/** Older names of labels that some programs still read. */
const olderLabels: readonly (readonly [name: string, older: string])[] = [
  ["kubernetes.io/os", "beta.kubernetes.io/os"],
  ["kubernetes.io/arch", "beta.kubernetes.io/arch"],
];

/** Labels that follow from others and are missing or different; undefined when there are none. */
export function missingLabels({ metadata: { labels = {} } }: Node): Readonly<Record<string, string>> | undefined {
  const missing = olderLabels.flatMap(([name, older]) => {
    const value = labels[name];
    return value === undefined || labels[older] === value ? [] : [[older, value] as const];
  });
  return missing.length === 0 ? undefined : Object.fromEntries(missing);
}

export const isNodeReady = (node: Node): boolean => conditionOf(node.status.conditions, "Ready")?.status === "True";
