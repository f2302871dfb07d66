// Amounts of a container as the kernel counts them.
import type { Container } from "#api/core/pod/container.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import { qualityOfService } from "#api/core/pod/quality-of-service.ts";
import type { LinuxResources } from "#cri/runtime.ts";
import { quantityToMilli, quantityToWhole } from "#schema/quantity.ts";
import { isStatic } from "../layout.ts";

export const cpuPeriodMicroseconds = 100_000;
const quotaMinMicroseconds = 1_000;
const sharesMin = 2;
const sharesMax = 262_144;
const criticalPriority = 2_000_000_000;

export function sharesOf(milliCpu: number): number {
  return milliCpu <= 0 ? sharesMin : Math.min(sharesMax, Math.max(sharesMin, Math.floor((milliCpu * 1024) / 1000)));
}

/** 0 is no limit. */
export function quotaOf(milliCpu: number): number {
  return milliCpu <= 0 ? 0 : Math.max(quotaMinMicroseconds, Math.floor((milliCpu * cpuPeriodMicroseconds) / 1000));
}

export function linuxResources(pod: Pod, container: Container, memoryBytes: number): LinuxResources {
  const { limits = {}, requests = {} } = container.resources;
  const request = requests["cpu"] ?? limits["cpu"];
  const quota = quotaOf(limits["cpu"] ? quantityToMilli(limits["cpu"]) : 0);
  const memory = limits["memory"] ? quantityToWhole(limits["memory"]) : 0;
  return {
    cpuShares: sharesOf(request ? quantityToMilli(request) : 0),
    cpuPeriod: cpuPeriodMicroseconds,
    ...(quota > 0 && { cpuQuota: quota }),
    ...(memory > 0 && { memoryLimitBytes: memory }),
    oomScoreAdjustment: oomScore(pod, container, memoryBytes),
  };
}

/** Who is ended first when memory is short: those who asked for least. */
export function oomScore(pod: Pod, container: Container, memoryBytes: number): number {
  if ((pod.spec.priority ?? 0) >= criticalPriority || isStatic(pod)) return -997;
  switch (qualityOfService(pod)) {
    case "Guaranteed":
      return -997;
    case "BestEffort":
      return 1000;
    case "Burstable": {
      const request = container.resources.requests?.["memory"];
      const score = 1000 - Math.floor((1000 * (request ? quantityToWhole(request) : 0)) / memoryBytes);
      return Math.min(999, Math.max(3, score));
    }
  }
}
