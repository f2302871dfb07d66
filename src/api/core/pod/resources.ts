// What a Pod as a whole asks for and may use: its containers together, or its largest init container, and the overhead.
import type { Quantity } from "#schema/field.ts";
import { addQuantities, compareQuantities } from "#schema/quantity.ts";
import type { Container } from "./container.ts";
import type { Pod } from "./pod.ts";

export type ResourceList = Readonly<Record<string, Quantity>>;

/** The part of a Pod that says what it needs; a template has it too. */
export interface ResourceConsumer {
  readonly spec: Pick<Pod["spec"], "containers" | "initContainers" | "overhead" | "resources">;
}

/** What the scheduler sets aside for the Pod. */
export function podRequests(pod: ResourceConsumer): ResourceList {
  const amounts = effective(pod, "requests");
  for (const [name, amount] of Object.entries(pod.spec.overhead ?? {})) add(amounts, name, amount);
  return Object.fromEntries(amounts);
}

/** What the Pod may use at most; a resource that some container may use without limit is counted for the others only. */
export function podLimits(pod: ResourceConsumer): ResourceList {
  const amounts = effective(pod, "limits");
  for (const [name, amount] of Object.entries(pod.spec.overhead ?? {})) {
    if (!isZero(amounts.get(name))) add(amounts, name, amount);
  }
  return Object.fromEntries(amounts);
}

/** Whether the init container keeps running beside the containers. */
export function isSidecar(container: Pick<Container, "restartPolicy">): boolean {
  return container.restartPolicy === "Always";
}

export function isZero(amount: Quantity | undefined): boolean {
  return amount === undefined || compareQuantities(amount, "0") === 0;
}

/** The resources that may be asked for by the Pod as a whole. */
export function isPodLevelResource(name: string): boolean {
  return name === "cpu" || name === "memory" || name.startsWith("hugepages-");
}

/** Sum over the containers and sidecars, or more where an init container needs more than they do, beside the sidecars before it. */
function effective({ spec }: ResourceConsumer, side: "requests" | "limits"): Map<string, Quantity> {
  const total = new Map<string, Quantity>();
  for (const container of spec.containers) addAll(total, container.resources?.[side]);
  const sidecars = new Map<string, Quantity>();
  const peak = new Map<string, Quantity>();
  for (const container of spec.initContainers ?? []) {
    const moment = new Map(sidecars);
    addAll(moment, container.resources?.[side]);
    if (isSidecar(container)) {
      addAll(sidecars, container.resources?.[side]);
      addAll(total, container.resources?.[side]);
    }
    for (const [name, amount] of moment) raise(peak, name, amount);
  }
  for (const [name, amount] of peak) raise(total, name, amount);
  for (const [name, amount] of Object.entries(spec.resources?.[side] ?? {})) {
    if (isPodLevelResource(name)) total.set(name, amount);
  }
  return total;
}

function addAll(amounts: Map<string, Quantity>, more: ResourceList | undefined): void {
  for (const [name, amount] of Object.entries(more ?? {})) add(amounts, name, amount);
}

function add(amounts: Map<string, Quantity>, name: string, amount: Quantity): void {
  const before = amounts.get(name);
  amounts.set(name, before === undefined ? amount : addQuantities(before, amount));
}

function raise(amounts: Map<string, Quantity>, name: string, amount: Quantity): void {
  const before = amounts.get(name);
  if (before === undefined || compareQuantities(before, amount) < 0) amounts.set(name, amount);
}
