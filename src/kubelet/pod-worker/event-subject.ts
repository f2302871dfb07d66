// What an event about a Pod or one of its containers is about.
import type { Pod } from "#api/core/pod/pod.ts";
import type { EventSubject } from "#client/event-recorder.ts";
import { type AnyContainer, annotations, isMirror, isStatic, namespaceOf } from "../layout.ts";

export function eventSubject(pod: Pod, container?: AnyContainer): EventSubject {
  const { metadata, spec } = pod;
  // Events about static Pods name the hash of the manifest, which people and tools know from the mirror.
  const uid = isStatic(pod) && !isMirror(pod) ? (metadata.annotations?.[annotations.configHash] ?? metadata.uid) : metadata.uid;
  const has = (list: readonly { readonly name: string }[] | undefined) => list?.some(({ name }) => name === container?.name) ?? false;
  const list = has(spec.initContainers) ? "initContainers" : has(spec.containers) ? "containers" : "ephemeralContainers";
  return {
    apiVersion: "v1",
    kind: "Pod",
    namespace: namespaceOf(pod),
    name: metadata.name,
    uid,
    ...(metadata.resourceVersion && { resourceVersion: metadata.resourceVersion }),
    ...(container && { fieldPath: `spec.${list}{${container.name}}` }),
  };
}
