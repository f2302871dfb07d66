// How tables show a Node.
import type { Column } from "#schema/kind.ts";
import { ageColumn, nameColumn, orNone } from "#api/meta/columns.ts";
import { conditionOf } from "#api/meta/conditions.ts";
import type { Node } from "./node.ts";
import { addressOf, rolesOf } from "./readiness.ts";

export const nodeColumns: readonly Column<Node>[] = [
  nameColumn,
  { name: "Status", doc: "Whether the Node is ready and takes new Pods.", read: statusCell },
  { name: "Roles", doc: "Roles that its labels give it.", read: (node) => orNone(rolesOf(node).join(",")) },
  ageColumn,
  { name: "Version", doc: "Version of its kubelet.", read: ({ status }) => status.nodeInfo.kubeletVersion ?? "" },
  { name: "Internal-IP", priority: 1, doc: "Its address within the cluster.", read: (node) => orNone(addressOf(node, "InternalIP")) },
  { name: "External-IP", priority: 1, doc: "Its address outside the cluster.", read: (node) => orNone(addressOf(node, "ExternalIP")) },
  { name: "OS-Image", priority: 1, doc: "Its operating system.", read: ({ status }) => orUnknown(status.nodeInfo.osImage) },
  { name: "Kernel-Version", priority: 1, doc: "Its kernel.", read: ({ status }) => orUnknown(status.nodeInfo.kernelVersion) },
  {
    name: "Container-Runtime",
    priority: 1,
    doc: "Its container runtime.",
    read: ({ status }) => orUnknown(status.nodeInfo.containerRuntimeVersion),
  },
];

function statusCell({ spec, status }: Node): string {
  const condition = conditionOf(status.conditions, "Ready");
  const ready = condition === undefined ? "Unknown" : condition.status === "True" ? "Ready" : "NotReady";
  return spec.unschedulable ? `${ready},SchedulingDisabled` : ready;
}

function orUnknown(text: string | undefined): string {
  return text ? text : "<unknown>";
}
