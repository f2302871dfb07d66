import { Node, type Taint } from "#api/core/node/node.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import { untolerated } from "#api/core/pod/tolerations.ts";
import { deepEqual } from "#schema/derive/equal.ts";
import { fits, plugin, unresolvable, when } from "#scheduler/plugin.ts";

export const taintToleration = plugin({
  name: "TaintToleration",
  wakes: [
    when(Node, "added"),
    when(Node, "changed", (pod, node, old) => !deepEqual(node.spec.taints, old?.spec.taints) && hard(pod, node).length === 0),
  ],
  filter(pod, { node }) {
    if (!node.spec.taints?.length) return fits;
    return hard(pod, node).length > 0 ? unresolvable("node(s) had untolerated taint(s)") : fits;
  },
  score: (pod, { node }) => (node.spec.taints?.length ? soft(pod, node).length : 0),
  scale: "lower is better",
  weight: 3,
});

const hard = (pod: Pod, node: Node) => unmet(pod, node, ({ effect }) => effect === "NoSchedule" || effect === "NoExecute");
const soft = (pod: Pod, node: Node) => unmet(pod, node, ({ effect }) => effect === "PreferNoSchedule");

function unmet(pod: Pod, node: Node, concerns: (taint: Taint) => boolean): readonly Taint[] {
  return untolerated(pod.spec.tolerations, (node.spec.taints ?? []).filter(concerns));
}
