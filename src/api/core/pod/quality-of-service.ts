// The class of service that follows from what a Pod asks for: who is starved and evicted last.
import { addQuantities, compareQuantities } from "#schema/quantity.ts";
import { isZero, type ResourceConsumer, type ResourceList } from "./resources.ts";

export type QualityOfService = "Guaranteed" | "Burstable" | "BestEffort";

const counted = ["cpu", "memory"] as const;

/** Guaranteed where everybody's cpu and memory are limited to what they ask for, BestEffort where nobody asks for either, else Burstable. */
export function qualityOfService({ spec }: ResourceConsumer): QualityOfService {
  const askers =
    spec.resources === undefined
      ? [...spec.containers, ...(spec.initContainers ?? [])].map(({ resources }) => resources)
      : [spec.resources];
  const requests = total(askers.map((resources) => resources?.requests));
  const limits = total(askers.map((resources) => resources?.limits));
  if (requests.size === 0 && limits.size === 0) return "BestEffort";
  const limited = askers.every((resources) => counted.every((name) => !isZero(resources?.limits?.[name])));
  const equal = counted.every((name) => compareQuantities(requests.get(name) ?? "0", limits.get(name) ?? "0") === 0);
  return limited && equal ? "Guaranteed" : "Burstable";
}

function total(lists: readonly (ResourceList | undefined)[]): ReadonlyMap<string, string> {
  const sums = new Map<string, string>();
  for (const name of counted) {
    for (const list of lists) {
      const amount = list?.[name];
      if (amount !== undefined && !isZero(amount)) sums.set(name, addQuantities(sums.get(name) ?? "0", amount));
    }
  }
  return sums;
}
