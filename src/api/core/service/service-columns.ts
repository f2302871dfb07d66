// How tables show a Service: under which addresses and ports it is reached.
import type { Column } from "#schema/kind.ts";
import { ageColumn, formatLabels, nameColumn, orNone } from "#api/meta/columns.ts";
import type { Service, ServicePort } from "./service.ts";

export const serviceColumns: readonly Column<Service>[] = [
  nameColumn,
  { name: "Type", doc: "How the Service is exposed.", read: ({ spec }) => spec.type },
  {
    name: "Cluster-IP",
    doc: "Address within the cluster.",
    read: ({ spec }) => orNone(spec.clusterIPs?.[0] ?? spec.clusterIP),
  },
  { name: "External-IP", doc: "Addresses or name outside the cluster.", read: externalAddress },
  {
    name: "Port(s)",
    doc: "Ports, with the Nodes' port after a colon.",
    read: ({ spec }) => orNone((spec.ports ?? []).map(portText).join(",")),
  },
  ageColumn,
  { name: "Selector", priority: 1, doc: "Which Pods serve it.", read: ({ spec }) => formatLabels(spec.selector) },
];

function externalAddress({ spec, status }: Service): string {
  const external = spec.externalIPs ?? [];
  switch (spec.type) {
    case "ClusterIP":
    case "NodePort":
      return orNone(external.join(","));
    case "LoadBalancer": {
      const balancers = (status.loadBalancer.ingress ?? []).map(({ ip, hostname }) => ip || hostname || "").filter(Boolean);
      const all = [...[...new Set(balancers)].sort(), ...external];
      return all.length === 0 ? "<pending>" : all.join(",");
    }
    case "ExternalName":
      return spec.externalName ?? "";
    default:
      return "<unknown>";
  }
}

function portText({ port, nodePort, protocol }: ServicePort): string {
  return nodePort ? `${port}:${nodePort}/${protocol}` : `${port}/${protocol}`;
}
