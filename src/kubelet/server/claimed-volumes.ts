// How full the volumes are that Pods claimed, as their file systems say: for /stats/summary, and as kubelet_volume_stats_* for alerts.
import type { Pod } from "#api/core/pod/pod.ts";
import type { World } from "#platform/world.ts";
import { namespaceOf } from "../layout.ts";
import { type MetricHead, MetricLines } from "./metric-lines.ts";

export interface ClaimedVolume {
  readonly pod: Pod;
  /** Its name in the Pod, and its claim's. */
  readonly name: string;
  readonly claim: string;
  readonly space: { readonly total: number; readonly free: number; readonly inodes: number; readonly inodesFree: number };
}

export interface ClaimedVolumesNeeds {
  readonly pods: () => readonly Pod[];
  readonly volumePath: (pod: Pod, volume: string) => string;
}

const gauge = (name: string, help: string): MetricHead => ({
  name: `kubelet_volume_stats_${name}`,
  type: "gauge",
  help: `[ALPHA] ${help}`,
});
const heads = {
  capacity: gauge("capacity_bytes", "Capacity in bytes of the volume"),
  available: gauge("available_bytes", "Number of available bytes in the volume"),
  used: gauge("used_bytes", "Number of used bytes in the volume"),
  inodes: gauge("inodes", "Maximum number of inodes in the volume"),
  inodesFree: gauge("inodes_free", "Number of free inodes in the volume"),
  inodesUsed: gauge("inodes_used", "Number of used inodes in the volume"),
};

/** Those that are mounted; what cannot be looked at is left out. */
export async function claimedVolumes(world: World, { pods, volumePath }: ClaimedVolumesNeeds): Promise<readonly ClaimedVolume[]> {
  const wanted = pods().flatMap((pod) =>
    (pod.spec.volumes ?? []).flatMap(({ name, persistentVolumeClaim, ephemeral }) => {
      const claim = persistentVolumeClaim?.claimName ?? (ephemeral ? `${pod.metadata.name}-${name}` : undefined);
      return claim === undefined ? [] : [{ pod, name, claim }];
    }),
  );
  const seen = await Promise.all(
    wanted.map(async (one) => {
      try {
        return { ...one, space: await world.files.space(volumePath(one.pod, one.name)) };
      } catch {
        return undefined;
      }
    }),
  );
  return seen.filter((one) => one !== undefined);
}

export function volumeMetrics(volumes: readonly ClaimedVolume[]): string {
  const lines = new MetricLines();
  for (const { pod, claim, space } of volumes) {
    const of = { namespace: namespaceOf(pod), persistentvolumeclaim: claim };
    lines.add(heads.capacity, of, space.total);
    lines.add(heads.available, of, space.free);
    lines.add(heads.used, of, space.total - space.free);
    lines.add(heads.inodes, of, space.inodes);
    lines.add(heads.inodesFree, of, space.inodesFree);
    lines.add(heads.inodesUsed, of, space.inodes - space.inodesFree);
  }
  return lines.text();
}
