// What the kernel counts for a container beside what the runtime tells: read from its cgroup, of either version.
import type { World } from "#platform/world.ts";
import { readIfThere } from "../node-status/machine.ts";

/** Absent: the kernel does not tell. */
export interface CgroupReadings {
  readonly userSeconds?: number | undefined;
  readonly systemSeconds?: number | undefined;
  readonly periods?: number | undefined;
  readonly throttledPeriods?: number | undefined;
  readonly throttledSeconds?: number | undefined;
  readonly cacheBytes?: number | undefined;
  readonly mappedFileBytes?: number | undefined;
  readonly swapBytes?: number | undefined;
  readonly maximumBytes?: number | undefined;
  readonly limitHits?: number | undefined;
  readonly limitBytes?: number | undefined;
  readonly kills?: number | undefined;
  readonly processes?: number | undefined;
  readonly processesMax?: number | undefined;
  readonly cpuQuota?: number | undefined;
  readonly cpuPeriod?: number | undefined;
  readonly cpuShares?: number | undefined;
  readonly readBytes?: number | undefined;
  readonly writtenBytes?: number | undefined;
}

const mountPoint = "/sys/fs/cgroup";
const ticksPerSecond = 100;
/** No limit is written as a number near 2^63. */
const unlimitedBytes = 2 ** 60;

/** `path` is "/kubepods/burstable/pod<uid>/<container id>". */
export function readCgroup(world: World, version: 1 | 2, path: string): Promise<CgroupReadings> {
  return version === 1 ? readFirst(world, path) : readSecond(world, path);
}

async function readFirst(world: World, path: string): Promise<CgroupReadings> {
  const read = (controller: string, file: string) => readIfThere(world, `${mountPoint}/${controller}${path}/${file}`);
  const [cpu, account, memory, maximum, hits, limit, oom, processes, processesMax, quota, period, shares, blocks] = await Promise.all([
    read("cpu", "cpu.stat"),
    read("cpuacct", "cpuacct.stat"),
    read("memory", "memory.stat"),
    read("memory", "memory.max_usage_in_bytes"),
    read("memory", "memory.failcnt"),
    read("memory", "memory.limit_in_bytes"),
    read("memory", "memory.oom_control"),
    read("pids", "pids.current"),
    read("pids", "pids.max"),
    read("cpu", "cpu.cfs_quota_us"),
    read("cpu", "cpu.cfs_period_us"),
    read("cpu", "cpu.shares"),
    read("blkio", "blkio.throttle.io_service_bytes"),
  ]);
  return {
    userSeconds: divided(valueIn(account, "user"), ticksPerSecond),
    systemSeconds: divided(valueIn(account, "system"), ticksPerSecond),
    periods: valueIn(cpu, "nr_periods"),
    throttledPeriods: valueIn(cpu, "nr_throttled"),
    throttledSeconds: divided(valueIn(cpu, "throttled_time"), 1e9),
    cacheBytes: valueIn(memory, "total_cache"),
    mappedFileBytes: valueIn(memory, "total_mapped_file"),
    swapBytes: valueIn(memory, "total_swap"),
    maximumBytes: wholeOf(maximum),
    limitHits: wholeOf(hits),
    limitBytes: limited(wholeOf(limit)),
    kills: valueIn(oom, "oom_kill"),
    processes: wholeOf(processes),
    processesMax: wholeOf(processesMax) ?? 0,
    cpuQuota: wholeOf(quota),
    cpuPeriod: wholeOf(period),
    cpuShares: wholeOf(shares),
    readBytes: sumOf(blocks, /^\S+ Read (\d+)$/gm),
    writtenBytes: sumOf(blocks, /^\S+ Write (\d+)$/gm),
  };
}

async function readSecond(world: World, path: string): Promise<CgroupReadings> {
  const read = (file: string) => readIfThere(world, `${mountPoint}${path}/${file}`);
  const files = [
    "cpu.stat",
    "memory.stat",
    "memory.peak",
    "memory.events",
    "memory.max",
    "memory.swap.current",
    "pids.current",
    "pids.max",
  ];
  const [cpu, memory, maximum, events, limit, swap, processes, processesMax] = await Promise.all(files.map(read));
  const [quotaAndPeriod, weight, blocks] = await Promise.all(["cpu.max", "cpu.weight", "io.stat"].map(read));
  const [quota, period] = (quotaAndPeriod ?? "").trim().split(" ");
  const weightNumber = wholeOf(weight);
  return {
    userSeconds: divided(valueIn(cpu, "user_usec"), 1e6),
    systemSeconds: divided(valueIn(cpu, "system_usec"), 1e6),
    periods: valueIn(cpu, "nr_periods"),
    throttledPeriods: valueIn(cpu, "nr_throttled"),
    throttledSeconds: divided(valueIn(cpu, "throttled_usec"), 1e6),
    cacheBytes: valueIn(memory, "file"),
    mappedFileBytes: valueIn(memory, "file_mapped"),
    swapBytes: wholeOf(swap),
    maximumBytes: wholeOf(maximum),
    limitHits: valueIn(events, "max"),
    limitBytes: limited(wholeOf(limit)) ?? 0,
    kills: valueIn(events, "oom_kill"),
    processes: wholeOf(processes),
    processesMax: wholeOf(processesMax) ?? 0,
    cpuQuota: wholeOf(quota),
    cpuPeriod: wholeOf(period),
    cpuShares: weightNumber === undefined ? undefined : Math.floor(2 + ((weightNumber - 1) * 262_142) / 9_999),
    readBytes: sumOf(blocks, /\brbytes=(\d+)/g),
    writtenBytes: sumOf(blocks, /\bwbytes=(\d+)/g),
  };
}

function valueIn(text: string | undefined, name: string): number | undefined {
  for (const line of (text ?? "").split("\n")) if (line.startsWith(`${name} `)) return wholeOf(line.slice(name.length + 1));
  return undefined;
}

function wholeOf(text: string | undefined): number | undefined {
  const trimmed = text?.trim() ?? "";
  return /^-?\d+$/.test(trimmed) ? Number(trimmed) : undefined;
}

function divided(value: number | undefined, by: number): number | undefined {
  return value === undefined ? undefined : value / by;
}

function limited(bytes: number | undefined): number | undefined {
  return bytes !== undefined && bytes >= unlimitedBytes ? 0 : bytes;
}

function sumOf(text: string | undefined, shape: RegExp): number | undefined {
  if (text === undefined) return undefined;
  return [...text.matchAll(shape)].reduce((sum, [, value]) => sum + Number(value), 0);
}
