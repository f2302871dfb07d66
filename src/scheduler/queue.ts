// Pods that wait for a Node: the ready ones by priority and age; the refused ones aside, until something happens that may help, or a while passes.
import type { Scope } from "#base/scope.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import { objectKey } from "#client/informer.ts";
import type { World } from "#platform/world.ts";
import { parseTime } from "#schema/time.ts";

interface Waiting {
  readonly pod: Pod;
  readonly attempts: number;
  /** When the Pod first came here, for order among equals. */
  readonly since: number;
  readonly refusedBy: readonly string[];
  /** Not to be tried before this moment. */
  readonly notBefore: number;
}

const backoffFirstMilliseconds = 1_000;
const backoffMaxMilliseconds = 10_000;
/** A refused Pod is tried again after this long even when nothing that we know of happened. */
const longestRestMilliseconds = 300_000;

export class SchedulingQueue {
  readonly #world: World;
  readonly #active = new Heap<Waiting>(isBefore);
  readonly #refused = new Map<string, Waiting>();
  /** The newest state of every Pod that waits anywhere. */
  readonly #known = new Map<string, Waiting>();
  #wake: (() => void) | undefined;
  /** Grows with every event that may help; a decision made before such an event does not put its Pod aside. */
  #moves = 0;

  constructor(scope: Scope, world: World) {
    this.#world = world;
    scope.defer("scheduling queue", () => this.#wake?.());
    scope.start("refused Pods", async (task) => {
      for (;;) {
        await world.clock.sleep(task, 30_000);
        const now = world.clock.monotonic();
        for (const [key, waiting] of this.#refused) if (now - waiting.notBefore > longestRestMilliseconds) this.#activate(key, waiting);
      }
    });
  }

  get length(): number {
    return this.#known.size;
  }

  get moves(): number {
    return this.#moves;
  }

  add(pod: Pod): void {
    const key = objectKey(pod);
    const now = this.#world.clock.monotonic();
    this.#activate(key, { pod, attempts: 0, since: parseTime(pod.metadata.creationTimestamp), refusedBy: [], notBefore: now });
  }

  /** A waiting Pod changed. `mayHelp`: in a way that can make it fit. */
  update(pod: Pod, mayHelp: boolean): void {
    const key = objectKey(pod);
    const waiting = this.#known.get(key);
    if (!waiting) return this.add(pod);
    const changed = { ...waiting, pod };
    if (this.#refused.has(key) && !mayHelp) {
      this.#refused.set(key, changed);
      this.#known.set(key, changed);
    } else this.#activate(key, changed);
  }

  delete(pod: Pod): void {
    const key = objectKey(pod);
    this.#known.delete(key);
    this.#refused.delete(key);
  }

  /** Puts aside what did not fit. `movesBefore` is `moves` as it was when the decision began. */
  refuse(taken: Taken, refusedBy: readonly string[], movesBefore: number): void {
    const key = objectKey(taken.pod);
    const newer = this.#known.get(key);
    if (newer) return;
    const attempts = taken.attempts + 1;
    const rest = Math.min(backoffFirstMilliseconds * 2 ** (attempts - 1), backoffMaxMilliseconds);
    const waiting: Waiting = { pod: taken.pod, attempts, since: taken.since, refusedBy, notBefore: this.#world.clock.monotonic() + rest };
    this.#known.set(key, waiting);
    if (movesBefore !== this.#moves || refusedBy.length === 0) this.#activate(key, waiting);
    else this.#refused.set(key, waiting);
  }

  /** Something happened: Pods that `helps` says it may help are tried again, each after its rest. */
  wake(helps: (pod: Pod, refusedBy: readonly string[]) => boolean): void {
    this.#moves += 1;
    for (const [key, waiting] of this.#refused) if (helps(waiting.pod, waiting.refusedBy)) this.#activate(key, waiting);
  }

  /** The next Pod to decide about; waits for one. Undefined when the scope stopped. */
  async next(scope: Scope): Promise<Taken | undefined> {
    while (!scope.stopped) {
      const first = this.#active.pop();
      if (first) {
        const key = objectKey(first.pod);
        if (this.#known.get(key) !== first) continue;
        this.#known.delete(key);
        return first;
      }
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return undefined;
  }

  #activate(key: string, waiting: Waiting): void {
    this.#refused.delete(key);
    this.#known.set(key, waiting);
    const rest = waiting.notBefore - this.#world.clock.monotonic();
    if (rest > 0) this.#world.clock.timer(rest, () => this.#known.get(key) === waiting && this.#push(waiting));
    else this.#push(waiting);
  }

  #push(waiting: Waiting): void {
    this.#active.push(waiting);
    this.#wake?.();
  }
}

/** A Pod taken from the queue, with what the queue must know if it comes back. */
export type Taken = Pick<Waiting, "pod" | "attempts" | "since">;

function isBefore(left: Waiting, right: Waiting): boolean {
  const [high, low] = [left.pod.spec.priority ?? 0, right.pod.spec.priority ?? 0];
  return high !== low ? high > low : left.since < right.since;
}

class Heap<T> {
  readonly #items: T[] = [];
  readonly #isBefore: (left: T, right: T) => boolean;

  constructor(order: (left: T, right: T) => boolean) {
    this.#isBefore = order;
  }

  push(item: T): void {
    const items = this.#items;
    let at = items.push(item) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(item, items[parent] as T)) break;
      items[at] = items[parent] as T;
      at = parent;
    }
    items[at] = item;
  }

  pop(): T | undefined {
    const items = this.#items;
    const first = items[0];
    const last = items.pop();
    if (last === undefined || items.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= items.length) break;
      if (child + 1 < items.length && this.#isBefore(items[child + 1] as T, items[child] as T)) child += 1;
      if (!this.#isBefore(items[child] as T, last)) break;
      items[at] = items[child] as T;
      at = child;
    }
    items[at] = last;
    return first;
  }
}
