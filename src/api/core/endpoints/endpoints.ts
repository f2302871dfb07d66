import { kind, type ObjectOf } from "#schema/kind.ts";
import { int32, list, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { ObjectReference } from "#api/core/reference.ts";
import { endpointsColumns } from "./endpoints-columns.ts";
import { endpointsErrors } from "./endpoints-rules.ts";

export const EndpointAddress = message(
  "EndpointAddress",
  {
    ip: string(1, { always: true, required: true, doc: "Address." }),
    targetRef: one(2, (): Type<ObjectReference> => ObjectReference, { optional: true, doc: "Object behind the address." }),
    hostname: string(3, { doc: "Host name of the address." }),
    nodeName: string(4, { optional: true, doc: "Node behind the address." }),
  },
  { openapi: "io.k8s.api.core.v1.EndpointAddress", atomic: true },
);
export interface EndpointAddress extends Infer<typeof EndpointAddress> {}

export const EndpointPort = message(
  "EndpointPort",
  {
    name: string(1, { doc: "Name of the port, as in the Service." }),
    port: int32(2, { always: true, required: true, doc: "Number of the port." }),
    protocol: string(3, { default: "TCP", enum: ["SCTP", "TCP", "UDP"], doc: "TCP, UDP or SCTP." }),
    appProtocol: string(4, { optional: true, doc: "What is spoken on the port." }),
  },
  { openapi: "io.k8s.api.core.v1.EndpointPort", atomic: true },
);
export interface EndpointPort extends Infer<typeof EndpointPort> {}

export const EndpointSubset = message(
  "EndpointSubset",
  {
    addresses: list(1, (): Type<EndpointAddress> => EndpointAddress, { list: "atomic", doc: "Addresses that are ready." }),
    notReadyAddresses: list(2, (): Type<EndpointAddress> => EndpointAddress, { list: "atomic", doc: "Addresses that are not ready." }),
    ports: list(3, (): Type<EndpointPort> => EndpointPort, { list: "atomic", doc: "Ports of every address." }),
  },
  { openapi: "io.k8s.api.core.v1.EndpointSubset" },
);
export interface EndpointSubset extends Infer<typeof EndpointSubset> {}

const fields = {
  subsets: list(2, (): Type<EndpointSubset> => EndpointSubset, { list: "atomic", doc: "Addresses with the same ports." }),
};

export interface Endpoints extends ObjectOf<undefined, undefined, typeof fields> {}
export const Endpoints = kind({
  group: "",
  version: "v1",
  name: "Endpoints",
  plural: "endpoints",
  doc: "Addresses of a Service's Pods; EndpointSlices have taken its place.",
  deprecated: "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
  scope: "namespaced",
  validate: endpointsErrors,
  shortNames: ["ep"],
  allowCreateOnUpdate: true,
  columns: endpointsColumns,
  openapi: "io.k8s.api.core.v1.Endpoints",
  fields,
});
