import { kind, type ObjectOf } from "#schema/kind.ts";
import { bool, int32, list, map, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { ObjectReference } from "#api/core/reference.ts";
import { endpointSliceColumns } from "./endpoint-slice-columns.ts";
import { deepEqual } from "#schema/derive/equal.ts";
import { endpointSliceErrors } from "./endpoint-slice-rules.ts";
import { endpointSliceV1beta1 } from "./v1beta1.ts";

export const EndpointConditions = message(
  "EndpointConditions",
  {
    ready: bool(1, { optional: true, doc: "Whether it may be sent traffic." }),
    serving: bool(2, { optional: true, doc: "Whether it could serve, even while it ends." }),
    terminating: bool(3, { optional: true, doc: "Whether it is ending." }),
  },
  { openapi: "io.k8s.api.discovery.v1.EndpointConditions" },
);
export interface EndpointConditions extends Infer<typeof EndpointConditions> {}

export const ForNode = message(
  "ForNode",
  {
    name: string(1, { always: true, required: true, doc: "Name of the Node." }),
  },
  { openapi: "io.k8s.api.discovery.v1.ForNode" },
);
export interface ForNode extends Infer<typeof ForNode> {}

export const ForZone = message(
  "ForZone",
  {
    name: string(1, { always: true, required: true, doc: "Name of the zone." }),
  },
  { openapi: "io.k8s.api.discovery.v1.ForZone" },
);
export interface ForZone extends Infer<typeof ForZone> {}

export const EndpointHints = message(
  "EndpointHints",
  {
    forZones: list(1, (): Type<ForZone> => ForZone, { list: "atomic", doc: "Zones whose clients should use it." }),
    forNodes: list(2, (): Type<ForNode> => ForNode, { list: "atomic", doc: "Nodes whose clients should use it." }),
  },
  { openapi: "io.k8s.api.discovery.v1.EndpointHints" },
);
export interface EndpointHints extends Infer<typeof EndpointHints> {}

export const Endpoint = message(
  "Endpoint",
  {
    addresses: list(1, "string", { always: true, required: true, list: "set", doc: "Addresses; all lead to the same." }),
    conditions: one(2, (): Type<EndpointConditions> => EndpointConditions, { doc: "State of the endpoint." }),
    hostname: string(3, { optional: true, doc: "Host name of the endpoint." }),
    targetRef: one(4, (): Type<ObjectReference> => ObjectReference, { optional: true, doc: "Object behind the endpoint." }),
    deprecatedTopology: map(5, "string", { doc: "No longer used." }),
    nodeName: string(6, { optional: true, doc: "Node behind the endpoint." }),
    zone: string(7, { optional: true, doc: "Zone of the endpoint." }),
    hints: one(8, (): Type<EndpointHints> => EndpointHints, { optional: true, doc: "Who should use the endpoint." }),
  },
  { openapi: "io.k8s.api.discovery.v1.Endpoint" },
);
export interface Endpoint extends Infer<typeof Endpoint> {}

export const EndpointPort = message(
  "EndpointPort",
  {
    name: string(1, { optional: true, default: "", doc: "Name of the port, as in the Service." }),
    protocol: string(2, { optional: true, default: "TCP", enum: ["SCTP", "TCP", "UDP"], doc: "TCP, UDP or SCTP." }),
    port: int32(3, { optional: true, doc: "Number of the port; any when absent." }),
    appProtocol: string(4, { optional: true, doc: "What is spoken on the port." }),
  },
  { openapi: "io.k8s.api.discovery.v1.EndpointPort", atomic: true },
);
export interface EndpointPort extends Infer<typeof EndpointPort> {}

const fields = {
  endpoints: list(2, (): Type<Endpoint> => Endpoint, { always: true, list: "atomic", doc: "Endpoints of the slice; at most 1000." }),
  ports: list(3, (): Type<EndpointPort> => EndpointPort, { always: true, list: "atomic", doc: "Ports of every endpoint." }),
  addressType: string(4, { always: true, required: true, enum: ["FQDN", "IPv4", "IPv6"], doc: "IPv4, IPv6 or FQDN." }),
};

export interface EndpointSlice extends ObjectOf<undefined, undefined, typeof fields> {}
export const EndpointSlice = kind({
  group: "discovery.k8s.io",
  version: "v1",
  former: () => [endpointSliceV1beta1()],
  name: "EndpointSlice",
  plural: "endpointslices",
  doc: "Some of the addresses behind a Service.",
  scope: "namespaced",
  validate: endpointSliceErrors,
  columns: endpointSliceColumns,
  prepare: withGeneration,
  openapi: "io.k8s.api.discovery.v1.EndpointSlice",
  fields,
});

/** There is no spec here: the generation grows with whatever is said about endpoints and ports. */
function withGeneration(slice: EndpointSlice, { old }: { readonly old?: EndpointSlice }): EndpointSlice {
  const before = Number(old?.metadata.generation ?? 0);
  const same = old !== undefined && deepEqual([old.endpoints, old.ports], [slice.endpoints, slice.ports]);
  return { ...slice, metadata: { ...slice.metadata, generation: same ? before : before + 1 } };
}
