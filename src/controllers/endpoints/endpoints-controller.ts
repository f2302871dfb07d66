// Publishes the Pods behind each Service as one Endpoints object: the older form, which many still read.
import { type EndpointAddress, Endpoints, type EndpointSubset } from "#api/core/endpoints/endpoints.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import { isReady, isTerminal, isTerminating } from "#api/core/pod/readiness.ts";
import { Service } from "#api/core/service/service.ts";
import { labelOf } from "#api/meta/selects.ts";
import { deepEqual } from "#schema/derive/equal.ts";
import { combinedController, controller, create, may, remove, sameName, type Step, update } from "../controller.ts";
import { type Family } from "#base/ip.ts";
import {
  addressOf,
  hasSelector,
  hostnameIn,
  isHeadless,
  labelsFrom,
  podsBehind,
  targetPortOf,
  triggerAnnotation,
  triggerTime,
} from "../service-pods.ts";

export const endpointsManagerLabel = "endpoints.kubernetes.io/managed-by";
const manager = "endpoint-controller";
const overCapacityAnnotation = "endpoints.kubernetes.io/over-capacity";
/** The most addresses in one object; what is beyond them only EndpointSlices tell. */
const addressesMax = 1_000;

const publish = controller({
  name: "endpoints-controller",
  for: Service,
  reads: { pods: podsBehind, published: sameName<Service, Endpoints>(Endpoints) },
  writes: [may(Endpoints, "create", "update")],
  decide,
});

/** What was published goes when its Service is gone. */
const withdraw = controller({
  name: "endpoints-controller",
  for: Endpoints,
  reads: { services: sameName<Endpoints, Service>(Service) },
  writes: [may(Endpoints, "delete")],
  decide: decideWithdrawal,
});

export const endpointsController = combinedController("endpoints-controller", [publish, withdraw]);

interface Observed {
  readonly object: Service;
  readonly pods: readonly Pod[];
  readonly published: readonly Endpoints[];
}

export function decide({ object: service, pods, published: [published] }: Observed): readonly Step[] {
  if (!hasSelector(service) || service.metadata.deletionTimestamp) return [];
  const { subsets, isCut } = limited(subsetsOf(service, pods));
  const labels = {
    ...labelsFrom(service),
    [endpointsManagerLabel]: manager,
  };
  const { [overCapacityAnnotation]: _, ...others } = published?.metadata.annotations ?? {};
  const annotations = {
    ...others,
    [triggerAnnotation]: triggerTime(service, pods),
    ...(isCut && { [overCapacityAnnotation]: "truncated" }),
  };
  const { name, namespace } = service.metadata;
  const content = subsets.length > 0 ? { subsets } : {};
  if (!published) return [create(Endpoints, { metadata: { name, namespace, labels, annotations }, ...content })];
  const isCutSame = isCut === (labelOf(published.metadata.annotations ?? {}, overCapacityAnnotation) === "truncated");
  if (deepEqual(published.subsets ?? [], subsets) && deepEqual(published.metadata.labels ?? {}, labels) && isCutSame) return [];
  const { subsets: before, ...rest } = published;
  return [update(Endpoints, { ...rest, metadata: { ...published.metadata, labels, annotations }, ...content })];
}

export function decideWithdrawal({
  object,
  services,
}: {
  readonly object: Endpoints;
  readonly services: readonly Service[];
}): readonly Step[] {
  const isOurs = labelOf(object.metadata.labels ?? {}, endpointsManagerLabel) === manager;
  return isOurs && services.length === 0 && !object.metadata.deletionTimestamp ? [remove(Endpoints, object)] : [];
}

/** Addresses that serve at the same ports stand together; everything in a fixed order, so that nothing is written twice. */
function subsetsOf(service: Service, pods: readonly Pod[]): readonly EndpointSubset[] {
  const { ports = [], publishNotReadyAddresses, ipFamilies } = service.spec;
  const family = (ipFamilies?.[0] ?? "IPv4") as Family;
  const subsets = new Map<string, { ready: EndpointAddress[]; unready: EndpointAddress[]; ports: NonNullable<EndpointSubset["ports"]> }>();
  for (const pod of [...pods].sort(byAddress)) {
    const ip = addressOf(pod, family);
    if (!ip || isTerminal(pod) || (isTerminating(pod) && !publishNotReadyAddresses)) continue;
    const own = ports.flatMap((port) => {
      const number = targetPortOf(pod, port);
      const { name, protocol, appProtocol } = port;
      return number === undefined
        ? []
        : [{ ...(name && { name }), port: number, protocol, ...(appProtocol !== undefined && { appProtocol }) }];
    });
    if (own.length === 0 && !(isHeadless(service) && ports.length === 0)) continue;
    const key = JSON.stringify(own);
    const subset = subsets.get(key) ?? { ready: [], unready: [], ports: own };
    subsets.set(key, subset);
    const isUp = publishNotReadyAddresses === true || isReady(pod);
    subset[isUp ? "ready" : "unready"].push(addressFor(service, pod, ip));
  }
  return [...subsets.entries()]
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([, { ready, unready, ports: own }]) => ({
      ...(ready.length > 0 && { addresses: ready }),
      ...(unready.length > 0 && { notReadyAddresses: unready }),
      ...(own.length > 0 && { ports: own }),
    }));
}

function addressFor(service: Service, pod: Pod, ip: string): EndpointAddress {
  const { namespace, name, uid } = pod.metadata;
  const { nodeName } = pod.spec;
  const hostname = hostnameIn(service, pod);
  return {
    ip,
    ...(hostname && { hostname }),
    ...(nodeName && { nodeName }),
    targetRef: { kind: "Pod", name, uid, ...(namespace && { namespace }) },
  };
}

/** Ready addresses come before others where there is room for some only. */
function limited(subsets: readonly EndpointSubset[]): { readonly subsets: readonly EndpointSubset[]; readonly isCut: boolean } {
  const count = (read: (subset: EndpointSubset) => readonly unknown[] | undefined) =>
    subsets.reduce((total, subset) => total + (read(subset)?.length ?? 0), 0);
  const ready = count(({ addresses }) => addresses);
  if (ready + count(({ notReadyAddresses }) => notReadyAddresses) <= addressesMax) return { subsets, isCut: false };
  let readyRoom = addressesMax;
  let unreadyRoom = Math.max(0, addressesMax - ready);
  const cut = subsets.flatMap(({ addresses = [], notReadyAddresses = [], ports }) => {
    const some = addresses.slice(0, readyRoom);
    const others = notReadyAddresses.slice(0, unreadyRoom);
    readyRoom -= some.length;
    unreadyRoom -= others.length;
    if (some.length + others.length === 0) return [];
    return [
      { ...(some.length > 0 && { addresses: some }), ...(others.length > 0 && { notReadyAddresses: others }), ...(ports && { ports }) },
    ];
  });
  return { subsets: cut, isCut: true };
}

/** In the order of the addresses' numbers: 10.244.0.9 before 10.244.0.10. */
export const byAddress = (left: Pod, right: Pod) => (inOrder(left.status.podIP ?? "") < inOrder(right.status.podIP ?? "") ? -1 : 1);

const inOrder = (ip: string) => (ip.includes(":") ? ip : ip.replace(/\d+/g, (part) => part.padStart(3, "0")));
