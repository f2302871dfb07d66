// What the node and its containers use: /stats/summary for people and `kubectl top`, /metrics/resource and /metrics/cadvisor for Prometheus.
import type { Runtime, UsageStats } from "#cri/runtime.ts";
import type { World } from "#platform/world.ts";
import type { Json } from "#schema/field.ts";
import { formatTime } from "#schema/time.ts";
import { labels } from "../layout.ts";
import { memoryTable, readIfThere } from "../node-status/machine.ts";

interface PodUsage {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly containers: {
    readonly name: string;
    readonly id: string;
    readonly usage: UsageStats;
    readonly writableLayerBytes: number | undefined;
  }[];
  usage: UsageStats | undefined;
  network: Json;
}

interface NodeUsage {
  readonly at: number;
  readonly cpuNanoseconds: number;
  readonly memoryTotalBytes: number;
  readonly memoryAvailableBytes: number;
}

async function readUsage(world: World, runtime: Runtime): Promise<{ readonly node: NodeUsage; readonly pods: readonly PodUsage[] }> {
  const [containers, sandboxes, node] = await Promise.all([
    runtime.containerStats(),
    runtime.sandboxStats().catch(() => []),
    nodeUsage(world),
  ]);
  const pods = new Map<string, PodUsage>();
  const podOf = (namespace = "", name = "", uid = ""): PodUsage => {
    const known = pods.get(uid);
    if (known) return known;
    const fresh: PodUsage = { namespace, name, uid, containers: [], usage: undefined, network: null };
    pods.set(uid, fresh);
    return fresh;
  };
  for (const { metadata, interfaces, ...usage } of sandboxes) {
    const pod = podOf(metadata.namespace, metadata.name, metadata.uid);
    pod.usage = usage;
    const all = interfaces.map(({ name, receivedBytes, receiveErrors, sentBytes, sendErrors }) => ({
      name,
      rxBytes: receivedBytes,
      rxErrors: receiveErrors,
      txBytes: sentBytes,
      txErrors: sendErrors,
    }));
    if (all.length > 0)
      pod.network = { time: formatTime(usage.at), ...(all.find(({ name }) => name === "eth0") ?? all[0]), interfaces: all };
  }
  for (const { id, name, labels: own, writableLayerBytes, ...usage } of containers) {
    const pod = podOf(own[labels.podNamespace], own[labels.podName], own[labels.podUid]);
    pod.containers.push({ name: own[labels.containerName] ?? name, id, usage, writableLayerBytes });
  }
  return { node, pods: [...pods.values()] };
}

async function nodeUsage(world: World): Promise<NodeUsage> {
  const memory = memoryTable(await readIfThere(world, "/proc/meminfo"));
  const [user = 0, nice = 0, system = 0, , , interrupt = 0, softInterrupt = 0] = (
    /^cpu +(.*)$/m.exec((await readIfThere(world, "/proc/stat")) ?? "")?.[1] ?? ""
  )
    .split(" ")
    .map(Number);
  return {
    at: world.clock.now(),
    cpuNanoseconds: (user + nice + system + interrupt + softInterrupt) * 10_000_000,
    memoryTotalBytes: memory["MemTotal"] ?? 0,
    memoryAvailableBytes: memory["MemAvailable"] ?? 0,
  };
}

/** The document of /stats/summary. */
export async function statsSummary(world: World, runtime: Runtime, nodeName: string, rootFolder: string): Promise<Json> {
  const { node, pods } = await readUsage(world, runtime);
  const time = formatTime(node.at);
  const disk = await world.files.space(rootFolder).catch(() => undefined);
  return compact({
    node: {
      nodeName,
      startTime: time,
      cpu: { time, usageCoreNanoSeconds: node.cpuNanoseconds },
      memory: {
        time,
        availableBytes: node.memoryAvailableBytes,
        usageBytes: node.memoryTotalBytes - node.memoryAvailableBytes,
        workingSetBytes: node.memoryTotalBytes - node.memoryAvailableBytes,
      },
      fs: disk && {
        time,
        availableBytes: disk.free,
        capacityBytes: disk.total,
        usedBytes: disk.total - disk.free,
        inodesFree: disk.inodesFree,
        inodes: disk.inodes,
        inodesUsed: disk.inodes - disk.inodesFree,
      },
    },
    pods: pods.map((pod) => ({
      podRef: { name: pod.name, namespace: pod.namespace, uid: pod.uid },
      startTime: time,
      containers: pod.containers.map(({ name, usage, writableLayerBytes }) => ({
        name,
        startTime: time,
        ...usageOf(usage),
        rootfs: writableLayerBytes === undefined ? undefined : { time: formatTime(usage.at), usedBytes: writableLayerBytes },
      })),
      ...(pod.usage && usageOf(pod.usage)),
      network: pod.network ?? undefined,
    })),
  });
}

function usageOf(usage: UsageStats) {
  const time = formatTime(usage.at);
  return {
    cpu: { time, usageNanoCores: usage.cpuNanoCores, usageCoreNanoSeconds: usage.cpuNanoseconds },
    memory: {
      time,
      availableBytes: usage.memoryAvailableBytes,
      usageBytes: usage.memoryUsageBytes,
      workingSetBytes: usage.memoryWorkingSetBytes,
      rssBytes: usage.memoryRssBytes,
      pageFaults: usage.memoryPageFaults,
      majorPageFaults: usage.memoryMajorPageFaults,
    },
  };
}

/** Without the fields that are not known. */
function compact(value: unknown): Json {
  if (Array.isArray(value)) return value.map(compact);
  if (value === null || typeof value !== "object") return value as Json;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, one]) => one !== undefined)
      .map(([key, one]) => [key, compact(one)]),
  );
}

/** The text of /metrics/resource: processor and memory of node, Pods and containers. */
export async function resourceMetrics(world: World, runtime: Runtime): Promise<string> {
  const { node, pods } = await readUsage(world, runtime);
  const lines = new MetricLines();
  lines.add(
    "node_cpu_usage_seconds_total",
    "counter",
    "Cumulative cpu time consumed by the node in core-seconds",
    {},
    seconds(node.cpuNanoseconds),
  );
  lines.add(
    "node_memory_working_set_bytes",
    "gauge",
    "Current working set of the node in bytes",
    {},
    node.memoryTotalBytes - node.memoryAvailableBytes,
  );
  for (const { namespace, name, containers, usage } of pods) {
    const pod = { namespace, pod: name };
    lines.add(
      "pod_cpu_usage_seconds_total",
      "counter",
      "Cumulative cpu time consumed by the pod in core-seconds",
      pod,
      seconds(usage?.cpuNanoseconds),
    );
    lines.add("pod_memory_working_set_bytes", "gauge", "Current working set of the pod in bytes", pod, usage?.memoryWorkingSetBytes);
    for (const container of containers) {
      const of = { container: container.name, ...pod };
      lines.add(
        "container_cpu_usage_seconds_total",
        "counter",
        "Cumulative cpu time consumed by the container in core-seconds",
        of,
        seconds(container.usage.cpuNanoseconds),
      );
      lines.add(
        "container_memory_working_set_bytes",
        "gauge",
        "Current working set of the container in bytes",
        of,
        container.usage.memoryWorkingSetBytes,
      );
    }
  }
  return lines.text();
}

/** The text of /metrics/cadvisor: the few of its metrics that dashboards of Pods read. */
export async function containerMetrics(world: World, runtime: Runtime): Promise<string> {
  const { pods } = await readUsage(world, runtime);
  const lines = new MetricLines();
  for (const { namespace, name, containers } of pods) {
    for (const { name: container, id, usage } of containers) {
      const of = { container, id, namespace, pod: name };
      lines.add(
        "container_cpu_usage_seconds_total",
        "counter",
        "Cumulative cpu time consumed in seconds.",
        { ...of, cpu: "total" },
        seconds(usage.cpuNanoseconds),
      );
      lines.add("container_memory_usage_bytes", "gauge", "Current memory usage in bytes.", of, usage.memoryUsageBytes);
      lines.add("container_memory_working_set_bytes", "gauge", "Current working set in bytes.", of, usage.memoryWorkingSetBytes);
      lines.add("container_memory_rss", "gauge", "Size of RSS in bytes.", of, usage.memoryRssBytes);
    }
  }
  return lines.text();
}

function seconds(nanoseconds: number | undefined): number | undefined {
  return nanoseconds === undefined ? undefined : nanoseconds / 1e9;
}

/** Gathers samples by metric, as the text format wants them. */
class MetricLines {
  readonly #metrics = new Map<string, { readonly head: string; readonly samples: string[] }>();

  add(name: string, type: "counter" | "gauge", help: string, of: Readonly<Record<string, string>>, value: number | undefined): void {
    if (value === undefined) return;
    let metric = this.#metrics.get(name);
    if (!metric) {
      metric = { head: `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`, samples: [] };
      this.#metrics.set(name, metric);
    }
    const names = Object.entries(of).map(([label, text]) => `${label}="${text.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n")}"`);
    metric.samples.push(`${name}${names.length > 0 ? `{${names.join(",")}}` : ""} ${value}\n`);
  }

  text(): string {
    return [...this.#metrics.values()].map(({ head, samples }) => head + samples.join("")).join("");
  }
}
