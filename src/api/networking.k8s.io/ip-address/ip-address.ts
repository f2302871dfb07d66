import { kind, type ObjectOf } from "#schema/kind.ts";
import { one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { ageColumn, nameColumn } from "#api/meta/columns.ts";
import { ipAddressErrors } from "./ip-address-rules.ts";

export const ParentReference = message(
  "ParentReference",
  {
    group: string(1, { doc: "Group of the object; empty for the core group." }),
    resource: string(2, { required: true, doc: "Resource of the object." }),
    namespace: string(3, { doc: "Namespace of the object." }),
    name: string(4, { required: true, doc: "Name of the object." }),
  },
  { openapi: "io.k8s.api.networking.v1.ParentReference" },
);
export interface ParentReference extends Infer<typeof ParentReference> {}

export const IPAddressSpec = message(
  "IPAddressSpec",
  {
    parentRef: one(1, (): Type<ParentReference> => ParentReference, {
      optional: true,
      required: true,
      immutable: true,
      doc: "Object that has the address.",
    }),
  },
  { openapi: "io.k8s.api.networking.v1.IPAddressSpec" },
);
export interface IPAddressSpec extends Infer<typeof IPAddressSpec> {}

export interface IPAddress extends ObjectOf<typeof IPAddressSpec, undefined, {}> {}
export const IPAddress = kind({
  group: "networking.k8s.io",
  version: "v1",
  name: "IPAddress",
  plural: "ipaddresses",
  doc: "An address that an object has; the address is the name.",
  scope: "cluster",
  nameFormat: "any",
  validate: ipAddressErrors,
  shortNames: ["ip"],
  columns: [nameColumn, { name: "ParentRef", doc: "Object that has the address.", read: parentText }, ageColumn],
  selectable: {
    "spec.parentRef.group": ({ spec }) => spec.parentRef?.group ?? "",
    "spec.parentRef.resource": ({ spec }) => spec.parentRef?.resource ?? "",
    "spec.parentRef.namespace": ({ spec }) => spec.parentRef?.namespace ?? "",
    "spec.parentRef.name": ({ spec }) => spec.parentRef?.name ?? "",
  },
  openapi: "io.k8s.api.networking.v1.IPAddress",
  spec: IPAddressSpec,
});

function parentText({ spec: { parentRef } }: IPAddress): string {
  if (!parentRef) return "<none>";
  const { group, resource, namespace, name } = parentRef;
  return [group ? `${resource}.${group}` : resource, namespace, name].filter(Boolean).join("/");
}
