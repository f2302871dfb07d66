import { Node } from "#api/core/node/node.ts";
import { allowsNode, namedNodes, preferenceFor } from "#api/core/pod/node-affinity.ts";
import { deepEqual } from "#schema/derive/equal.ts";
import { fits, plugin, unresolvable, when } from "#scheduler/plugin.ts";

export const nodeAffinity = plugin({
  name: "NodeAffinity",
  wakes: [
    when(Node, "added", (pod, node) => allowsNode(pod, node)),
    when(Node, "changed", (pod, node, old) => !deepEqual(node.metadata.labels, old?.metadata.labels) && allowsNode(pod, node)),
  ],
  only: (pod) => namedNodes(pod),
  filter: (pod, { node }) => (allowsNode(pod, node) ? fits : unresolvable("node(s) didn't match Pod's node affinity/selector")),
  score: (pod, { node }) => preferenceFor(pod, node),
  scale: "higher is better",
  weight: 2,
});
