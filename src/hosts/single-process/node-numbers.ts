// What a simulated node tells of its use: the sum of what its containers are said to use, and a little for itself.
import { resourceMetrics } from "#kubelet/server/resource-metrics.ts";
import type { NodeUsage, PodUsage } from "#kubelet/server/usage.ts";
import type { SimulatedNode } from "./simulated-node.ts";

const ownNanoCores = 20_000_000;
const ownBytes = 256 * 2 ** 20;

/** The text of the node's /metrics/resource, whenever it is asked for. */
export function numbersOf({ world, runtime }: Pick<SimulatedNode, "world" | "runtime">, memoryBytes: number): () => Promise<string> {
  let [cpuNanoseconds, countedTo, rate] = [0, world.clock.now(), ownNanoCores];
  const nodeUsage = (pods: readonly PodUsage[]): NodeUsage => {
    const at = world.clock.now();
    const containers = pods.flatMap((pod) => pod.containers.map(({ stats }) => stats));
    cpuNanoseconds += Math.round((rate / 1_000) * (at - countedTo));
    countedTo = at;
    rate = containers.reduce((sum, { cpuNanoCores = 0 }) => sum + cpuNanoCores, ownNanoCores);
    const memory = containers.reduce((sum, { memoryWorkingSetBytes = 0 }) => sum + memoryWorkingSetBytes, ownBytes);
    return {
      at,
      startedAt: undefined,
      cpuNanoseconds,
      memoryTotalBytes: memoryBytes,
      memoryUsageBytes: memory,
      memoryWorkingSetBytes: memory,
      memoryRssBytes: memory,
      pageFaults: undefined,
      majorPageFaults: undefined,
      swapTotalBytes: 0,
      swapUsedBytes: 0,
      processes: undefined,
      processesMax: undefined,
      interfaces: [],
    };
  };
  return () => resourceMetrics(world, { runtime, pods: () => [], nodeUsage });
}
