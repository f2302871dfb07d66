// Publishes the Pods behind each Service as EndpointSlices: what proxies and DNS read.
import { Node } from "#api/core/node/node.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import { isReady, isTerminal, isTerminating } from "#api/core/pod/readiness.ts";
import { Service } from "#api/core/service/service.ts";
import { type Endpoint, type EndpointPort, EndpointSlice } from "#api/discovery.k8s.io/endpoint-slice/endpoint-slice.ts";
import { labelOf } from "#api/meta/selects.ts";
import { controller, may, type Related, type Step } from "../controller.ts";
import { type Group, managedByLabel, portText, reconcileSlices, serviceNameLabel, slicesOf } from "../endpoint-slices.ts";
import { type Family } from "#base/ip.ts";
import { addressOf, hasSelector, hostnameIn, labelsFrom, podsBehind, targetPortOf, triggerTime } from "../service-pods.ts";

const manager = "endpointslice-controller.k8s.io";
const zoneLabel = "topology.kubernetes.io/zone";

/** All Nodes; a Node wakes every Service, but only when it moved to or from a zone, came or went. */
export const zonedNodes: Related<Service, Node> = {
  kind: Node,
  find: (_, all) => all.list(),
  wakes: ({ type, object, old }, services) =>
    (type === "changed" ? zoneOf(old) : undefined) === zoneOf(object)
      ? []
      : services.list().map(({ metadata }) => `${metadata.namespace}/${metadata.name}`),
};

export const endpointSliceController = controller({
  name: "endpointslice-controller",
  for: Service,
  reads: { pods: podsBehind, slices: slicesOf<Service>(manager), nodes: zonedNodes },
  writes: [may(EndpointSlice, "create", "update", "delete")],
  decide,
});

interface Observed {
  readonly object: Service;
  readonly pods: readonly Pod[];
  readonly slices: readonly EndpointSlice[];
  readonly nodes: readonly Node[];
}

export function decide({ object: service, pods, slices, nodes: all }: Observed): readonly Step[] {
  if (!hasSelector(service) || service.metadata.deletionTimestamp) return [];
  const zones = new Map(all.map((node) => [node.metadata.name, zoneOf(node)]));
  const families = (service.spec.ipFamilies?.length ? service.spec.ipFamilies : ["IPv4"]) as readonly Family[];
  return reconcileSlices(
    {
      owner: service,
      labels: {
        ...labelsFrom(service),
        [serviceNameLabel]: service.metadata.name,
        [managedByLabel]: manager,
      },
      trigger: triggerTime(service, pods),
      groups: families.flatMap((family) => groupsOf(service, family, pods, zones)),
    },
    slices,
  );
}

/** Pods may give the same port name different numbers; each such set of ports is a group. Without any Pod there is one empty group. */
function groupsOf(
  service: Service,
  family: Family,
  pods: readonly Pod[],
  zones: ReadonlyMap<string, string | undefined>,
): readonly Group[] {
  const groups = new Map<string, Group & { readonly endpoints: Endpoint[] }>();
  for (const pod of pods) {
    const address = addressOf(pod, family);
    if (!address || isTerminal(pod)) continue;
    const ports = portsOf(service, pod);
    const key = ports.map(portText).join(",");
    const group = groups.get(key) ?? { addressType: family, ports, endpoints: [] };
    groups.set(key, group);
    group.endpoints.push(endpointOf(service, pod, address, zones.get(pod.spec.nodeName ?? "")));
  }
  return groups.size > 0 ? [...groups.values()] : [{ addressType: family, ports: [], endpoints: [] }];
}

function portsOf(service: Service, pod: Pod): readonly EndpointPort[] {
  return (service.spec.ports ?? []).flatMap((port) => {
    const number = targetPortOf(pod, port);
    if (number === undefined) return [];
    const { name = "", protocol, appProtocol } = port;
    return [{ name, protocol, port: number, ...(appProtocol !== undefined && { appProtocol }) }];
  });
}

function endpointOf(service: Service, pod: Pod, address: string, zone: string | undefined): Endpoint {
  const { namespace, name, uid } = pod.metadata;
  const { nodeName } = pod.spec;
  const serving = isReady(pod);
  const terminating = isTerminating(pod);
  const ready = service.spec.publishNotReadyAddresses === true || (serving && !terminating);
  const hostname = hostnameIn(service, pod);
  const hints = ready ? hintsFor(service.spec.trafficDistribution, zone, nodeName) : undefined;
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    targetRef: { kind: "Pod", name, uid, ...(namespace && { namespace }) },
    ...(hostname && { hostname }),
    ...(nodeName && { nodeName }),
    ...(zone && { zone }),
    ...(hints && { hints }),
  };
}

function hintsFor(distribution: string | undefined, zone: string | undefined, nodeName: string | undefined): Endpoint["hints"] {
  const forZones = zone ? [{ name: zone }] : undefined;
  switch (distribution) {
    case "PreferClose":
    case "PreferSameZone":
      return forZones && { forZones };
    case "PreferSameNode":
      return nodeName ? { ...(forZones && { forZones }), forNodes: [{ name: nodeName }] } : undefined;
    default:
      return undefined;
  }
}

function zoneOf({ metadata }: Node): string | undefined {
  return labelOf(metadata.labels ?? {}, zoneLabel);
}
