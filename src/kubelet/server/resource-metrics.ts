// /metrics/resource: processor and memory of node, Pods and containers, in the few metrics that metrics servers read.
import type { World } from "#platform/world.ts";
import { type MetricHead, MetricLines } from "./metric-lines.ts";
import { readUsage, type UsageNeeds } from "./usage.ts";

const head = (name: string, type: "counter" | "gauge", help: string): MetricHead => ({ name, type, help: `[STABLE] ${help}` });
const heads = {
  containerCpu: head("container_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the container in core-seconds"),
  containerMemory: head("container_memory_working_set_bytes", "gauge", "Current working set of the container in bytes"),
  containerStart: head("container_start_time_seconds", "gauge", "Start time of the container since unix epoch in seconds"),
  nodeCpu: head("node_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the node in core-seconds"),
  nodeMemory: head("node_memory_working_set_bytes", "gauge", "Current working set of the node in bytes"),
  nodeSwap: head("node_swap_usage_bytes", "gauge", "Current swap usage of the node in bytes. Reported only on non-windows systems"),
  podCpu: head("pod_cpu_usage_seconds_total", "counter", "Cumulative cpu time consumed by the pod in core-seconds"),
  podMemory: head("pod_memory_working_set_bytes", "gauge", "Current working set of the pod in bytes"),
  error: head("resource_scrape_error", "gauge", "1 if there was an error while getting container metrics, 0 otherwise"),
};

export async function resourceMetrics(world: World, needs: UsageNeeds): Promise<string> {
  const lines = new MetricLines();
  try {
    const { node, pods } = await readUsage(world, needs);
    for (const { namespace, name, containers, sandbox } of pods) {
      const pod = { namespace, pod: name };
      for (const { name: container, stats, startedAt } of containers) {
        const of = { container, ...pod };
        lines.add(heads.containerCpu, of, seconds(stats.cpuNanoseconds), stats.at);
        lines.add(heads.containerMemory, of, stats.memoryWorkingSetBytes, stats.at);
        lines.add(heads.containerStart, of, startedAt === undefined ? undefined : startedAt / 1_000);
      }
      if (!sandbox) continue;
      lines.add(heads.podCpu, pod, seconds(sandbox.cpuNanoseconds), sandbox.at);
      lines.add(heads.podMemory, pod, sandbox.memoryWorkingSetBytes, sandbox.at);
    }
    lines.add(heads.nodeCpu, {}, seconds(node.cpuNanoseconds), node.at);
    lines.add(heads.nodeMemory, {}, node.memoryWorkingSetBytes, node.at);
    lines.add(heads.nodeSwap, {}, node.swapUsedBytes, node.at);
    lines.add(heads.error, {}, 0);
  } catch (error) {
    world.log.warn("what is used cannot be read", { error: (error as Error).message });
    lines.add(heads.error, {}, 1);
  }
  return lines.text();
}

export function seconds(nanoseconds: number | undefined): number | undefined {
  return nanoseconds === undefined ? undefined : nanoseconds / 1e9;
}
