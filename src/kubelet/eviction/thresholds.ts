// When the node is short of something: thresholds of signals, crossed at once or for a while, and left again only with some room to spare. Pure.
import { quantityToWhole } from "#schema/quantity.ts";
import { durationToMilliseconds } from "#schema/time.ts";

export type Signal =
  | "memory.available"
  | "allocatableMemory.available"
  | "nodefs.available"
  | "nodefs.inodesFree"
  | "imagefs.available"
  | "imagefs.inodesFree"
  | "containerfs.available"
  | "containerfs.inodesFree"
  | "pid.available";

export type Pressure = "MemoryPressure" | "DiskPressure" | "PIDPressure";

export interface Threshold {
  readonly signal: Signal;
  /** "100Mi" or "10%". */
  readonly amount: string;
  readonly minimumReclaim: string | undefined;
  /** How long it may be crossed; undefined for hard ones, which may not. */
  readonly graceMilliseconds: number | undefined;
}

/** What there is of a signal's resource, and how much is left of it. */
export interface Observation {
  readonly available: number;
  readonly capacity: number;
}

export type Observations = ReadonlyMap<Signal, Observation>;

export interface ThresholdConfiguration {
  readonly hard: Readonly<Record<string, string>>;
  readonly soft: Readonly<Record<string, string>>;
  readonly softGrace: Readonly<Record<string, string>>;
  readonly minimumReclaim: Readonly<Record<string, string>>;
  /** Whether Pods together are kept below what the node has set aside for them. */
  readonly enforcesAllocatable: boolean;
}

const pressures: Readonly<Record<Signal, Pressure>> = {
  "memory.available": "MemoryPressure",
  "allocatableMemory.available": "MemoryPressure",
  "nodefs.available": "DiskPressure",
  "nodefs.inodesFree": "DiskPressure",
  "imagefs.available": "DiskPressure",
  "imagefs.inodesFree": "DiskPressure",
  "containerfs.available": "DiskPressure",
  "containerfs.inodesFree": "DiskPressure",
  "pid.available": "PIDPressure",
};

export function pressureOf(signal: Signal): Pressure {
  return pressures[signal];
}

export function isSignal(name: string): name is Signal {
  return Object.hasOwn(pressures, name) && name !== "allocatableMemory.available";
}

/** What a signal's shortage is called in messages. */
export function resourceOf(signal: Signal): "memory" | "ephemeral-storage" | "inodes" | "pids" {
  if (signal === "pid.available") return "pids";
  if (signal.endsWith(".inodesFree")) return "inodes";
  return signal.startsWith("memory") || signal.startsWith("allocatableMemory") ? "memory" : "ephemeral-storage";
}

/** What is wrong with a configuration, in upstream's words where it has them. */
export function thresholdProblems({ hard, soft, softGrace, minimumReclaim }: Omit<ThresholdConfiguration, "enforcesAllocatable">) {
  const problems: string[] = [];
  for (const signal of [...Object.keys(hard), ...Object.keys(soft), ...Object.keys(softGrace), ...Object.keys(minimumReclaim)])
    if (!isSignal(signal)) problems.push(`unsupported eviction signal ${signal}`);
  for (const signal of Object.keys(soft))
    if (!Object.hasOwn(softGrace, signal)) problems.push(`grace period must be specified for the soft eviction threshold ${signal}`);
  return problems;
}

/** The thresholds that can be crossed; those of 0 and of 0% are switched off. */
export function thresholdsOf({ hard, soft, softGrace, minimumReclaim, enforcesAllocatable }: ThresholdConfiguration): readonly Threshold[] {
  const read = (given: Readonly<Record<string, string>>, graceOf: (signal: string) => number | undefined): Threshold[] =>
    Object.entries(given).flatMap(([signal, amount]) =>
      isSignal(signal) && !/^0+(\.0+)?%?$/.test(amount)
        ? [{ signal, amount, minimumReclaim: minimumReclaim[signal], graceMilliseconds: graceOf(signal) }]
        : [],
    );
  const all = [...read(hard, () => undefined), ...read(soft, (signal) => durationToMilliseconds(softGrace[signal] ?? "0s"))];
  const memory = all.find(({ signal, graceMilliseconds }) => signal === "memory.available" && graceMilliseconds === undefined);
  return enforcesAllocatable && memory ? [...all, { ...memory, signal: "allocatableMemory.available" }] : all;
}

export function amountOf(amount: string, capacity: number): number {
  return amount.endsWith("%") ? Math.floor((capacity * Number(amount.slice(0, -1))) / 100) : quantityToWhole(amount);
}

/** Whether less is left than the threshold says, or, to be rid of it, than that and the least to be reclaimed. */
export function isMet(threshold: Threshold, observations: Observations, { withReclaim }: { readonly withReclaim: boolean }): boolean {
  const observed = observations.get(threshold.signal);
  // File systems without numbers (0 inodes in all) are never short.
  if (!observed || observed.capacity <= 0) return false;
  const reclaim = withReclaim && threshold.minimumReclaim ? amountOf(threshold.minimumReclaim, observed.capacity) : 0;
  return observed.available < amountOf(threshold.amount, observed.capacity) + reclaim;
}

export interface PressureState {
  /** Thresholds that are crossed, or were and are not resolved. */
  readonly met: readonly Threshold[];
  /** Since when they are. */
  readonly since: ReadonlyMap<Threshold, number>;
  /** When each pressure was last there. */
  readonly lastSeen: ReadonlyMap<Pressure, number>;
}

export const atEase: PressureState = { met: [], since: new Map(), lastSeen: new Map() };

export interface Assessment {
  readonly state: PressureState;
  /** What the Node's conditions say: pressures that are there or were within the transition period. */
  readonly pressures: ReadonlySet<Pressure>;
  /** Thresholds for which something is to be done now, memory first. */
  readonly due: readonly Threshold[];
}

export function assess(
  before: PressureState,
  thresholds: readonly Threshold[],
  observations: Observations,
  { now, transitionMilliseconds }: { readonly now: number; readonly transitionMilliseconds: number },
): Assessment {
  const met = thresholds.filter(
    (threshold) =>
      isMet(threshold, observations, { withReclaim: false }) ||
      (before.met.includes(threshold) && isMet(threshold, observations, { withReclaim: true })),
  );
  const since = new Map(met.map((threshold) => [threshold, before.since.get(threshold) ?? now]));
  const lastSeen = new Map([...before.lastSeen].filter(([, at]) => now - at < transitionMilliseconds));
  for (const { signal } of met) lastSeen.set(pressureOf(signal), now);
  const due = met.filter((threshold) => now - (since.get(threshold) ?? now) >= (threshold.graceMilliseconds ?? 0));
  return { state: { met, since, lastSeen }, pressures: new Set(lastSeen.keys()), due: due.toSorted((a, b) => urgency(a) - urgency(b)) };
}

function urgency({ signal }: Threshold): number {
  return resourceOf(signal) === "memory" ? 0 : 1;
}
