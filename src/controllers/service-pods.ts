// The Pods behind a Service, and the ports at which they serve it. Shared by the controllers that publish endpoints.
import { Pod } from "#api/core/pod/pod.ts";
import { isReady, isTerminal } from "#api/core/pod/readiness.ts";
import { isSidecar } from "#api/core/pod/resources.ts";
import type { Service, ServicePort } from "#api/core/service/service.ts";
import { selects } from "#api/meta/selects.ts";
import { type Family, familyOf } from "#base/ip.ts";
import { deepEqual } from "#schema/derive/equal.ts";
import { isTrue } from "#api/meta/conditions.ts";
import type { Related } from "./controller.ts";

const headlessLabel = "service.kubernetes.io/headless";
export const triggerAnnotation = "endpoints.kubernetes.io/last-change-trigger-time";

export const isHeadless = ({ spec }: Service): boolean => spec.clusterIP === "None";

/** The Service's own labels, for its endpoints. Which Services are headless is not its writer's to say: proxies pass over them. */
export function labelsFrom(service: Service): Readonly<Record<string, string>> {
  const { [headlessLabel]: _, ...labels } = service.metadata.labels ?? {};
  return { ...labels, ...(isHeadless(service) && { [headlessLabel]: "" }) };
}

/** Whether the Service's endpoints come from Pods; otherwise they are somebody else's to write. */
export function hasSelector({ spec }: Service): boolean {
  return spec.type !== "ExternalName" && Object.keys(spec.selector ?? {}).length > 0;
}

function isBehind(service: Service, pod: Pod): boolean {
  return hasSelector(service) && selects({ matchLabels: service.spec.selector ?? {} }, pod.metadata.labels);
}

/** The Pods a Service selects. Changes of a Pod that endpoints do not show wake nobody. */
export const podsBehind: Related<Service, Pod> = {
  kind: Pod,
  find: (service, pods) => (hasSelector(service) ? pods.list(service.metadata.namespace).filter((pod) => isBehind(service, pod)) : []),
  wakes({ type, object, old }, services) {
    if (type === "changed" && deepEqual(shown(object), shown(old))) return [];
    return services
      .list(object.metadata.namespace)
      .filter((service) => isBehind(service, object) || (old !== undefined && isBehind(service, old)))
      .map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  },
};

function shown(pod: Pod): unknown {
  const { metadata, spec, status } = pod;
  const { labels, deletionTimestamp } = metadata;
  return [labels, deletionTimestamp, spec.nodeName, status.podIP, status.podIPs, isReady(pod), isTerminal(pod)];
}

export function addressOf({ status }: Pod, family: Family): string | undefined {
  const addresses = (status.podIPs ?? []).flatMap(({ ip }) => (ip ? [ip] : []));
  if (addresses.length === 0 && status.podIP) addresses.push(status.podIP);
  return addresses.find((address) => familyOf(address) === family);
}

/** The host name under which the Service's DNS name leads to this very Pod. */
export function hostnameIn(service: Service, pod: Pod): string | undefined {
  const { hostname, subdomain } = pod.spec;
  return hostname && subdomain === service.metadata.name ? hostname : undefined;
}

/** The number of the port where the Pod serves; undefined when it has none of that name. */
export function targetPortOf(pod: Pod, { port, targetPort, protocol }: ServicePort): number | undefined {
  if (targetPort === undefined || targetPort === 0 || targetPort === "") return port;
  if (typeof targetPort === "number") return targetPort;
  const containers = [...pod.spec.containers, ...(pod.spec.initContainers ?? []).filter(isSidecar)];
  for (const container of containers) {
    const found = (container.ports ?? []).find(({ name, protocol: its = "TCP" }) => name === targetPort && its === protocol);
    if (found) return found.containerPort;
  }
  return undefined;
}

/** When the newest of the changes that endpoints show happened. */
export function triggerTime(service: Service, pods: readonly Pod[]): string {
  return pods.reduce((newest, { status }) => {
    const condition = isTrue(status.conditions, "Ready") ? status.conditions?.find(({ type }) => type === "Ready") : undefined;
    return condition?.lastTransitionTime && condition.lastTransitionTime > newest ? condition.lastTransitionTime : newest;
  }, service.metadata.creationTimestamp);
}
