// /metrics/cadvisor: the series of containers that dashboards and alerts are written for, under the names and labels they know.
import type { Pod } from "#api/core/pod/pod.ts";
import type { World } from "#platform/world.ts";
import { readCgroup } from "./cgroup-readings.ts";
import { type Labels, type MetricHead, MetricLines } from "./metric-lines.ts";
import { seconds } from "./resource-metrics.ts";
import { type ContainerUsage, type PodUsage, readUsage, type UsageNeeds } from "./usage.ts";

export interface ContainerMetricsNeeds extends UsageNeeds {
  /** Where Pods' containers have their cgroups; absent where there are none. */
  readonly cgroups?: { readonly version: 1 | 2; readonly parentOf: (pod: Pod) => string } | undefined;
  readonly cores: number;
}

const counter = (name: string, help: string): MetricHead => ({ name: `container_${name}`, type: "counter", help });
const gauge = (name: string, help: string): MetricHead => ({ name: `container_${name}`, type: "gauge", help });

const heads = {
  cpu: counter("cpu_usage_seconds_total", "Cumulative cpu time consumed in seconds."),
  cpuUser: counter("cpu_user_seconds_total", "Cumulative user cpu time consumed in seconds."),
  cpuSystem: counter("cpu_system_seconds_total", "Cumulative system cpu time consumed in seconds."),
  periods: counter("cpu_cfs_periods_total", "Number of elapsed enforcement period intervals."),
  throttledPeriods: counter("cpu_cfs_throttled_periods_total", "Number of throttled period intervals."),
  throttled: counter("cpu_cfs_throttled_seconds_total", "Total time duration the container has been throttled."),
  memory: gauge("memory_usage_bytes", "Current memory usage in bytes, including all memory regardless of when it was accessed"),
  workingSet: gauge("memory_working_set_bytes", "Current working set in bytes."),
  resident: gauge("memory_rss", "Size of RSS in bytes."),
  cache: gauge("memory_cache", "Number of bytes of page cache memory."),
  mapped: gauge("memory_mapped_file", "Size of memory mapped files in bytes."),
  swap: gauge("memory_swap", "Container swap usage in bytes."),
  maximum: gauge("memory_max_usage_bytes", "Maximum memory usage recorded in bytes"),
  limitHits: counter("memory_failcnt", "Number of memory usage hits limits"),
  faults: counter("memory_failures_total", "Cumulative count of memory allocation failures."),
  kills: counter("oom_events_total", "Count of out of memory events observed for the container"),
  fileSystem: gauge("fs_usage_bytes", "Number of bytes that are consumed by the container on this filesystem."),
  fileSystemInodes: gauge("fs_inodes_total", "Number of Inodes"),
  read: counter("fs_reads_bytes_total", "Cumulative count of bytes read"),
  written: counter("fs_writes_bytes_total", "Cumulative count of bytes written"),
  processes: gauge("processes", "Number of processes running inside the container."),
  threads: gauge("threads", "Number of threads running inside the container"),
  threadsMax: gauge("threads_max", "Maximum number of threads allowed inside the container, infinity if value is zero"),
  quota: gauge("spec_cpu_quota", "CPU quota of the container."),
  period: gauge("spec_cpu_period", "CPU period of the container."),
  shares: gauge("spec_cpu_shares", "CPU share of the container."),
  memoryLimit: gauge("spec_memory_limit_bytes", "Memory limit for the container."),
  started: gauge("start_time_seconds", "Start time of the container since unix epoch in seconds."),
  seen: gauge("last_seen", "Last time a container was seen by the exporter"),
  received: counter("network_receive_bytes_total", "Cumulative count of bytes received"),
  receiveErrors: counter("network_receive_errors_total", "Cumulative count of errors encountered while receiving"),
  sent: counter("network_transmit_bytes_total", "Cumulative count of bytes transmitted"),
  sendErrors: counter("network_transmit_errors_total", "Cumulative count of errors encountered while transmitting"),
  failed: gauge("scrape_error", "1 if there was an error while getting container metrics, 0 otherwise"),
};
const cores: MetricHead = { name: "machine_cpu_cores", type: "gauge", help: "Number of logical CPU cores." };
const machineMemory: MetricHead = { name: "machine_memory_bytes", type: "gauge", help: "Amount of memory installed on the machine." };

export async function containerMetrics(world: World, needs: ContainerMetricsNeeds): Promise<string> {
  const lines = new MetricLines();
  try {
    const { node, pods } = await readUsage(world, needs);
    for (const pod of pods) {
      addPod(lines, needs, pod);
      await Promise.all(pod.containers.map((container) => addContainer(world, lines, needs, pod, container)));
    }
    lines.add(cores, {}, needs.cores);
    lines.add(machineMemory, {}, node.memoryTotalBytes);
    lines.add(heads.failed, {}, 0);
  } catch (error) {
    world.log.warn("what containers use cannot be read", { error: (error as Error).message });
    lines.add(heads.failed, {}, 1);
  }
  return lines.text();
}

/** The Pod as a whole has the labels of a container without a name; its network is that of the sandbox. */
function addPod(lines: MetricLines, { cgroups }: ContainerMetricsNeeds, { namespace, name, pod, sandbox }: PodUsage): void {
  if (!sandbox) return;
  const of = { container: "", id: pod && cgroups ? cgroups.parentOf(pod) : "", image: "", name: "", namespace, pod: name };
  lines.add(heads.cpu, { ...of, cpu: "total" }, seconds(sandbox.cpuNanoseconds), sandbox.at);
  lines.add(heads.memory, of, sandbox.memoryUsageBytes, sandbox.at);
  lines.add(heads.workingSet, of, sandbox.memoryWorkingSetBytes, sandbox.at);
  lines.add(heads.processes, of, sandbox.processes, sandbox.at);
  for (const device of sandbox.interfaces) {
    const on = { ...of, interface: device.name };
    lines.add(heads.received, on, device.receivedBytes, sandbox.at);
    lines.add(heads.receiveErrors, on, device.receiveErrors, sandbox.at);
    lines.add(heads.sent, on, device.sentBytes, sandbox.at);
    lines.add(heads.sendErrors, on, device.sendErrors, sandbox.at);
  }
}

async function addContainer(
  world: World,
  lines: MetricLines,
  { cgroups }: ContainerMetricsNeeds,
  { namespace, name: podName, pod }: PodUsage,
  { name: container, id: containerId, image, stats, startedAt }: ContainerUsage,
): Promise<void> {
  const path = pod && cgroups ? `${cgroups.parentOf(pod)}/${containerId}` : undefined;
  const counted = path !== undefined && cgroups ? await readCgroup(world, cgroups.version, path) : {};
  const of: Labels = { container, id: path ?? `/${containerId}`, image, name: containerId, namespace, pod: podName };
  const { at } = stats;
  const add = (head: MetricHead, value: number | undefined, more: Labels = {}) => lines.add(head, { ...of, ...more }, value, at);
  add(heads.cpu, seconds(stats.cpuNanoseconds), { cpu: "total" });
  add(heads.cpuUser, counted.userSeconds);
  add(heads.cpuSystem, counted.systemSeconds);
  add(heads.periods, counted.periods);
  add(heads.throttledPeriods, counted.throttledPeriods);
  add(heads.throttled, counted.throttledSeconds);
  add(heads.memory, stats.memoryUsageBytes);
  add(heads.workingSet, stats.memoryWorkingSetBytes);
  add(heads.resident, stats.memoryRssBytes);
  add(heads.cache, counted.cacheBytes);
  add(heads.mapped, counted.mappedFileBytes);
  add(heads.swap, counted.swapBytes);
  add(heads.maximum, counted.maximumBytes);
  add(heads.limitHits, counted.limitHits);
  add(heads.faults, stats.memoryPageFaults, { failure_type: "pgfault", scope: "container" });
  add(heads.faults, stats.memoryMajorPageFaults, { failure_type: "pgmajfault", scope: "container" });
  add(heads.kills, counted.kills);
  add(heads.fileSystem, stats.writableLayerBytes, { device: "" });
  add(heads.fileSystemInodes, stats.writableLayerInodes, { device: "" });
  add(heads.read, counted.readBytes, { device: "" });
  add(heads.written, counted.writtenBytes, { device: "" });
  add(heads.threads, counted.processes);
  add(heads.threadsMax, counted.processesMax);
  add(heads.quota, counted.cpuQuota === -1 ? undefined : counted.cpuQuota);
  add(heads.period, counted.cpuPeriod);
  add(heads.shares, counted.cpuShares);
  add(heads.memoryLimit, counted.limitBytes);
  add(heads.started, startedAt === undefined ? undefined : startedAt / 1_000);
  add(heads.seen, Math.floor(at / 1_000));
}
