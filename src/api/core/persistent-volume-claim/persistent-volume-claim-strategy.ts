// What the server makes of a claim before it is checked: the two ways to say a data source say the same.
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from "./persistent-volume-claim.ts";

export function preparePersistentVolumeClaim(
  claim: PersistentVolumeClaim,
  { subresource }: { readonly old?: PersistentVolumeClaim; readonly subresource: string },
): PersistentVolumeClaim {
  if (subresource !== "") return claim;
  const spec = withBothSources(claim.spec);
  return spec === claim.spec ? claim : { ...claim, spec };
}

function withBothSources(spec: PersistentVolumeClaimSpec): PersistentVolumeClaimSpec {
  const { dataSource, dataSourceRef } = spec;
  if (dataSource && !dataSourceRef) return { ...spec, dataSourceRef: { ...dataSource } };
  if (!dataSource && dataSourceRef && !dataSourceRef.namespace) {
    const { namespace, ...local } = dataSourceRef;
    return { ...spec, dataSource: local };
  }
  return spec;
}
