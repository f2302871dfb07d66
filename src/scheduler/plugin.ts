// What a scheduling plugin is: a filter that says whether a Node will do, a score that says how well, and what may change its mind.
import type { Pod } from "#api/core/pod/pod.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import type { NodeState } from "./cache.ts";
import type { PodNeeds } from "./pod-needs.ts";
import type { ClusterVolumes } from "./cluster-volumes.ts";

/** `unresolvable`: nothing that happens to other Pods would make this Node fit. */
export type Verdict = "fits" | { readonly reasons: readonly string[]; readonly unresolvable: boolean };

export const fits: Verdict = "fits";
export const refused = (...reasons: readonly string[]): Verdict => ({ reasons, unresolvable: false });
export const unresolvable = (...reasons: readonly string[]): Verdict => ({ reasons, unresolvable: true });

/** A change of the cluster that may let a refused Pod in. */
export interface Wake {
  readonly kind: Kind;
  readonly when: "added" | "changed" | "deleted";
  /** Only changes that make a difference, where that can be told cheaply. */
  readonly if?: (pod: Pod, object: KubernetesObject, old: KubernetesObject | undefined) => boolean;
}

export function when<T extends KubernetesObject>(
  kind: Kind<T>,
  change: Wake["when"],
  condition?: (pod: Pod, object: T, old: T | undefined) => boolean,
): Wake {
  return { kind, when: change, ...(condition && { if: condition as Wake["if"] & {} }) };
}

export interface Plugin {
  /** Upstream's name: "NodeResourcesFit". */
  readonly name: string;
  readonly wakes?: readonly Wake[];
  /** Names the only Nodes worth looking at; undefined for all. */
  readonly only?: (pod: Pod) => readonly string[] | undefined;
  /** Whether the Pod can be placed at all now, whatever the Node. */
  readonly admits?: (pod: Pod, volumes: ClusterVolumes) => Verdict;
  readonly filter?: (pod: Pod, state: NodeState, needs: PodNeeds, volumes: ClusterVolumes) => Verdict;
  readonly score?: (pod: Pod, state: NodeState, needs: PodNeeds) => number;
  /** How raw scores become 0 to 100: as they are, by the highest, or by the highest upside down. */
  readonly scale?: "as is" | "higher is better" | "lower is better";
  readonly weight?: number;
}

export function plugin(declaration: Plugin): Plugin {
  return declaration;
}
