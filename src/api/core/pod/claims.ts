// The claims that a Pod uses, those among them that are made for it.
import type { Pod } from "./pod.ts";
import type { Volume } from "./volume.ts";

export interface UsedClaim {
  /** The volume of the Pod. */
  readonly volume: Volume;
  readonly claimName: string;
  /** The claim is made for the Pod and goes with it. */
  readonly isEphemeral: boolean;
}

type NamedPod = { readonly metadata: { readonly name: string }; readonly spec: Pick<Pod["spec"], "volumes"> };

export function claimsOf({ metadata, spec }: NamedPod): readonly UsedClaim[] {
  return (spec.volumes ?? []).flatMap((volume): readonly UsedClaim[] => {
    if (volume.persistentVolumeClaim) return [{ volume, claimName: volume.persistentVolumeClaim.claimName, isEphemeral: false }];
    if (volume.ephemeral) return [{ volume, claimName: ephemeralClaimName(metadata.name, volume.name), isEphemeral: true }];
    return [];
  });
}

export function ephemeralClaimName(pod: string, volume: string): string {
  return `${pod}-${volume}`;
}
