// Keys that wait to be worked on. A key waits at most once and is worked on by one worker at a time; failures come back later and later.
import type { Scope } from "#base/scope.ts";
import { ScopeStopped } from "#base/scope.ts";
import type { Timer } from "#platform/clock.ts";
import type { World } from "#platform/world.ts";

export interface WorkQueueOptions {
  readonly workers: number;
  readonly backoffFirstMilliseconds?: number;
  readonly backoffMaxMilliseconds?: number;
}

export interface WorkQueue {
  add(key: string): void;
  /** Adds the key after a while, unless it is added before; the earlier of two times counts. */
  addAfter(key: string, milliseconds: number): void;
  /** Keys waiting now, without those that wait for their time. */
  readonly length: number;
}

/** Starts the workers. `work` is told how often the key failed in a row; when it throws, the key comes back after a growing time. */
export function startWorkQueue(
  scope: Scope,
  world: World,
  { workers, backoffFirstMilliseconds = 5, backoffMaxMilliseconds = 1_000_000 }: WorkQueueOptions,
  work: (key: string, failures: number) => Promise<void>,
): WorkQueue {
  const waiting = new Set<string>();
  const working = new Set<string>();
  const failures = new Map<string, number>();
  const timers = new Map<string, { readonly timer: Timer; readonly at: number }>();
  let idle: (() => void)[] = [];

  function add(key: string): void {
    if (scope.stopped) return;
    timers.get(key)?.timer.cancel();
    timers.delete(key);
    waiting.add(key);
    const [wake, ...rest] = idle;
    idle = rest;
    wake?.();
  }

  function addAfter(key: string, milliseconds: number): void {
    if (milliseconds <= 0) return add(key);
    if (scope.stopped) return;
    const at = world.clock.monotonic() + milliseconds;
    const earlier = timers.get(key);
    if (waiting.has(key) || (earlier && earlier.at <= at)) return;
    earlier?.timer.cancel();
    timers.set(key, { at, timer: world.clock.timer(milliseconds, () => add(key)) });
  }

  /** A key being worked on stays waiting until its worker is done, so that no two work on it. */
  function next(): string | undefined {
    for (const key of waiting) {
      if (working.has(key)) continue;
      waiting.delete(key);
      working.add(key);
      return key;
    }
    return undefined;
  }

  async function run(task: Scope): Promise<void> {
    while (!task.stopped) {
      const key = next();
      if (key === undefined) {
        await new Promise<void>((resolve) => idle.push(resolve));
        continue;
      }
      try {
        await work(key, failures.get(key) ?? 0);
        failures.delete(key);
      } catch (error) {
        if (task.stopped) throw error instanceof ScopeStopped ? error : new ScopeStopped(task.path);
        const count = failures.get(key) ?? 0;
        failures.set(key, count + 1);
        addAfter(key, Math.min(backoffFirstMilliseconds * 2 ** Math.min(count, 40), backoffMaxMilliseconds));
      } finally {
        working.delete(key);
      }
    }
  }

  scope.defer("work queue", () => {
    for (const { timer } of timers.values()) timer.cancel();
    for (const wake of idle) wake();
  });
  for (let worker = 0; worker < workers; worker += 1) scope.start(`worker ${worker}`, run);
  return {
    add,
    addAfter,
    get length() {
      return waiting.size;
    },
  };
}
