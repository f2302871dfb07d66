// A daemon starts by allocating a lot, and then idles. V8 and malloc keep what that took, in case it is needed again, for as long as
// nothing presses them. On a node that is shared with the workloads, what is not used is given back instead.
import { memoryUsage, threadCpuUsage } from "node:process";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

type Collect = (options: { readonly type: "major"; readonly flavor: "last-resort"; readonly execution: "async" }) => Promise<void>;

const lookMilliseconds = 10_000;
/** Busier than this share of a core, a thread is not made to wait. */
const idleShare = 0.05;
/** What must have come together since the last time. */
const worthwhileBytes = 6 * 1024 * 1024;
/** To walk through the heap costs more than what comes together in less time. Each walk doubles the rest, until there was work again. */
const restMilliseconds = 180_000;
const restMillisecondsMax = 32 * restMilliseconds;
/** A heap of this size is in use; to walk through it would hold up the program. */
const heapMaxBytes = 256 * 1024 * 1024;

export interface Usage {
  /** Of a core, since the last look. */
  readonly busyShare: number;
  readonly residentBytes: number;
  readonly heapBytes: number;
  /** What was resident after memory was given back the last time. */
  readonly keptBytes: number;
  /** Since then, and how long it was to be. */
  readonly restedMilliseconds: number;
  readonly restMilliseconds: number;
}

export function isWorthwhile(usage: Usage): boolean {
  const { busyShare, residentBytes, heapBytes, keptBytes } = usage;
  const isDue = usage.restedMilliseconds >= usage.restMilliseconds && residentBytes - keptBytes >= worthwhileBytes;
  return isDue && busyShare <= idleShare && heapBytes <= heapMaxBytes;
}

/** What idling alone brings together is the same every time: it is walked through ever more rarely. */
export function nextRest(rest: number, busyShare: number, isGivingBack: boolean): number {
  if (busyShare > idleShare) return restMilliseconds;
  return isGivingBack ? Math.min(2 * rest, restMillisecondsMax) : rest;
}

/** For the thread that calls, until it ends: whenever it idles, memory that it needs no more goes back to the system. */
export function giveBackIdleMemory(): void {
  let collect: Collect | undefined;
  let keptBytes = 0;
  let rest = restMilliseconds;
  let restedMilliseconds = rest;
  let used = usedMicroseconds();
  setInterval(() => {
    const busyShare = (usedMicroseconds() - used) / 1_000 / lookMilliseconds;
    used = usedMicroseconds();
    restedMilliseconds += lookMilliseconds;
    const { rss: residentBytes, heapUsed: heapBytes } = memoryUsage();
    const isGivingBack = isWorthwhile({ busyShare, residentBytes, heapBytes, keptBytes, restedMilliseconds, restMilliseconds: rest });
    rest = nextRest(rest, busyShare, isGivingBack);
    if (!isGivingBack) return;
    restedMilliseconds = 0;
    collect ??= collector();
    void collect({ type: "major", flavor: "last-resort", execution: "async" }).then(() => {
      keptBytes = memoryUsage.rss();
    });
  }, lookMilliseconds).unref();
}

function usedMicroseconds(): number {
  const { user, system } = threadCpuUsage();
  return user + system;
}

/** V8's own function, which is kept from programs unless they ask. */
function collector(): Collect {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as Collect;
}
