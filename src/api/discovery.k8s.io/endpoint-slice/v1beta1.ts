// EndpointSlices as servers before v1.25 may have stored them: the zone stands among the labels of the Node.
import { EndpointConditions, EndpointHints, EndpointPort } from "./endpoint-slice.ts";
import type { EndpointSlice } from "./endpoint-slice.ts";
import { ObjectReference } from "#api/core/reference.ts";
import { list, map, one, string } from "#schema/field.ts";
import { kind, type Kind, type ObjectOf } from "#schema/kind.ts";
import { type Infer, message, type Type } from "#schema/message.ts";

const zoneLabel = "topology.kubernetes.io/zone";
const hostLabel = "kubernetes.io/hostname";

const EndpointV1beta1 = message("Endpoint", {
  addresses: list(1, "string", { always: true }),
  conditions: one(2, (): Type<EndpointConditions> => EndpointConditions, {}),
  hostname: string(3, { optional: true }),
  targetRef: one(4, (): Type<ObjectReference> => ObjectReference, { optional: true }),
  topology: map(5, "string", {}),
  nodeName: string(6, { optional: true }),
  hints: one(7, (): Type<EndpointHints> => EndpointHints, { optional: true }),
});
interface EndpointV1beta1 extends Infer<typeof EndpointV1beta1> {}

const fields = {
  endpoints: list(2, (): Type<EndpointV1beta1> => EndpointV1beta1, { always: true }),
  ports: list(3, (): Type<EndpointPort> => EndpointPort, { always: true }),
  addressType: string(4, { always: true }),
};

interface EndpointSliceV1beta1 extends ObjectOf<undefined, undefined, typeof fields> {}

/** Made when it is asked for: the two versions are built of each other's parts. */
export const endpointSliceV1beta1 = (): { readonly kind: Kind; readonly today: typeof today } => ({ kind: (made ??= make()), today });
let made: Kind | undefined;

function make(): Kind {
  return kind({
    group: "discovery.k8s.io",
    version: "v1beta1",
    name: "EndpointSlice",
    plural: "endpointslices",
    scope: "namespaced",
    openapi: "io.k8s.api.discovery.v1beta1.EndpointSlice",
    fields,
  });
}

function today({ endpoints, ...slice }: EndpointSliceV1beta1): EndpointSlice {
  return { ...slice, endpoints: endpoints.map(endpointToday) } as EndpointSlice;
}

function endpointToday({ topology = {}, nodeName, ...endpoint }: EndpointV1beta1): EndpointSlice["endpoints"][number] {
  const { [zoneLabel]: zone, [hostLabel]: host, ...others } = topology;
  const node = nodeName ?? host;
  return {
    ...endpoint,
    ...(Object.keys(others).length > 0 && { deprecatedTopology: others }),
    ...(node !== undefined && { nodeName: node }),
    ...(zone !== undefined && { zone }),
  };
}
