// Amounts of a container as the kernel counts them.
import type { Container } from "#api/core/pod/container.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import { qualityOfService } from "#api/core/pod/quality-of-service.ts";
import { isSidecar } from "#api/core/pod/resources.ts";
import type { LinuxResources } from "#cri/runtime.ts";
import { quantityToMilli, quantityToWhole } from "#schema/quantity.ts";
import { isCritical } from "../layout.ts";

export const cpuPeriodMicroseconds = 100_000;
const quotaMinMicroseconds = 1_000;
const sharesMin = 2;
const sharesMax = 262_144;
/** Of Pods that are not to be ended before the node's own services, and of those that are ended first. */
const protectedScore = -997;
const firstScore = 1000;

export interface Amounts {
  readonly cpuRequest: string | undefined;
  readonly cpuLimit: string | undefined;
  readonly memoryLimit: string | undefined;
}

export function sharesOf(milliCpu: number): number {
  return milliCpu <= 0 ? sharesMin : Math.min(sharesMax, Math.max(sharesMin, Math.floor((milliCpu * 1024) / 1000)));
}

/** 0 is no limit. */
export function quotaOf(milliCpu: number): number {
  return milliCpu <= 0 ? 0 : Math.max(quotaMinMicroseconds, Math.floor((milliCpu * cpuPeriodMicroseconds) / 1000));
}

export function amountsOf({ cpuRequest, cpuLimit, memoryLimit }: Amounts): LinuxResources {
  const quota = quotaOf(cpuLimit ? quantityToMilli(cpuLimit) : 0);
  const memory = memoryLimit ? quantityToWhole(memoryLimit) : 0;
  return {
    cpuShares: sharesOf(cpuRequest ? quantityToMilli(cpuRequest) : 0),
    cpuPeriod: cpuPeriodMicroseconds,
    ...(quota > 0 && { cpuQuota: quota }),
    ...(memory > 0 && { memoryLimitBytes: memory }),
  };
}

/** What of the machine amounts depend on. */
export interface MachineMemory {
  readonly memoryBytes: number;
  /** Limits of the processor are not kept. */
  readonly withoutCpuLimits?: boolean | undefined;
  /** Where containers can be kept from it; absent: there is none, or they cannot. */
  readonly swap?: { readonly bytes: number; readonly isLimited: boolean } | undefined;
}

/** What a container does not limit is limited as the Pod is. */
export function linuxResources(pod: Pod, container: Container, { memoryBytes, swap, withoutCpuLimits }: MachineMemory): LinuxResources {
  const { limits = {}, requests = {} } = container.resources;
  const ofPod = pod.spec.resources?.limits ?? {};
  const hugepages = Object.entries(limits).flatMap(([name, amount]) => {
    const pageSize = pageSizeOf(name);
    return pageSize === undefined ? [] : [{ pageSize, limitBytes: quantityToWhole(amount) }];
  });
  return {
    ...amountsOf({
      cpuRequest: requests["cpu"] ?? limits["cpu"],
      cpuLimit: withoutCpuLimits ? undefined : (limits["cpu"] ?? ofPod["cpu"]),
      memoryLimit: limits["memory"] ?? ofPod["memory"],
    }),
    ...(hugepages.length > 0 && { hugepages }),
    ...(swap && { unified: { "memory.swap.max": String(swapOf(pod, container, memoryBytes, swap)) } }),
    oomScoreAdjustment: oomScore(pod, container, memoryBytes),
  };
}

/** Nothing, or, where swap is shared out, as much of it as the container's request is of the memory: for Burstable Pods that are not critical. */
function swapOf(pod: Pod, container: Container, memoryBytes: number, { bytes, isLimited }: NonNullable<MachineMemory["swap"]>): number {
  if (!isLimited || qualityOfService(pod) !== "Burstable" || isCritical(pod)) return 0;
  const { requests = {}, limits = {} } = container.resources;
  const request = requests["memory"] ? quantityToWhole(requests["memory"]) : 0;
  if (request === 0 || (limits["memory"] && quantityToWhole(limits["memory"]) === request)) return 0;
  return Math.floor((request / memoryBytes) * bytes);
}

/** "hugepages-2Mi" is "2MB" to the kernel. */
export function pageSizeOf(resource: string): string | undefined {
  const match = /^hugepages-(\d+)([KMG])i$/.exec(resource);
  return match ? `${match[1]}${match[2]}B` : undefined;
}

/** Who is ended first when memory is short: those who asked for least. */
export function oomScore(pod: Pod, container: Container, memoryBytes: number): number {
  if (isCritical(pod) && pod.spec.priorityClassName === "system-node-critical") return protectedScore;
  switch (qualityOfService(pod)) {
    case "Guaranteed":
      return protectedScore;
    case "BestEffort":
      return firstScore;
    case "Burstable": {
      const score = scoreOf(requestOf(container) + sharePerContainer(pod), memoryBytes);
      // A sidecar is not ended before the containers that need it.
      const smallest = Math.min(...pod.spec.containers.map(requestOf));
      const own = isSidecar(container) ? Math.min(score, scoreOf(smallest, memoryBytes)) : score;
      return Math.min(firstScore - 1, Math.max(firstScore + protectedScore, own));
    }
  }
}

function scoreOf(requestBytes: number, memoryBytes: number): number {
  return firstScore - Math.floor((1000 * requestBytes) / memoryBytes);
}

function requestOf({ resources }: Container): number {
  const request = resources.requests?.["memory"];
  return request ? quantityToWhole(request) : 0;
}

/** What the Pod as a whole asks for beyond its containers, in equal parts. */
function sharePerContainer({ spec }: Pod): number {
  const ofPod = spec.resources?.requests?.["memory"];
  if (ofPod === undefined) return 0;
  const lasting = [...spec.containers, ...(spec.initContainers ?? []).filter(isSidecar)];
  const asked = lasting.reduce((sum, container) => sum + requestOf(container), 0);
  return Math.floor(Math.max(0, quantityToWhole(ofPod) - asked) / lasting.length);
}
