// The defaults of Pods and of Pod templates that depend on other fields. A template gets fewer: what a Pod adds would change the template's hash.
import type { Container, EphemeralContainer, ResourceRequirements } from "./container.ts";
import type { Pod } from "./pod.ts";
import type { PodSpec } from "./pod-spec.ts";
import type { PodTemplateSpec } from "./pod-template.ts";
import { isPodLevelResource, podRequests, type ResourceList } from "./resources.ts";
import { type Volume, volumeSources } from "./volume.ts";

/** A Pod with everything that was left unsaid; the Pod itself when nothing was. */
export function completePod(pod: Pod): Pod {
  const shared = completeSpec(pod.spec);
  const containers = mapKeeping(shared.containers, (container) => completeInPod(container, shared));
  const initContainers = shared.initContainers && mapKeeping(shared.initContainers, (container) => completeInPod(container, shared));
  let spec = shared;
  if (containers !== spec.containers) spec = { ...spec, containers };
  if (initContainers !== spec.initContainers) spec = { ...spec, initContainers };
  if (spec.enableServiceLinks === undefined) spec = { ...spec, enableServiceLinks: true };
  spec = withPodLevelRequests(spec);
  return spec === pod.spec ? pod : { ...pod, spec };
}

/** The template of a workload, completed. */
export function completeTemplate(template: PodTemplateSpec): PodTemplateSpec {
  const spec = completeSpec(template.spec);
  return spec === template.spec ? template : { ...template, spec };
}

/** A workload, its template completed. */
export function withCompleteTemplate<T extends { readonly spec: { readonly template: PodTemplateSpec } }>(workload: T): T {
  const template = completeTemplate(workload.spec.template);
  return template === workload.spec.template ? workload : { ...workload, spec: { ...workload.spec, template } };
}

/** How an image is pulled when nobody says: every time when its tag is "latest" or missing, unless a digest pins it. */
export function pullPolicyFor(image: string): "Always" | "IfNotPresent" {
  const digestAt = image.indexOf("@");
  const name = digestAt < 0 ? image : image.slice(0, digestAt);
  const tagAt = name.indexOf(":", name.lastIndexOf("/") + 1);
  if (tagAt >= 0) return name.slice(tagAt + 1) === "latest" ? "Always" : "IfNotPresent";
  return digestAt < 0 && name !== "" ? "Always" : "IfNotPresent";
}

function completeSpec(before: PodSpec): PodSpec {
  let spec = before;
  // The old name of the field and the new one always say the same.
  const account = spec.serviceAccountName || spec.serviceAccount;
  if (account && (account !== spec.serviceAccountName || account !== spec.serviceAccount)) {
    spec = { ...spec, serviceAccountName: account, serviceAccount: account };
  }
  const volumes = spec.volumes && mapKeeping(spec.volumes, completeVolume);
  const containers = mapKeeping(spec.containers, withPullPolicy);
  const initContainers = spec.initContainers && mapKeeping(spec.initContainers, withPullPolicy);
  const ephemeralContainers = spec.ephemeralContainers && mapKeeping(spec.ephemeralContainers, withPullPolicy);
  if (volumes !== spec.volumes) spec = { ...spec, volumes };
  if (containers !== spec.containers) spec = { ...spec, containers };
  if (initContainers !== spec.initContainers) spec = { ...spec, initContainers };
  if (ephemeralContainers !== spec.ephemeralContainers) spec = { ...spec, ephemeralContainers };
  return spec;
}

function completeVolume(volume: Volume): Volume {
  if (volumeSources.every((source) => volume[source] === undefined)) return { ...volume, emptyDir: {} };
  if (volume.image === undefined || volume.image.pullPolicy) return volume;
  return { ...volume, image: { ...volume.image, pullPolicy: pullPolicyFor(volume.image.reference ?? "") } };
}

function withPullPolicy<C extends Container | EphemeralContainer>(container: C): C {
  return container.imagePullPolicy ? container : { ...container, imagePullPolicy: pullPolicyFor(container.image ?? "") };
}

function completeInPod(before: Container, { hostNetwork }: PodSpec): Container {
  let container = before;
  const resources = withRequests(container.resources);
  if (resources !== container.resources) container = { ...container, resources };
  if (hostNetwork && container.ports !== undefined) {
    const ports = mapKeeping(container.ports, (port) => (port.hostPort ? port : { ...port, hostPort: port.containerPort }));
    if (ports !== container.ports) container = { ...container, ports };
  }
  return container;
}

/** Who names a limit and no request asks for the limit. */
function withRequests(resources: ResourceRequirements): ResourceRequirements {
  const missing = Object.entries(resources.limits ?? {}).filter(([name]) => !has(resources.requests, name));
  if (missing.length === 0) return resources;
  return { ...resources, requests: Object.fromEntries([...Object.entries(resources.requests ?? {}), ...missing]) };
}

/** The Pod as a whole asks for what its containers do together, or for its limit where they ask for nothing. */
function withPodLevelRequests(spec: PodSpec): PodSpec {
  const { resources } = spec;
  if (resources === undefined || (isEmpty(resources.limits) && isEmpty(resources.requests))) return spec;
  const { resources: _, overhead: __, ...alone } = spec;
  const requests = new Map(Object.entries(resources.requests ?? {}));
  const candidates = [...Object.entries(podRequests({ spec: alone })), ...Object.entries(resources.limits ?? {})];
  for (const [name, amount] of candidates) {
    if (isPodLevelResource(name) && !requests.has(name)) requests.set(name, amount);
  }
  if (requests.size === Object.keys(resources.requests ?? {}).length) return spec;
  return { ...spec, resources: { ...resources, requests: Object.fromEntries(requests) } };
}

function has(list: ResourceList | undefined, name: string): boolean {
  return list !== undefined && Object.hasOwn(list, name);
}

function isEmpty(list: ResourceList | undefined): boolean {
  return list === undefined || Object.keys(list).length === 0;
}

/** `list.map`, but the same list when nothing changed. */
function mapKeeping<T>(list: readonly T[], change: (item: T) => T): readonly T[] {
  const changed = list.map(change);
  return changed.some((item, index) => item !== list[index]) ? changed : list;
}
