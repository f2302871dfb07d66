import { Node } from "#api/core/node/node.ts";
import { tolerationOf } from "#api/core/pod/tolerations.ts";
import { fits, plugin, unresolvable, when } from "#scheduler/plugin.ts";

const taint = { key: "node.kubernetes.io/unschedulable", effect: "NoSchedule" } as const;

export const nodeUnschedulable = plugin({
  name: "NodeUnschedulable",
  wakes: [when(Node, "added"), when(Node, "changed", (_, node, old) => !node.spec.unschedulable && old?.spec.unschedulable === true)],
  filter: (pod, { node }) =>
    !node.spec.unschedulable || tolerationOf(pod.spec.tolerations, taint) ? fits : unresolvable("node(s) were unschedulable"),
});
