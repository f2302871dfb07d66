import { kind, type ObjectOf } from "#schema/kind.ts";
import { int32, microTime, string } from "#schema/field.ts";
import { type Infer, message } from "#schema/message.ts";
import { ageColumn, nameColumn } from "#api/meta/columns.ts";
import { leaseErrors } from "./lease-rules.ts";

export const LeaseSpec = message(
  "LeaseSpec",
  {
    holderIdentity: string(1, { optional: true, doc: "Who holds the lease." }),
    leaseDurationSeconds: int32(2, { optional: true, doc: "Seconds after renewTime during which nobody else takes it." }),
    acquireTime: microTime(3, { optional: true, doc: "When the holder got it." }),
    renewTime: microTime(4, { optional: true, doc: "When the holder last said that it still holds it." }),
    leaseTransitions: int32(5, { optional: true, doc: "How often the holder changed." }),
    strategy: string(6, { optional: true, doc: "How the next holder is chosen among candidates." }),
    preferredHolder: string(7, { optional: true, doc: "Who should get it next." }),
  },
  { openapi: "io.k8s.api.coordination.v1.LeaseSpec" },
);
export interface LeaseSpec extends Infer<typeof LeaseSpec> {}

export interface Lease extends ObjectOf<typeof LeaseSpec, undefined, {}> {}
export const Lease = kind({
  group: "coordination.k8s.io",
  version: "v1",
  formerVersions: ["v1beta1"],
  name: "Lease",
  plural: "leases",
  doc: "Says who does something that only one may do, or that somebody is still alive.",
  scope: "namespaced",
  validate: leaseErrors,
  counted: false,
  allowUnconditionalUpdate: false,
  allowCreateOnUpdate: true,
  columns: [nameColumn, { name: "Holder", doc: "Who holds it.", read: ({ spec }) => spec.holderIdentity ?? "" }, ageColumn],
  openapi: "io.k8s.api.coordination.v1.Lease",
  spec: LeaseSpec,
});
