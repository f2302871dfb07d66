import { kind, type ObjectOf } from "#schema/kind.ts";
import { int32, list, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { ObjectReference } from "#api/core/reference.ts";
import { endpointsColumns } from "./endpoints-columns.ts";
import { endpointsErrors } from "./endpoints-rules.ts";

export const EndpointAddress = message(
  "EndpointAddress",
  {
    ip: string(1, { always: true, required: true }),
    targetRef: one(2, (): Type<ObjectReference> => ObjectReference, { optional: true }),
    hostname: string(3),
    nodeName: string(4, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.EndpointAddress", atomic: true },
);
export interface EndpointAddress extends Infer<typeof EndpointAddress> {}

export const EndpointPort = message(
  "EndpointPort",
  {
    name: string(1),
    port: int32(2, { always: true, required: true }),
    protocol: string(3, { default: "TCP", enum: ["SCTP", "TCP", "UDP"] }),
    appProtocol: string(4, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.EndpointPort", atomic: true },
);
export interface EndpointPort extends Infer<typeof EndpointPort> {}

export const EndpointSubset = message(
  "EndpointSubset",
  {
    addresses: list(1, (): Type<EndpointAddress> => EndpointAddress, { list: "atomic" }),
    notReadyAddresses: list(2, (): Type<EndpointAddress> => EndpointAddress, { list: "atomic" }),
    ports: list(3, (): Type<EndpointPort> => EndpointPort, { list: "atomic" }),
  },
  { openapi: "io.k8s.api.core.v1.EndpointSubset" },
);
export interface EndpointSubset extends Infer<typeof EndpointSubset> {}

const fields = {
  subsets: list(2, (): Type<EndpointSubset> => EndpointSubset, { list: "atomic" }),
};

export interface Endpoints extends ObjectOf<undefined, undefined, typeof fields> {}
export const Endpoints = kind({
  group: "",
  version: "v1",
  name: "Endpoints",
  plural: "endpoints",
  scope: "namespaced",
  validate: endpointsErrors,
  shortNames: ["ep"],
  allowCreateOnUpdate: true,
  columns: endpointsColumns,
  openapi: "io.k8s.api.core.v1.Endpoints",
  fields,
});
