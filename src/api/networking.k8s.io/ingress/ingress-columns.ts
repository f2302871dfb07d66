// How tables show an Ingress.
import type { Column } from "#schema/kind.ts";
import { ageColumn, nameColumn, orNone } from "#api/meta/columns.ts";
import type { Ingress } from "./ingress.ts";

const hostsMax = 3;

export const ingressColumns: readonly Column<Ingress>[] = [
  nameColumn,
  { name: "Class", doc: "IngressClass that serves it.", read: ({ spec }) => orNone(spec.ingressClassName) },
  { name: "Hosts", doc: "Hosts it answers for.", read: hosts },
  {
    name: "Address",
    doc: "Where it is reached.",
    read: ({ status }) =>
      [...new Set((status.loadBalancer.ingress ?? []).map(({ ip, hostname }) => ip || hostname || "").filter(Boolean))].join(","),
  },
  { name: "Ports", doc: "Ports it answers at.", read: ({ spec }) => ((spec.tls ?? []).length > 0 ? "80, 443" : "80") },
  ageColumn,
];

function hosts({ spec }: Ingress): string {
  const all = (spec.rules ?? []).flatMap(({ host }) => (host ? [host] : []));
  if (all.length === 0) return "*";
  const more = all.length - hostsMax;
  return more > 0 ? `${all.slice(0, hostsMax).join(",")} + ${more} more...` : all.join(",");
}
