// Shows Endpoints that people write by hand, for Services without a selector, as EndpointSlices too.
import { type EndpointAddress, Endpoints, type EndpointSubset } from "#api/core/endpoints/endpoints.ts";
import { Service } from "#api/core/service/service.ts";
import { type Endpoint, EndpointSlice } from "#api/discovery.k8s.io/endpoint-slice/endpoint-slice.ts";
import { labelOf } from "#api/meta/selects.ts";
import { controller, may, remove, sameName, type Step } from "../controller.ts";
import { type Group, managedByLabel, reconcileSlices, serviceNameLabel, slicesOf } from "../endpoint-slices.ts";
import { type Family, familyOf } from "#base/ip.ts";

const manager = "endpointslicemirroring-controller.k8s.io";
const skipLabel = "endpointslice.kubernetes.io/skip-mirror";
const leaderAnnotation = "control-plane.alpha.kubernetes.io/leader";
/** The most addresses of one subset that are shown. */
const addressesMax = 1_000;

export const endpointSliceMirroringController = controller({
  name: "endpointslice-mirroring-controller",
  for: Endpoints,
  reads: { services: sameName<Endpoints, Service>(Service), slices: slicesOf<Endpoints>(manager) },
  writes: [may(EndpointSlice, "create", "update", "delete")],
  decide,
});

interface Observed {
  readonly object: Endpoints;
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
}

export function decide({ object: endpoints, services: [service], slices }: Observed): readonly Step[] {
  const { labels = {}, annotations = {}, name, deletionTimestamp } = endpoints.metadata;
  if (deletionTimestamp) return [];
  const isMirrored =
    service !== undefined &&
    Object.keys(service.spec.selector ?? {}).length === 0 &&
    labelOf(labels, skipLabel) !== "true" &&
    labelOf(annotations, leaderAnnotation) === undefined;
  if (!isMirrored) return slices.map((slice) => remove(EndpointSlice, slice));
  const own = Object.entries(labels).filter(([key]) => key !== serviceNameLabel && key !== managedByLabel);
  return reconcileSlices(
    {
      owner: endpoints,
      labels: { ...Object.fromEntries(own), [serviceNameLabel]: name, [managedByLabel]: manager },
      groups: (endpoints.subsets ?? []).flatMap(groupsOf),
    },
    slices,
  );
}

function groupsOf({ addresses = [], notReadyAddresses = [], ports = [] }: EndpointSubset): readonly Group[] {
  const all = [
    ...addresses.map((address) => endpointOf(address, true)),
    ...notReadyAddresses.map((address) => endpointOf(address, false)),
  ].slice(0, addressesMax);
  return (["IPv4", "IPv6"] satisfies Family[]).flatMap((addressType) => {
    const endpoints = all.filter((endpoint) => familyOf(endpoint.addresses[0] ?? "") === addressType);
    return endpoints.length === 0 ? [] : [{ addressType, ports: ports.map(({ name = "", ...port }) => ({ name, ...port })), endpoints }];
  });
}

function endpointOf({ ip, hostname, nodeName, targetRef }: EndpointAddress, ready: boolean): Endpoint {
  return {
    addresses: [ip],
    conditions: { ready },
    ...(hostname && { hostname }),
    ...(nodeName && { nodeName }),
    ...(targetRef && { targetRef }),
  };
}
