// The Pod a template describes, owned by whoever holds the template.
import type { Pod } from "#api/core/pod/pod.ts";
import type { PodTemplateSpec } from "#api/core/pod/pod-template.ts";
import { newControllerReference } from "#api/meta/owner.ts";
import type { KubernetesObject } from "#schema/kind.ts";
import type { Draft } from "#schema/message.ts";

/** Names longer than this are cut, so that the random part fits a host name. */
const prefixCharactersMax = 58;

export function podFromTemplate(owner: KubernetesObject, { metadata, spec }: PodTemplateSpec): Draft<Pod> {
  const { labels, annotations, finalizers } = metadata;
  return {
    metadata: {
      generateName: `${owner.metadata.name.slice(0, prefixCharactersMax)}-`,
      namespace: owner.metadata.namespace,
      ...(labels && { labels }),
      ...(annotations && { annotations }),
      ...(finalizers && { finalizers }),
      ownerReferences: [newControllerReference(owner)],
    },
    spec,
  };
}
