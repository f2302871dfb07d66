// What the node, its Pods and their containers use: the runtime's numbers, put together by Pod, and the machine's own.
import type { Pod } from "#api/core/pod/pod.ts";
import type { ContainerStats, Runtime, SandboxStats, UsageStats } from "#cri/runtime.ts";
import type { World } from "#platform/world.ts";
import { labels } from "../layout.ts";
import { memoryTable, readIfThere } from "../node-status/machine.ts";

export interface ContainerUsage {
  readonly name: string;
  readonly id: string;
  readonly image: string;
  readonly stats: ContainerStats;
  /** Milliseconds since 1970. */
  readonly startedAt: number | undefined;
}

export interface PodUsage {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Undefined for Pods that only the runtime still knows. */
  readonly pod: Pod | undefined;
  readonly startedAt: number | undefined;
  readonly containers: readonly ContainerUsage[];
  readonly sandbox: SandboxStats | undefined;
}

export interface NodeUsage {
  readonly at: number;
  readonly startedAt: number | undefined;
  readonly cpuNanoseconds: number;
  readonly memoryTotalBytes: number;
  readonly memoryUsageBytes: number;
  readonly memoryWorkingSetBytes: number;
  readonly memoryRssBytes: number | undefined;
  readonly pageFaults: number | undefined;
  readonly majorPageFaults: number | undefined;
  readonly swapTotalBytes: number;
  readonly swapUsedBytes: number;
  readonly processes: number | undefined;
  readonly processesMax: number | undefined;
  readonly interfaces: readonly InterfaceUsage[];
}

export interface InterfaceUsage {
  readonly name: string;
  readonly rxBytes: number;
  readonly rxErrors: number;
  readonly txBytes: number;
  readonly txErrors: number;
}

export interface UsageNeeds {
  readonly runtime: Runtime;
  readonly pods: () => readonly Pod[];
  /** The machine's own numbers. Absent: those of this machine. */
  readonly nodeUsage?: (pods: readonly PodUsage[]) => NodeUsage;
}

export interface Usage {
  readonly node: NodeUsage;
  readonly pods: readonly PodUsage[];
}

export async function readUsage(world: World, { runtime, pods, nodeUsage }: UsageNeeds): Promise<Usage> {
  const [containers, sandboxes] = await Promise.all([runtime.containerStats(), runtime.sandboxStats().catch(() => [])]);
  const found = byPod(pods(), containers, sandboxes);
  return { node: nodeUsage ? nodeUsage(found) : await readNodeUsage(world), pods: found };
}

function byPod(pods: readonly Pod[], containers: readonly ContainerStats[], sandboxes: readonly SandboxStats[]): readonly PodUsage[] {
  const known = new Map(pods.map((pod) => [pod.metadata.uid, pod]));
  const sandboxOf = new Map(sandboxes.map((sandbox) => [sandbox.metadata.uid, sandbox]));
  const grouped = new Map<string, ContainerStats[]>(sandboxes.map(({ metadata }) => [metadata.uid, []]));
  for (const container of containers) {
    const uid = container.labels[labels.podUid] ?? "";
    const group = grouped.get(uid);
    if (group) group.push(container);
    else grouped.set(uid, [container]);
  }
  return [...grouped].map(([uid, group]) => {
    const pod = known.get(uid);
    const sandbox = sandboxOf.get(uid);
    const [first] = group;
    return {
      namespace: sandbox?.metadata.namespace ?? first?.labels[labels.podNamespace] ?? "",
      name: sandbox?.metadata.name ?? first?.labels[labels.podName] ?? "",
      uid,
      pod,
      startedAt: timeOf(pod?.status.startTime),
      containers: group.map((stats) => containerUsage(pod, stats)),
      sandbox,
    };
  });
}

function containerUsage(pod: Pod | undefined, stats: ContainerStats): ContainerUsage {
  const name = stats.labels[labels.containerName] ?? stats.name;
  const { containerStatuses = [], initContainerStatuses = [], ephemeralContainerStatuses = [] } = pod?.status ?? {};
  const status = [...containerStatuses, ...initContainerStatuses, ...ephemeralContainerStatuses].find((one) => one.name === name);
  return { name, id: stats.id, image: status?.image ?? "", stats, startedAt: timeOf(status?.state.running?.startedAt) };
}

function timeOf(text: string | undefined): number | undefined {
  const time = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

const nanosecondsPerTick = 10_000_000;

async function readNodeUsage(world: World): Promise<NodeUsage> {
  const read = async (path: string) => (await readIfThere(world, path)) ?? "";
  const [memoryText, statText, faultText, loadText, processesText, networkText] = await Promise.all(
    ["/proc/meminfo", "/proc/stat", "/proc/vmstat", "/proc/loadavg", "/proc/sys/kernel/pid_max", "/proc/net/dev"].map(read),
  );
  const memory = memoryTable(memoryText);
  const of = (name: string) => memory[name] ?? 0;
  const [user = 0, nice = 0, system = 0, , , interrupt = 0, softInterrupt = 0] = numbersOf(/^cpu +(.*)$/m.exec(statText ?? "")?.[1]);
  const counter = (name: string) => numberOf(new RegExp(`^${name} (\\d+)$`, "m").exec(faultText ?? "")?.[1]);
  const bootedAt = numberOf(/^btime (\d+)$/m.exec(statText ?? "")?.[1]);
  const used = of("MemTotal") - of("MemFree");
  return {
    at: world.clock.now(),
    startedAt: bootedAt === undefined ? undefined : bootedAt * 1_000,
    cpuNanoseconds: (user + nice + system + interrupt + softInterrupt) * nanosecondsPerTick,
    memoryTotalBytes: of("MemTotal"),
    memoryUsageBytes: used,
    memoryWorkingSetBytes: Math.max(0, used - of("Inactive(file)")),
    memoryRssBytes: memory["AnonPages"],
    pageFaults: counter("pgfault"),
    majorPageFaults: counter("pgmajfault"),
    swapTotalBytes: of("SwapTotal"),
    swapUsedBytes: of("SwapTotal") - of("SwapFree"),
    processes: numberOf(/ \d+\/(\d+) /.exec(loadText ?? "")?.[1]),
    processesMax: numberOf(processesText?.trim()),
    interfaces: interfacesOf(networkText ?? ""),
  };
}

/** /proc/net/dev; the loopback interface is nobody's traffic. */
export function interfacesOf(text: string): readonly InterfaceUsage[] {
  return text.split("\n").flatMap((line) => {
    const match = /^\s*([^\s:]+):\s*(.*)$/.exec(line);
    if (!match || match[1] === "lo" || match[1]?.startsWith("veth")) return [];
    const values = numbersOf(match[2]);
    const [rxBytes = 0, , rxErrors = 0] = values;
    const [txBytes = 0, , txErrors = 0] = values.slice(8);
    return [{ name: match[1] as string, rxBytes, rxErrors, txBytes, txErrors }];
  });
}

function numbersOf(text: string | undefined): readonly number[] {
  return (text ?? "").trim().split(/\s+/).map(Number);
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined || !/^\d+$/.test(text) ? undefined : Number(text);
}

/** Processor use per second between two readings, in billionths of a core. */
export function nanoCores(
  before: Pick<UsageStats, "at" | "cpuNanoseconds"> | undefined,
  after: Pick<UsageStats, "at" | "cpuNanoseconds">,
): number | undefined {
  if (before?.cpuNanoseconds === undefined || after.cpuNanoseconds === undefined || after.at <= before.at) return undefined;
  const spent = after.cpuNanoseconds - before.cpuNanoseconds;
  return spent < 0 ? undefined : Math.round((spent / (after.at - before.at)) * 1_000);
}
