// Which other objects of its namespace a Pod needs on its node.
import type { Container } from "#api/core/pod/container.ts";
import type { Pod } from "#api/core/pod/pod.ts";

export type ReferencedResource = "secrets" | "configmaps" | "persistentvolumeclaims" | "serviceaccounts";

export function podRefersTo(pod: Pod, resource: ReferencedResource, name: string): boolean {
  for (const referenced of references(pod, resource)) if (referenced === name) return true;
  return false;
}

/** The names, those that are not set among them. */
export function* references({ spec, metadata }: Pod, resource: ReferencedResource): Generator<string | undefined> {
  const { volumes = [] } = spec;
  switch (resource) {
    case "serviceaccounts":
      yield spec.serviceAccountName;
      return;
    case "persistentvolumeclaims":
      for (const { name, persistentVolumeClaim, ephemeral } of volumes) {
        yield persistentVolumeClaim?.claimName;
        if (ephemeral) yield `${metadata.name}-${name}`;
      }
      return;
    case "configmaps":
      for (const { configMap, projected } of volumes) {
        yield configMap?.name;
        for (const source of projected?.sources ?? []) yield source.configMap?.name;
      }
      for (const { env = [], envFrom = [] } of containersOf(spec)) {
        for (const { valueFrom } of env) yield valueFrom?.configMapKeyRef?.name;
        for (const { configMapRef } of envFrom) yield configMapRef?.name;
      }
      return;
    case "secrets":
      for (const { name } of spec.imagePullSecrets ?? []) yield name;
      for (const volume of volumes) {
        yield volume.secret?.secretName;
        for (const source of volume.projected?.sources ?? []) yield source.secret?.name;
        const { azureFile, cephfs, cinder, flexVolume, iscsi, rbd, scaleIO, storageos, csi } = volume;
        yield azureFile?.secretName;
        for (const user of [cephfs, cinder, flexVolume, iscsi, rbd, scaleIO, storageos]) yield user?.secretRef?.name;
        yield csi?.nodePublishSecretRef?.name;
      }
      for (const { env = [], envFrom = [] } of containersOf(spec)) {
        for (const { valueFrom } of env) yield valueFrom?.secretKeyRef?.name;
        for (const { secretRef } of envFrom) yield secretRef?.name;
      }
  }
}

function containersOf({
  containers,
  initContainers = [],
  ephemeralContainers = [],
}: Pod["spec"]): readonly Pick<Container, "env" | "envFrom">[] {
  return [...containers, ...initContainers, ...ephemeralContainers];
}
