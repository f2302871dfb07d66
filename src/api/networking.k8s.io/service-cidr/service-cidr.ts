import { kind, type ObjectOf } from "#schema/kind.ts";
import { list } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { Condition } from "#api/meta/condition.ts";
import { ageColumn, nameColumn } from "#api/meta/columns.ts";
import { serviceCidrErrors } from "./service-cidr-rules.ts";

export const ServiceCIDRSpec = message(
  "ServiceCIDRSpec",
  {
    cidrs: list(1, "string", { list: "atomic", doc: "One range of addresses, or one of each family." }),
  },
  { openapi: "io.k8s.api.networking.v1.ServiceCIDRSpec" },
);
export interface ServiceCIDRSpec extends Infer<typeof ServiceCIDRSpec> {}

export const ServiceCIDRStatus = message(
  "ServiceCIDRStatus",
  {
    conditions: list(1, (): Type<Condition> => Condition, {
      list: "map",
      keys: ["type"],
      patch: "merge",
      mergeKey: "type",
      doc: "What is true of the ranges now.",
    }),
  },
  { openapi: "io.k8s.api.networking.v1.ServiceCIDRStatus" },
);
export interface ServiceCIDRStatus extends Infer<typeof ServiceCIDRStatus> {}

export interface ServiceCIDR extends ObjectOf<typeof ServiceCIDRSpec, typeof ServiceCIDRStatus, {}> {}
export const ServiceCIDR = kind({
  group: "networking.k8s.io",
  version: "v1",
  name: "ServiceCIDR",
  plural: "servicecidrs",
  doc: "Ranges that Services get their addresses from.",
  scope: "cluster",
  validate: serviceCidrErrors,
  columns: [nameColumn, { name: "CIDRs", doc: "Ranges of addresses.", read: ({ spec }) => (spec.cidrs ?? []).join(",") }, ageColumn],
  openapi: "io.k8s.api.networking.v1.ServiceCIDR",
  spec: ServiceCIDRSpec,
  status: ServiceCIDRStatus,
  subresources: { status: true },
});
