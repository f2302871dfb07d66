import { fits, plugin, unresolvable } from "#scheduler/plugin.ts";

export const nodeName = plugin({
  name: "NodeName",
  filter: (pod, { node }) =>
    !pod.spec.nodeName || pod.spec.nodeName === node.metadata.name ? fits : unresolvable("node(s) didn't match the requested node name"),
});
