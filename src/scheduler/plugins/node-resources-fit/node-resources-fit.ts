import { Node } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import type { NodeState } from "#scheduler/cache.ts";
import { deepEqual } from "#schema/derive/equal.ts";
import { fits, plugin, refused, unresolvable, when } from "#scheduler/plugin.ts";
import type { PodNeeds } from "#scheduler/pod-needs.ts";

export const nodeResourcesFit = plugin({
  name: "NodeResourcesFit",
  wakes: [
    when(Node, "added"),
    when(Node, "changed", (_, node, old) => !deepEqual(node.status.allocatable, old?.status.allocatable)),
    when(Pod, "deleted"),
    when(Pod, "changed"),
  ],
  filter(_, state, { requests }) {
    const { allocatable, requested, pods } = state;
    const reasons: string[] = [];
    let hopeless = false;
    if (pods.size + 1 > (allocatable.get("pods") ?? 0)) reasons.push("Too many pods");
    for (const [resource, wanted] of requests) {
      const total = allocatable.get(resource) ?? 0;
      if (wanted <= total - (requested.get(resource) ?? 0)) continue;
      reasons.push(`Insufficient ${resource}`);
      hopeless ||= wanted > total;
    }
    if (reasons.length === 0) return fits;
    return hopeless ? unresolvable(...reasons) : refused(...reasons);
  },
  score: leastAllocated,
});

/** The share of cpu and memory that would be left free, 0 to 100. */
function leastAllocated(_: Pod, { allocatable, likelyCpu, likelyMemory }: NodeState, needs: PodNeeds): number {
  const free = (total: number, used: number) => (total === 0 || used > total ? 0 : ((total - used) * 100) / total);
  return (
    (free(allocatable.get("cpu") ?? 0, likelyCpu + needs.likelyCpu) +
      free(allocatable.get("memory") ?? 0, likelyMemory + needs.likelyMemory)) /
    2
  );
}
