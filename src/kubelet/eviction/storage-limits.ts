// Pods that wrote more to the node's disks than they said they would. Pure.
import type { Pod } from "#api/core/pod/pod.ts";
import { podLimits } from "#api/core/pod/resources.ts";
import { compareQuantities, quantityToWhole } from "#schema/quantity.ts";
import { allContainers } from "../layout.ts";
import type { PodDisk } from "./disk-usage.ts";

const resource = "ephemeral-storage";

/** Whether the Pod can go over a limit: only then is it worth measuring. */
export function hasStorageLimits({ spec }: Pod): boolean {
  return (
    (spec.volumes ?? []).some(({ emptyDir }) => emptyDir?.sizeLimit !== undefined && (emptyDir.medium ?? "") === "") ||
    allContainers({ spec } as Pod).some(({ resources }) => resources?.limits?.[resource] !== undefined)
  );
}

/** Why the Pod has to go, in upstream's words; undefined when it keeps within its limits. */
export function storageProblem(pod: Pod, used: PodDisk): string | undefined {
  for (const { name, emptyDir } of pod.spec.volumes ?? []) {
    const limit = emptyDir?.sizeLimit;
    if (limit === undefined || compareQuantities(limit, "0") <= 0) continue;
    if ((used.volumes.get(name) ?? 0) > quantityToWhole(limit))
      return `Usage of EmptyDir volume ${JSON.stringify(name)} exceeds the limit ${JSON.stringify(limit)}. `;
  }
  const total = podLimits(pod)[resource];
  if (total !== undefined && used.bytes > quantityToWhole(total))
    return `Pod ephemeral local storage usage exceeds the total limit of containers ${total}. `;
  for (const { name, resources } of allContainers(pod)) {
    const limit = resources?.limits?.[resource];
    if (limit !== undefined && (used.containers.get(name) ?? 0) > quantityToWhole(limit))
      return `Container ${name} exceeded its local ephemeral storage limit ${JSON.stringify(limit)}. `;
  }
  return undefined;
}
