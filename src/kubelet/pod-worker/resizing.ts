// Amounts that change while a Pod runs: what is wanted is first set aside, if the node has room for it, and then given to the containers.
//
// Invariants:
// - What was set aside is what everything else here goes by: admission of other Pods, cgroups, new containers.
// - A wish that has to wait changes nothing, and is looked at again when room may have come.
import type { Container, ResourceRequirements } from "#api/core/pod/container.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import { deepEqual } from "#schema/derive/equal.ts";
import type { Json } from "#schema/field.ts";
import { annotations, isStatic } from "../layout.ts";
import { isAlive, type ObservedContainer, type ObservedPod } from "./observed.ts";

/** Whether the node can give what a Pod wants instead of what it has. */
export type ResizeVerdict =
  | { readonly fits: true }
  | { readonly fits: false; readonly reason: "Deferred" | "Infeasible"; readonly message: string };

/** A running container that does not have what was set aside for it. */
export interface DueResize {
  readonly container: Container;
  readonly observed: ObservedContainer;
  /** It has to be started anew for it. */
  readonly restart: boolean;
}

export class Resizing {
  /** What the Pod wants and does not get now. */
  pending: { readonly reason: string; readonly message: string } | undefined;
  /** Why the containers could not be given what was set aside. */
  failure: string | undefined;
  #allocated: ReadonlyMap<string, ResourceRequirements>;
  readonly #actuated = new Map<string, ResourceRequirements>();

  /** What was given before, by a kubelet that ran before this one, was said in the status. */
  constructor(pod: Pod) {
    const told = new Map(statusesOf(pod).flatMap(({ name, state, resources }) => (state.running && resources ? [[name, resources]] : [])));
    this.#allocated = new Map(resizable(pod).map(({ name, resources }) => [name, told.get(name) ?? resources]));
  }

  /** The Pod with what was set aside for it. */
  allocated(pod: Pod): Pod {
    const take = (container: Container): Container => {
      const resources = this.#allocated.get(container.name);
      return resources === undefined || sameAmounts(resources, container.resources) ? container : { ...container, resources };
    };
    const { containers, initContainers } = pod.spec;
    return {
      ...pod,
      spec: { ...pod.spec, containers: containers.map(take), ...(initContainers && { initContainers: initContainers.map(take) }) },
    };
  }

  /** Sets aside what the Pod wants now, if it can be. True when something was. */
  consider(wanted: Pod, judge: (pod: Pod) => ResizeVerdict): boolean {
    const changed = resizable(wanted).some(({ name, resources }) => !sameAmounts(resources, this.#allocated.get(name) ?? resources));
    if (!changed) {
      this.pending = undefined;
      return false;
    }
    const verdict: ResizeVerdict = isStatic(wanted)
      ? { fits: false, reason: "Infeasible", message: "In-place resize of static-pods is not supported" }
      : judge(wanted);
    if (!verdict.fits) {
      this.pending = { reason: verdict.reason, message: verdict.message };
      return false;
    }
    this.pending = undefined;
    this.#allocated = new Map(resizable(wanted).map(({ name, resources }) => [name, resources]));
    return true;
  }

  /** What a container really has. */
  actual(id: string): ResourceRequirements | undefined {
    return this.#actuated.get(id);
  }

  given(id: string, resources: ResourceRequirements): void {
    this.#actuated.set(id, resources);
  }

  /** Takes note of containers that were not seen before, and forgets those that are gone. `pod` is the Pod as allocated. */
  observe({ containers }: ObservedPod, pod: Pod): void {
    for (const id of this.#actuated.keys()) if (!containers.some((one) => one.id === id)) this.#actuated.delete(id);
    for (const found of containers) {
      if (this.#actuated.has(found.id) || !isAlive(found)) continue;
      const told = statusesOf(pod).find(({ containerID }) => containerID?.endsWith(`://${found.id}`))?.resources;
      const made = told ?? resourcesAtCreation(found) ?? resizable(pod).find(({ name }) => name === found.name)?.resources;
      if (made) this.#actuated.set(found.id, made);
    }
  }

  /** Running containers that are to be given something else. */
  due({ containers }: ObservedPod, pod: Pod): readonly DueResize[] {
    return resizable(pod).flatMap((container) => {
      const observed = containers.find(({ name, state }) => name === container.name && state === "running");
      const actual = observed && this.#actuated.get(observed.id);
      if (!observed || !actual || sameAmounts(actual, container.resources)) return [];
      const changed = (["cpu", "memory"] as const).filter((name) => !sameOf(actual, container.resources, name));
      const restart = changed.some((name) => policyOf(container, name) === "RestartContainer");
      return [{ container, observed, restart }];
    });
  }
}

/** Containers whose amounts may change: all that keep running. */
function resizable({ spec }: Pod): readonly Container[] {
  return [...spec.containers, ...(spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always")];
}

function statusesOf({ status }: Pod) {
  return [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])];
}

function policyOf({ resizePolicy = [] }: Container, name: string): string {
  return resizePolicy.find(({ resourceName }) => resourceName === name)?.restartPolicy ?? "NotRequired";
}

function sameAmounts(one: ResourceRequirements, other: ResourceRequirements): boolean {
  return sameOf(one, other, "cpu") && sameOf(one, other, "memory");
}

function sameOf(one: ResourceRequirements, other: ResourceRequirements, name: "cpu" | "memory"): boolean {
  return deepEqual([one.requests?.[name], one.limits?.[name]], [other.requests?.[name], other.limits?.[name]]);
}

function resourcesAtCreation({ annotations: noted }: ObservedContainer): ResourceRequirements | undefined {
  try {
    return JSON.parse(noted[annotations.resources] ?? "null") ?? undefined;
  } catch {
    return undefined;
  }
}

/** What events say of a resize: the amounts, by container. */
export function resizeText(pod: Pod, error?: string): string {
  const list = (containers: readonly Container[]): Json[] =>
    containers.map(({ name, resources: { limits, requests } }) => ({
      name,
      resources: { ...(limits && { limits }), ...(requests && { requests }) },
    }));
  const sidecars = (pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always");
  return JSON.stringify({
    ...(sidecars.length > 0 && { initContainers: list(sidecars) }),
    containers: list(pod.spec.containers),
    generation: Number(pod.metadata.generation ?? 0),
    ...(error && { error }),
  });
}
