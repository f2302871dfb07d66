// What an evicted Pod and its event say, in upstream's words. Pure.
import type { Pod } from "#api/core/pod/pod.ts";
import { binaryQuantity, quantityToWhole } from "#schema/quantity.ts";
import { allContainers } from "../layout.ts";
import type { PodUsage } from "./ranking.ts";
import { amountOf, type Observations, resourceOf, type Threshold } from "./thresholds.ts";

/** Names the containers that use more than they asked for. */
export function pressureMessage(pod: Pod, usage: PodUsage, threshold: Threshold, observations: Observations): string {
  const resource = resourceOf(threshold.signal);
  const observed = observations.get(threshold.signal);
  let message = `The node was low on resource: ${resource}. `;
  if (observed) {
    const quantity = amountOf(threshold.amount, observed.capacity);
    message += `Threshold quantity: ${shown(resource, quantity)}, available: ${shown(resource, observed.available)}. `;
  }
  if (resource === "memory" || resource === "ephemeral-storage") {
    for (const container of allContainers(pod)) {
      const own = usage.containers?.get(container.name);
      const used = resource === "memory" ? own?.memoryBytes : own?.diskBytes;
      const request = container.resources.requests?.[resource];
      if (used === undefined || used <= (request === undefined ? 0 : quantityToWhole(request))) continue;
      message += `Container ${container.name} was using ${binaryQuantity(used)}, request is ${request ?? "0"}, has larger consumption of ${resource}. `;
    }
  }
  return message;
}

function shown(resource: string, amount: number): string {
  return resource === "memory" || resource === "ephemeral-storage" ? binaryQuantity(amount) : String(amount);
}
