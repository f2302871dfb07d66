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

/**
 * The Node's taints as its conditions ask for. `evicts` is false while no Node at all is ready: then it is more likely that we are the ones
 * who are cut off, and nothing is evicted. Undefined when nothing changes.
 */
export function wantedTaints(node: Node, evicts: boolean, now: number): readonly Taint[] | undefined {
  const before = node.spec.taints ?? [];
  const conditions = node.status.conditions;
  const timeAdded = formatTime(now);
  const wanted: Taint[] = conditionTaints
    .filter(([type, status]) => conditionOf(conditions, type)?.status === status)
    .map(([, , key]) => ({ key: prefix + key, effect: "NoSchedule", timeAdded }));
  if (node.spec.unschedulable) wanted.push({ key: `${prefix}unschedulable`, effect: "NoSchedule", timeAdded });
  const ready = conditionOf(conditions, "Ready");
  if (!ready) wanted.push(...before.filter(({ key }) => readinessKeys.includes(key)));
  else if (evicts && ready.status !== "True")
    wanted.push({ key: prefix + (ready.status === "False" ? "not-ready" : "unreachable"), effect: "NoExecute", timeAdded });

  const same = (left: Taint, right: Taint) => left.key === right.key && left.effect === right.effect;
  const isManaged = (taint: Taint) => managedKeys.has(taint.key) && (taint.effect === "NoSchedule" || readinessKeys.includes(taint.key));
  const kept = before.filter((taint) => !isManaged(taint) || wanted.some((one) => same(one, taint)));
  const added = wanted.filter((taint) => !before.some((one) => same(one, taint)));
  const next = [...kept, ...added];
  return deepEqual(next, before) ? undefined : next;
}

export const isNodeReady = (node: Node): boolean => conditionOf(node.status.conditions, "Ready")?.status === "True";
