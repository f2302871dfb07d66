import { Node } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { fits, plugin, refused, when } from "#scheduler/plugin.ts";
import { needsOf, portsClash } from "#scheduler/pod-needs.ts";

export const nodePorts = plugin({
  name: "NodePorts",
  wakes: [when(Node, "added"), when(Pod, "deleted", (_, gone) => needsOf(gone).ports.length > 0)],
  filter: (_, { ports }, needs) =>
    needs.ports.some((wanted) => ports.some((taken) => portsClash(wanted, taken)))
      ? refused("node(s) didn't have free ports for the requested pod ports")
      : fits,
});
