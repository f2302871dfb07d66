import { kind, type ObjectOf } from "#schema/kind.ts";
import { int32, microTime, string } from "#schema/field.ts";
import { type Infer, message } from "#schema/message.ts";
import { ageColumn, nameColumn } from "#api/meta/columns.ts";
import { leaseErrors } from "./lease-rules.ts";

export const LeaseSpec = message(
  "LeaseSpec",
  {
    holderIdentity: string(1, { optional: true }),
    leaseDurationSeconds: int32(2, { optional: true }),
    acquireTime: microTime(3, { optional: true }),
    renewTime: microTime(4, { optional: true }),
    leaseTransitions: int32(5, { optional: true }),
    strategy: string(6, { optional: true }),
    preferredHolder: string(7, { optional: true }),
  },
  { openapi: "io.k8s.api.coordination.v1.LeaseSpec" },
);
export interface LeaseSpec extends Infer<typeof LeaseSpec> {}

export interface Lease extends ObjectOf<typeof LeaseSpec, undefined, {}> {}
export const Lease = kind({
  group: "coordination.k8s.io",
  version: "v1",
  name: "Lease",
  plural: "leases",
  scope: "namespaced",
  validate: leaseErrors,
  counted: false,
  allowUnconditionalUpdate: false,
  allowCreateOnUpdate: true,
  columns: [nameColumn, { name: "Holder", doc: "Who holds it.", read: ({ spec }) => spec.holderIdentity ?? "" }, ageColumn],
  openapi: "io.k8s.api.coordination.v1.Lease",
  spec: LeaseSpec,
});
