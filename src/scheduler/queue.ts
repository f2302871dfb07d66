// Pods that wait for a Node: the ready ones by priority and age; the refused ones aside, until something happens that may help, or a while passes.
import type { Scope } from "#base/scope.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import { objectKey } from "#client/informer.ts";
import type { Timer } from "#platform/clock.ts";
import type { World } from "#platform/world.ts";
import { parseTime } from "#schema/time.ts";

interface Waiting {
  readonly pod: Pod;
  readonly attempts: number;
  /** When the Pod first came here, for order among equals. */
  readonly since: number;
  /** Among those of the same second: who came first. */
  readonly order: number;
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
  readonly #scope: Scope;
  /** Ready to be decided about. */
  readonly #active = new Heap<Waiting>(isBefore);
  /** Will be ready once their rest is over. */
  readonly #resting = new Heap<Waiting>((left, right) => left.notBefore < right.notBefore);
  /** Wait for something that may help. */
  readonly #refused = new Map<string, Waiting>();
  /** The newest state of every Pod that waits anywhere; what a heap holds beside it does not count any more. */
  readonly #known = new Map<string, Waiting>();
  #restTimer: { readonly timer: Timer; readonly at: number } | undefined;
  #wake: (() => void) | undefined;
  #added = 0;
  /** Grows with every event that may help; a decision made before such an event does not put its Pod aside. */
  #moves = 0;

  constructor(scope: Scope, world: World) {
    this.#world = world;
    this.#scope = scope;
    scope.defer("scheduling queue", () => {
      this.#restTimer?.timer.cancel();
      this.#wake?.();
    });
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
    this.#added += 1;
    const since = parseTime(pod.metadata.creationTimestamp);
    this.#activate(key, { pod, attempts: 0, since, order: this.#added, refusedBy: [], notBefore: this.#world.clock.monotonic() });
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
    if (this.#known.has(key)) return;
    const attempts = taken.attempts + 1;
    const rest = Math.min(backoffFirstMilliseconds * 2 ** Math.min(attempts - 1, 10), backoffMaxMilliseconds);
    const waiting: Waiting = { ...taken, attempts, refusedBy, notBefore: this.#world.clock.monotonic() + rest };
    this.#known.set(key, waiting);
    if (movesBefore !== this.#moves || refusedBy.length === 0) this.#activate(key, waiting);
    else this.#refused.set(key, waiting);
  }

  /** Something happened: Pods that `helps` says it may help are tried again, each after its rest. */
  wake(helps: (pod: Pod, refusedBy: readonly string[]) => boolean): void {
    this.#moves += 1;
    for (const [key, waiting] of this.#refused) if (helps(waiting.pod, waiting.refusedBy)) this.#activate(key, waiting);
  }

  /** The next Pod to decide about; waits for one. Undefined when the scope stopped. One caller at a time. */
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
        const wake = () => {
          scope.signal.removeEventListener("abort", wake);
          resolve();
        };
        this.#wake = wake;
        scope.signal.addEventListener("abort", wake);
      });
    }
    return undefined;
  }

  #activate(key: string, waiting: Waiting): void {
    this.#refused.delete(key);
    this.#known.set(key, waiting);
    if (waiting.notBefore <= this.#world.clock.monotonic()) this.#push(waiting);
    else {
      this.#resting.push(waiting);
      this.#setRestTimer();
    }
  }

  /** One timer for the earliest end of a rest. */
  #setRestTimer(): void {
    const first = this.#resting.first;
    if (!first || this.#scope.stopped || (this.#restTimer && this.#restTimer.at <= first.notBefore)) return;
    this.#restTimer?.timer.cancel();
    const { clock } = this.#world;
    const timer = clock.timer(first.notBefore - clock.monotonic(), () => {
      this.#restTimer = undefined;
      const now = clock.monotonic();
      for (let next = this.#resting.first; next && next.notBefore <= now; next = this.#resting.first) {
        this.#resting.pop();
        if (this.#known.get(objectKey(next.pod)) === next) this.#push(next);
      }
      this.#setRestTimer();
    });
    this.#restTimer = { timer, at: first.notBefore };
  }

  #push(waiting: Waiting): void {
    this.#active.push(waiting);
    this.#wake?.();
  }
}

/** A Pod taken from the queue, with what the queue must know if it comes back. */
export type Taken = Pick<Waiting, "pod" | "attempts" | "since" | "order">;

function isBefore(left: Waiting, right: Waiting): boolean {
  const [high, low] = [left.pod.spec.priority ?? 0, right.pod.spec.priority ?? 0];
  if (high !== low) return high > low;
  return left.since !== right.since ? left.since < right.since : left.order < right.order;
}

class Heap<T> {
  readonly #items: T[] = [];
  readonly #isBefore: (left: T, right: T) => boolean;

  constructor(order: (left: T, right: T) => boolean) {
    this.#isBefore = order;
  }

  get first(): T | undefined {
    return this.#items[0];
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
