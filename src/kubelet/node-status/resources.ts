// What the Node has, and what of it Pods may have. Pure.
import { binaryQuantity, milliQuantity, quantityToMilli, quantityToWhole } from "#schema/quantity.ts";
import { thresholdOf } from "./conditions.ts";
import type { Machine } from "./machine.ts";

export interface NodeResources {
  readonly machine: Machine;
  readonly diskBytes: number;
  readonly maxPods: number;
  readonly systemReserved: Readonly<Record<string, string>>;
  readonly kubeReserved: Readonly<Record<string, string>>;
  readonly thresholds: Readonly<Record<string, string>>;
}

export type Quantities = Readonly<Record<string, string>>;

export function capacityOf({ machine, diskBytes, maxPods }: NodeResources): Quantities {
  return {
    cpu: String(machine.cpus),
    "ephemeral-storage": `${Math.floor(diskBytes / 1024)}Ki`,
    ...hugepagesOf(machine),
    memory: `${Math.floor(machine.memoryBytes / 1024)}Ki`,
    pods: String(maxPods),
  };
}

/** Capacity without what is reserved, and without what must stay free. */
export function allocatableOf(resources: NodeResources): Quantities {
  const { machine, diskBytes, maxPods, systemReserved, kubeReserved, thresholds } = resources;
  const reserved = [systemReserved, kubeReserved];
  const less = (total: number, name: string, amount: (text: string) => number) =>
    reserved.reduce((left, part) => left - (part[name] === undefined ? 0 : amount(part[name])), total);
  const hugepages = Object.values(machine.hugepages).reduce((sum, bytes) => sum + bytes, 0);
  const memory =
    less(machine.memoryBytes, "memory", quantityToWhole) - hugepages - thresholdOf(machine.memoryBytes, thresholds["memory.available"]);
  const disk = less(diskBytes, "ephemeral-storage", quantityToWhole) - thresholdOf(diskBytes, thresholds["nodefs.available"]);
  return {
    cpu: milliQuantity(Math.max(0, less(machine.cpus * 1_000, "cpu", quantityToMilli))),
    "ephemeral-storage": String(Math.max(0, disk)),
    ...hugepagesOf(machine),
    memory: `${Math.floor(Math.max(0, memory) / 1024)}Ki`,
    pods: String(maxPods),
  };
}

function hugepagesOf({ hugepages }: Machine): Quantities {
  return Object.fromEntries(Object.entries(hugepages).map(([size, bytes]) => [`hugepages-${size}`, binaryQuantity(bytes)]));
}
