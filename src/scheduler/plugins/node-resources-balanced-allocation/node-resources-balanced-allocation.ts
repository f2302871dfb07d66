import { plugin } from "#scheduler/plugin.ts";

/** Prefers Nodes whose cpu and memory would be used to a like share. */
export const nodeResourcesBalancedAllocation = plugin({
  name: "NodeResourcesBalancedAllocation",
  score(_, { allocatable, requested }, { requests }) {
    if (requests.size === 0) return 0;
    const share = (resource: string) => {
      const total = allocatable.get(resource) ?? 0;
      return total === 0 ? 1 : Math.min(1, ((requested.get(resource) ?? 0) + (requests.get(resource) ?? 0)) / total);
    };
    return (1 - Math.abs(share("cpu") - share("memory")) / 2) * 100;
  },
});
