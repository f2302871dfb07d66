// Folders that begin empty and go with the Pod: on disk, in memory, or in huge pages.
import type { Pod } from "#api/core/pod/pod.ts";
import { podLimits } from "#api/core/pod/resources.ts";
import type { EmptyDirVolumeSource } from "#api/core/pod/volume.ts";
import type { World } from "#platform/world.ts";
import { quantityToWhole } from "#schema/quantity.ts";
import type { Mounts } from "./mounts.ts";
import { giveToGroup, groupOf, share } from "./ownership.ts";
import { VolumeError } from "./volume-error.ts";

export interface EmptyDirPlace {
  readonly folder: string;
  /** No container of the Pod runs. */
  readonly isAtRest: boolean;
  /** Memory that all Pods of the node may use together. */
  readonly memoryOfPods?: string | undefined;
}

export async function makeEmptyDir(
  { files }: World,
  mounts: Mounts,
  pod: Pod,
  source: EmptyDirVolumeSource,
  { folder, isAtRest, memoryOfPods }: EmptyDirPlace,
): Promise<void> {
  const { medium = "" } = source;
  await files.makeFolder(folder, { mode: 0o750 });
  if (medium === "Memory") await mounts.memory(folder, { sizeBytes: sizeInMemory(pod, source, memoryOfPods) });
  else if (medium.startsWith("HugePages")) await mounts.hugePages(folder, pageSizeOf(pod, medium));
  else if (medium !== "") throw new VolumeError(`unknown storage medium ${JSON.stringify(medium)}`);
  const { mode = 0 } = (await files.stat(folder)) ?? {};
  if ((mode & 0o777) !== 0o777) await files.changeMode(folder, mode | 0o777);
  const group = groupOf(pod);
  if (group === undefined) return;
  if (isAtRest) await giveToGroup(files, folder, group, pod.spec.securityContext?.fsGroupChangePolicy);
  else await share(files, folder, group, 0o2770);
}

/** The least of what the volume, the Pod and all Pods may have; undefined where none is limited. */
function sizeInMemory(pod: Pod, { sizeLimit }: EmptyDirVolumeSource, memoryOfPods: string | undefined): number | undefined {
  const isLimited =
    pod.spec.resources?.limits?.["memory"] !== undefined ||
    pod.spec.containers.every(({ resources }) => resources?.limits?.["memory"] !== undefined);
  const limits = [sizeLimit, memoryOfPods, isLimited ? podLimits(pod)["memory"] : undefined]
    .filter((limit) => limit !== undefined)
    .map(quantityToWhole)
    .filter((bytes) => bytes > 0);
  return limits.length === 0 ? undefined : Math.min(...limits);
}

/** "HugePages" stands for the one size that the Pod asks for. */
function pageSizeOf({ spec }: Pod, medium: string): string {
  const [, named] = medium.split("-");
  if (named) return named;
  const sizes = new Set(
    [...spec.containers, ...(spec.initContainers ?? [])].flatMap(({ resources }) =>
      Object.keys(resources?.limits ?? {}).flatMap((name) => (name.startsWith("hugepages-") ? [name.slice("hugepages-".length)] : [])),
    ),
  );
  const [size] = sizes;
  if (sizes.size !== 1 || !size)
    throw new VolumeError("medium HugePages can only be used if containers of the pod request exactly one page size");
  return size;
}
