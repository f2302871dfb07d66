// Makes the claims of Pods that bring a template of one: they go with the Pod, as what it owns.
import { PersistentVolumeClaim } from "#api/core/persistent-volume-claim/persistent-volume-claim.ts";
import { claimsOf } from "#api/core/pod/claims.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { isTerminal, isTerminating } from "#api/core/pod/readiness.ts";
import { newControllerReference } from "#api/meta/owner.ts";
import { controller, create, may, type Related, type Step } from "../controller.ts";

const claims: Related<Pod, PersistentVolumeClaim> = {
  kind: PersistentVolumeClaim,
  find: (pod, all) =>
    claimsOf(pod).flatMap(({ claimName, isEphemeral }) => (isEphemeral ? (all.get(`${pod.metadata.namespace}/${claimName}`) ?? []) : [])),
  wakes: ({ type, object: { metadata } }) =>
    type === "deleted"
      ? (metadata.ownerReferences ?? []).filter(({ kind }) => kind === "Pod").map(({ name }) => `${metadata.namespace}/${name}`)
      : [],
};

export const ephemeralVolumeController = controller({
  name: "ephemeral-volume-controller",
  for: Pod,
  reads: { claims },
  // The claims' owner may block their deletion: for that, a finalizer of Pods must be within reach.
  writes: [may(PersistentVolumeClaim, "create"), may({ kind: Pod, subresource: "finalizers" }, "update")],
  decide,
});

interface Observed {
  readonly object: Pod;
  readonly claims: readonly PersistentVolumeClaim[];
}

export function decide({ object: pod, claims: there }: Observed): readonly Step[] {
  if (isTerminating(pod) || isTerminal(pod)) return [];
  return claimsOf(pod).flatMap(({ volume, claimName, isEphemeral }) => {
    const template = volume.ephemeral?.volumeClaimTemplate;
    if (!isEphemeral || !template || there.some(({ metadata }) => metadata.name === claimName)) return [];
    const { labels, annotations } = template.metadata;
    return [
      create(
        PersistentVolumeClaim,
        {
          metadata: {
            name: claimName,
            namespace: pod.metadata.namespace,
            ownerReferences: [newControllerReference(pod)],
            ...(labels && { labels }),
            ...(annotations && { annotations }),
          },
          spec: template.spec,
        },
        { ifMissing: true },
      ),
    ];
  });
}
