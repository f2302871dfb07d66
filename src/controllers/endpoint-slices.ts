// Slices as they are against endpoints as they should be: the steps from one to the other, touching as few slices as can be.
import { type Endpoint, type EndpointPort, EndpointSlice } from "#api/discovery.k8s.io/endpoint-slice/endpoint-slice.ts";
import { newControllerReference } from "#api/meta/owner.ts";
import { labelOf } from "#api/meta/selects.ts";
import { deepEqual } from "#schema/derive/equal.ts";
import type { KubernetesObject } from "#schema/kind.ts";
import { create, type Related, remove, type Step, update } from "./controller.ts";
import { triggerAnnotation } from "./service-pods.ts";

export const serviceNameLabel = "kubernetes.io/service-name";
export const managedByLabel = "endpointslice.kubernetes.io/managed-by";

/** The most endpoints in one slice. */
const endpointsMax = 100;

/** The slices of the Service of the object's name that `manager` looks after. */
export function slicesOf<T extends KubernetesObject>(manager: string): Related<T, EndpointSlice> {
  const index = `of a service, by ${manager}`;
  const serviceOf = ({ metadata }: EndpointSlice) =>
    labelOf(metadata.labels ?? {}, managedByLabel) === manager ? labelOf(metadata.labels ?? {}, serviceNameLabel) : undefined;
  return {
    kind: EndpointSlice,
    prepare: (slices) =>
      slices.addIndex(index, (slice) => {
        const service = serviceOf(slice);
        return service ? [`${slice.metadata.namespace}/${service}`] : [];
      }),
    find: ({ metadata }, slices) => slices.byIndex(index, `${metadata.namespace}/${metadata.name}`),
    wakes: ({ object, old }) =>
      [object, old].flatMap((slice) => {
        const service = slice && serviceOf(slice);
        return service ? [`${slice.metadata.namespace}/${service}`] : [];
      }),
  };
}

/** Endpoints that serve at the same ports. */
export interface Group {
  readonly addressType: EndpointSlice["addressType"];
  readonly ports: readonly EndpointPort[];
  readonly endpoints: readonly Endpoint[];
}

export interface Wanted {
  readonly owner: KubernetesObject;
  readonly labels: Readonly<Record<string, string>>;
  readonly trigger?: string;
  readonly groups: readonly Group[];
}

export function reconcileSlices(wanted: Wanted, existing: readonly EndpointSlice[]): readonly Step[] {
  const alive = existing.filter(({ metadata }) => !metadata.deletionTimestamp);
  const left = new Set(alive);
  const steps: Step[] = [];
  for (const group of wanted.groups) {
    const slices = alive.filter(
      (slice) => left.has(slice) && slice.addressType === group.addressType && samePorts(slice.ports, group.ports),
    );
    for (const slice of slices) left.delete(slice);
    steps.push(...reconcileGroup(wanted, group, slices));
  }
  return [...steps, ...[...left].map((slice) => remove(EndpointSlice, slice))];
}

function reconcileGroup(wanted: Wanted, group: Group, slices: readonly EndpointSlice[]): readonly Step[] {
  const missing = new Map(group.endpoints.map((endpoint) => [identityOf(endpoint), endpoint]));
  const kept = slices.map((slice) => {
    const endpoints = slice.endpoints.flatMap((endpoint) => {
      const identity = identityOf(endpoint);
      const next = missing.get(identity);
      missing.delete(identity);
      return next ? [next] : [];
    });
    return { slice, endpoints };
  });

  const waiting = [...missing.values()];
  const changedFirst = [...kept].sort(
    (left, right) => Number(isSame(left)) - Number(isSame(right)) || right.endpoints.length - left.endpoints.length,
  );
  for (const { endpoints } of changedFirst) {
    if (waiting.length === 0) break;
    endpoints.push(...waiting.splice(0, Math.max(0, endpointsMax - endpoints.length)));
  }

  const steps: Step[] = [];
  let remaining = kept.length;
  for (const { slice, endpoints } of kept) {
    if (endpoints.length === 0 && (remaining > 1 || waiting.length > 0)) {
      remaining -= 1;
      steps.push(remove(EndpointSlice, slice));
    } else if (!isSame({ slice, endpoints }) || !deepEqual(slice.metadata.labels ?? {}, wanted.labels)) {
      const { metadata } = slice;
      steps.push(
        update(EndpointSlice, { ...slice, endpoints, metadata: { ...metadata, labels: wanted.labels, ...annotationsFor(wanted, slice) } }),
      );
    }
  }
  while (waiting.length > 0 || (remaining === 0 && group.endpoints.length === 0)) {
    remaining += 1;
    steps.push(newSlice(wanted, group, waiting.splice(0, endpointsMax)));
  }
  return steps;
}

function newSlice(wanted: Wanted, { addressType, ports }: Group, endpoints: readonly Endpoint[]): Step {
  const { name, namespace } = wanted.owner.metadata;
  return create(EndpointSlice, {
    metadata: {
      generateName: `${name}-`,
      namespace,
      labels: wanted.labels,
      ...annotationsFor(wanted),
      ownerReferences: [newControllerReference(wanted.owner)],
    },
    addressType,
    ports,
    endpoints,
  });
}

function annotationsFor({ trigger }: Wanted, slice?: EndpointSlice): { readonly annotations?: Readonly<Record<string, string>> } {
  return trigger === undefined ? {} : { annotations: { ...slice?.metadata.annotations, [triggerAnnotation]: trigger } };
}

const isSame = ({ slice, endpoints }: { readonly slice: EndpointSlice; readonly endpoints: readonly Endpoint[] }) =>
  deepEqual(slice.endpoints, endpoints);

const identityOf = ({ targetRef, addresses }: Endpoint): string => `${targetRef?.uid ?? ""} ${addresses.join(" ")}`;

function samePorts(left: readonly EndpointPort[], right: readonly EndpointPort[]): boolean {
  return deepEqual(portTexts(left), portTexts(right));
}

const portTexts = (ports: readonly EndpointPort[]) => ports.map(portText).sort();

export function portText({ name = "", protocol = "TCP", port, appProtocol }: EndpointPort): string {
  return [name, protocol, port ?? "", appProtocol ?? ""].join("/");
}
