// A claim that somebody deletes stays while a Pod uses it.
import { claimFinalizer } from "#api/core/persistent-volume/volume-binding.ts";
import { PersistentVolumeClaim } from "#api/core/persistent-volume-claim/persistent-volume-claim.ts";
import { claimsOf } from "#api/core/pod/claims.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { isTerminal } from "#api/core/pod/readiness.ts";
import { controllerOf } from "#api/meta/owner.ts";
import { ask, controller, may, type Related, type Step } from "../controller.ts";
import { withFinalizer, withoutFinalizer } from "../finalizers.ts";

const keysOf = (pod: Pod) => claimsOf(pod).map(({ claimName }) => `${pod.metadata.namespace}/${claimName}`);
const byClaim = "claims it uses";

const users: Related<PersistentVolumeClaim, Pod> = {
  kind: Pod,
  prepare: (pods) => pods.addIndex(byClaim, keysOf),
  find: ({ metadata: { namespace, name } }, pods) => pods.byIndex(byClaim, `${namespace}/${name}`),
  wakes: ({ object }) => keysOf(object),
};

export const persistentVolumeClaimProtectionController = controller({
  name: "persistentvolumeclaim-protection-controller",
  for: PersistentVolumeClaim,
  reads: { pods: users },
  writes: [may(PersistentVolumeClaim, "update", "patch")],
  decide,
});

interface Observed {
  readonly object: PersistentVolumeClaim;
  readonly pods: readonly Pod[];
}

export function decide({ object: claim, pods }: Observed): readonly Step[] {
  if (!claim.metadata.deletionTimestamp) return withFinalizer(PersistentVolumeClaim, claim, claimFinalizer);
  if (!claim.metadata.finalizers?.includes(claimFinalizer) || pods.some((pod) => uses(pod, claim))) return [];
  // A Pod that came a moment ago is not in our copy yet, and what the claim holds may be deleted with it.
  return [
    ask(Pod, { namespace: claim.metadata.namespace }, (live) =>
      live.some((pod) => uses(pod, claim)) ? [] : withoutFinalizer(PersistentVolumeClaim, claim, claimFinalizer),
    ),
  ];
}

/** A Pod without a Node uses nothing yet, one that ended nothing any more. A claim made for a Pod of the same name is not this one's. */
function uses(pod: Pod, claim: PersistentVolumeClaim): boolean {
  if (!pod.spec.nodeName || isTerminal(pod)) return false;
  return claimsOf(pod).some(
    ({ claimName, isEphemeral }) => claimName === claim.metadata.name && (!isEphemeral || controllerOf(claim)?.uid === pod.metadata.uid),
  );
}
