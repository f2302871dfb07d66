// Where things are on the node, and the names by which the runtime's objects are found again.
import type { Container } from "#api/core/pod/container.ts";
import type { Pod } from "#api/core/pod/pod.ts";

export const labels = {
  podName: "io.kubernetes.pod.name",
  podNamespace: "io.kubernetes.pod.namespace",
  podUid: "io.kubernetes.pod.uid",
  containerName: "io.kubernetes.container.name",
} as const;

export const annotations = {
  hash: "io.kubernetes.container.hash",
  restartCount: "io.kubernetes.container.restartCount",
  terminationMessagePath: "io.kubernetes.container.terminationMessagePath",
  terminationMessagePolicy: "io.kubernetes.container.terminationMessagePolicy",
  gracePeriod: "io.kubernetes.pod.terminationGracePeriod",
  deletionGracePeriod: "io.kubernetes.pod.deletionGracePeriod",
  preStop: "io.kubernetes.container.preStopHandler",
  /** Of our own: what the container was made with. */
  resources: "io.kubernetes.container.resources",
  /** Of our own: mounts that asked for it are read-only below too. */
  recursiveReadOnly: "io.kubernetes.container.recursiveReadOnly",
  ports: "io.kubernetes.container.ports",
  configSource: "kubernetes.io/config.source",
  configHash: "kubernetes.io/config.hash",
  configSeen: "kubernetes.io/config.seen",
  configMirror: "kubernetes.io/config.mirror",
} as const;

export type AnyContainer = Container & { readonly targetContainerName?: string | undefined };

export function podFolder(rootFolder: string, uid: string): string {
  return `${rootFolder}/pods/${uid}`;
}

export function podLogFolder(podLogsFolder: string, { metadata }: Pod): string {
  return `${podLogsFolder}/${metadata.namespace ?? "default"}_${metadata.name}_${metadata.uid}`;
}

export function namespaceOf(pod: Pod): string {
  return pod.metadata.namespace ?? "default";
}

/** "web_default(uid)", as messages name a Pod. */
export function fullName(pod: Pod): string {
  return `${pod.metadata.name}_${namespaceOf(pod)}(${pod.metadata.uid})`;
}

/** By its uid too, which only this node's manifests give: anybody may write annotations on a Pod of the API server. */
export function isStatic({ metadata: { uid, annotations: noted = {} } }: Pod): boolean {
  const source = noted[annotations.configSource];
  return source !== undefined && source !== "api" && !uid.includes("-") && noted[annotations.configHash] === uid;
}

export function isMirror(pod: Pod): boolean {
  return pod.metadata.annotations?.[annotations.configMirror] !== undefined;
}

/** Whether the control plane itself runs in the Pod: it is brought back faster than others. */
export function isControlPlane(pod: Pod): boolean {
  return isStatic(pod) && namespaceOf(pod) === "kube-system";
}

const criticalPriority = 2_000_000_000;

/** Pods that others are ended for, and that go last. */
export function isCritical(pod: Pod): boolean {
  return isStatic(pod) || isMirror(pod) || (pod.spec.priority ?? 0) >= criticalPriority;
}

/** Init containers first, then the others, then ephemeral ones. */
export function allContainers({ spec }: Pod): readonly AnyContainer[] {
  return [...(spec.initContainers ?? []), ...spec.containers, ...((spec.ephemeralContainers ?? []) as readonly AnyContainer[])];
}

/** Names of all images that the Pod's containers and volumes are made of. */
export function imagesOf(pod: Pod): readonly string[] {
  const volumes = (pod.spec.volumes ?? []).flatMap(({ image }) => image?.reference ?? []);
  return [...allContainers(pod).flatMap(({ image }) => image ?? []), ...volumes];
}

/** Changes when a container has to be made anew: its name or image differs. */
export function containerHash({ name, image = "" }: Pick<Container, "name" | "image">): string {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(`${name}\n${image}`)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash.toString(16);
}
