// Keeps the node usable when memory, disk or process ids run short: says so in the Node's conditions, takes no further Pods that would
// make it worse, frees what nobody needs, and at last ends Pods, one at a time. Also ends Pods that wrote more than they may.
//
// Invariants:
// - Critical Pods are never evicted.
// - After an eviction nothing is done until the Pod has ended, or half a minute has passed.
import { type Scope, ScopeStopped } from "#base/scope.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import { qualityOfService } from "#api/core/pod/quality-of-service.ts";
import { tolerates } from "#api/core/pod/tolerations.ts";
import type { EventRecorder, EventSubject } from "#client/event-recorder.ts";
import type { ContainerStats, Runtime } from "#cri/runtime.ts";
import type { World } from "#platform/world.ts";
import { fullName, isCritical, labels } from "../layout.ts";
import { type DiskFolders, diskUsageOf, type PodDisk } from "./disk-usage.ts";
import { pressureMessage } from "./messages.ts";
import { type PodUsage, rank } from "./ranking.ts";
import { hasStorageLimits, storageProblem } from "./storage-limits.ts";
import { assess, atEase, isMet, type Observations, type Pressure, type PressureState, resourceOf, type Threshold } from "./thresholds.ts";

/** A Pod of this node that may be ended. */
export interface EvictablePod {
  readonly pod: Pod;
  /** Nothing of it runs any more. */
  readonly hasEnded: boolean;
  fail(failure: { readonly reason: string; readonly message: string; readonly graceSeconds: number; readonly disruption: string }): void;
}

export interface EvictionNeeds {
  readonly runtime: Runtime;
  readonly recorder: EventRecorder;
  readonly nodeName: string;
  readonly options: EvictionOptions;
  /** Those that are not over. */
  readonly pods: () => readonly EvictablePod[];
  readonly observe: () => Promise<Observations>;
  readonly disks: DiskFolders;
  /** Removes images and ended containers that nothing needs. */
  readonly freeDisk: () => Promise<void>;
  /** The Node's conditions are to be told anew. */
  readonly changed: () => void;
}

export interface EvictionOptions {
  readonly thresholds: readonly Threshold[];
  /** How long a condition stays after its cause is gone. */
  readonly transitionMilliseconds: number;
  /** The most that a Pod gets to end when a soft threshold is crossed. */
  readonly graceSecondsMax: number;
  /** Whether Pods have to keep to what they said about the disk. */
  readonly limitsStorage: boolean;
}

export interface Eviction {
  readonly pressures: ReadonlySet<Pressure>;
  /** Why a Pod is not taken now. */
  refuses(pod: Pod): string | undefined;
}

const periodMilliseconds = 10_000;
/** While little more is left than the threshold: memory can go within a second, a disk takes its time. */
const nearMilliseconds = 1_000;
const nearFactor = { memory: 2, others: 1.1 } as const;
/** Disks are measured for at most a twentieth of the time. */
const restFactor = 20;
const endedLookMilliseconds = 250;
const endedMillisecondsMax = 30_000;
const hardGraceSeconds = 1;

export function startEviction(scope: Scope, world: World, needs: EvictionNeeds): Eviction {
  const { runtime, recorder, nodeName, options, observe, freeDisk, changed } = needs;
  const subject: EventSubject = { apiVersion: "v1", kind: "Node", name: nodeName, uid: nodeName };
  let state: PressureState = atEase;
  let pressures: ReadonlySet<Pressure> = new Set();
  let measureAt = 0;

  scope.start("eviction", async (task) => {
    for (let wait = periodMilliseconds; ; ) {
      await world.clock.sleep(task, wait);
      try {
        const observations = await observe();
        const evicted = await synchronise(observations);
        wait = evicted || isNear(options.thresholds, observations) ? nearMilliseconds : periodMilliseconds;
        if (evicted) await ended(task, evicted);
      } catch (error) {
        if (error instanceof ScopeStopped) throw error;
        world.log.warn("cannot look after the node's resources", { error: (error as Error).message });
      }
    }
  });

  return {
    get pressures() {
      return pressures;
    },
    refuses(pod) {
      if (pressures.size === 0 || isCritical(pod)) return undefined;
      if (pressures.size === 1 && pressures.has("MemoryPressure") && sparesMemory(pod)) return undefined;
      return `The node had condition: [${[...pressures].join(" ")}]. `;
    },
  };

  /** The Pod that was evicted, if one was. */
  async function synchronise(observations: Observations): Promise<EvictablePod | undefined> {
    const { transitionMilliseconds } = options;
    const assessment = assess(state, options.thresholds, observations, { now: world.clock.now(), transitionMilliseconds });
    state = assessment.state;
    const before = pressures;
    ({ pressures } = assessment);
    if (before.size !== pressures.size || [...before].some((one) => !pressures.has(one))) changed();
    const overLimit = options.limitsStorage ? await evictOverLimit() : undefined;
    if (overLimit) return overLimit;
    // Where nobody is left who could go for one of them, the next may still be helped.
    for (const threshold of assessment.due) {
      const evicted = await reclaim(threshold, observations);
      if (evicted) return evicted;
    }
    return undefined;
  }

  async function reclaim(threshold: Threshold, observations: Observations): Promise<EvictablePod | undefined> {
    const resource = resourceOf(threshold.signal);
    world.log.warn("the node is short of something", { resource, signal: threshold.signal, threshold: threshold.amount });
    recorder.record(subject, "Warning", "EvictionThresholdMet", `Attempting to reclaim ${resource}`);
    if (resource === "ephemeral-storage" || resource === "inodes") {
      await freeDisk();
      if (!isMet(threshold, await observe(), { withReclaim: true })) return undefined;
    }
    return evictFor(threshold, observations);
  }

  async function evictFor(threshold: Threshold, observations: Observations): Promise<EvictablePod | undefined> {
    const candidates = needs.pods();
    const usageOf = await usages(
      candidates.map(({ pod }) => pod),
      threshold,
    );
    const order = rank(
      candidates.map(({ pod }) => pod),
      threshold.signal,
      usageOf,
    );
    const chosen = order.find((pod) => !isCritical(pod));
    const found = candidates.find(({ pod }) => pod === chosen);
    if (!found) {
      world.log.warn("no Pod can be evicted", { signal: threshold.signal });
      return undefined;
    }
    const graceSeconds = threshold.graceMilliseconds === undefined ? hardGraceSeconds : options.graceSecondsMax;
    evict(found, pressureMessage(found.pod, usageOf(found.pod), threshold, observations), graceSeconds);
    return found;
  }

  async function evictOverLimit(): Promise<EvictablePod | undefined> {
    const candidates = needs.pods().filter(({ pod }) => hasStorageLimits(pod) && !isCritical(pod));
    const startedAt = world.clock.monotonic();
    if (candidates.length === 0 || startedAt < measureAt) return undefined;
    const disks = await diskUsageOf(
      world,
      candidates.map(({ pod }) => pod),
      await runtime.containerStats(),
      needs.disks,
    );
    measureAt = world.clock.monotonic() + Math.max(periodMilliseconds / 2, restFactor * (world.clock.monotonic() - startedAt));
    let last: EvictablePod | undefined;
    for (const one of candidates) {
      const problem = storageProblem(one.pod, disks.get(one.pod.metadata.uid) as PodDisk);
      if (problem === undefined) continue;
      evict(one, problem, hardGraceSeconds);
      last = one;
    }
    return last;
  }

  function evict(one: EvictablePod, message: string, graceSeconds: number): void {
    world.log.warn("evicting a Pod", { pod: fullName(one.pod), why: message });
    recorder.record(one.pod, "Warning", "Evicted", message);
    one.fail({ reason: "Evicted", message, graceSeconds, disruption: message });
  }

  async function usages(pods: readonly Pod[], { signal }: Threshold): Promise<(pod: Pod) => PodUsage> {
    const resource = resourceOf(signal);
    const stats = await runtime.containerStats();
    const isDisk = resource === "ephemeral-storage" || resource === "inodes";
    const disks = isDisk ? await diskUsageOf(world, pods, stats, needs.disks) : new Map<string, PodDisk>();
    const sandboxes = resource === "pids" ? await runtime.sandboxStats() : [];
    return ({ metadata: { uid } }) => {
      const own = stats.filter((one) => one.labels[labels.podUid] === uid);
      const disk = disks.get(uid);
      return {
        memoryBytes: memoryOf(own),
        processes: sandboxes.find(({ metadata }) => metadata.uid === uid)?.processes,
        diskBytes: disk?.bytes,
        inodes: disk?.inodes,
        containers: new Map(
          own.map((one) => {
            const name = one.labels[labels.containerName] ?? one.name;
            return [name, { memoryBytes: one.memoryWorkingSetBytes, diskBytes: disk?.containers.get(name) }];
          }),
        ),
      };
    };
  }

  async function ended(task: Scope, evicted: EvictablePod): Promise<void> {
    const deadline = world.clock.monotonic() + endedMillisecondsMax;
    while (!evicted.hasEnded && world.clock.monotonic() < deadline) await world.clock.sleep(task, endedLookMilliseconds);
  }
}

function memoryOf(stats: readonly ContainerStats[]): number | undefined {
  const known = stats.flatMap(({ memoryWorkingSetBytes }) => memoryWorkingSetBytes ?? []);
  return known.length === 0 ? undefined : known.reduce((sum, bytes) => sum + bytes, 0);
}

/** Pods that asked for memory may come while only memory is short, and such as put up with it. */
function sparesMemory(pod: Pod): boolean {
  if (qualityOfService(pod) !== "BestEffort") return true;
  const taint = { key: "node.kubernetes.io/memory-pressure", effect: "NoSchedule" } as const;
  return (pod.spec.tolerations ?? []).some((toleration) => tolerates(toleration, taint));
}

function isNear(thresholds: readonly Threshold[], observations: Observations): boolean {
  const widened = new Map(
    [...observations].map(([signal, { available, capacity }]) => {
      const factor = resourceOf(signal) === "memory" ? nearFactor.memory : nearFactor.others;
      return [signal, { available: available / factor, capacity }];
    }),
  );
  return thresholds.some((threshold) => isMet(threshold, widened, { withReclaim: false }));
}
