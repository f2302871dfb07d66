// Virtual time. It moves only through `advance`, `runUntil` and `run`, which fire timers in the order they are due (then in the order
// they were made) and let every promise settle before the next one.
//
// Invariants:
// - `monotonic` never goes back; `now` is `monotonic` plus a wall-clock offset that a test may change.
// - Only one caller moves time at any moment.
// - `endOfTurn` needs no moving of time.
import { assert } from "#base/assert.ts";
import { ScopeStopped } from "#base/scope.ts";
import type { Scope } from "#base/scope.ts";
import type { Clock, Timer } from "../clock.ts";
import type { Settle } from "./settle.ts";

/** A wait in virtual time that cannot end: nothing is due any more, or the limit has passed. */
export class SimulationStuck extends Error {
  override readonly name = "SimulationStuck";
}

interface VirtualTimer extends Timer {
  readonly due: number;
  readonly order: number;
  callback: (() => void) | undefined;
}

const defaultLimitMilliseconds = 3_600_000;
const mostTurnsAtOneMoment = 100_000;
const mostTimersAtOneMoment = 1_000_000;

export class SimulatedClock implements Clock {
  readonly #settle: Settle;
  readonly #timers: VirtualTimer[] = [];
  #cancelled = 0;
  #elapsed = 0;
  #offset: number;
  #made = 0;
  #firedNow = 0;
  #moving: string | undefined;
  #moved = false;
  #turn: (() => void)[] = [];
  readonly #observers = new Set<() => void>();

  constructor(start: number, settle: Settle) {
    this.#offset = start;
    this.#settle = settle;
  }

  now(): number {
    return this.#offset + this.#elapsed;
  }

  monotonic(): number {
    return this.#elapsed;
  }

  timer(milliseconds: number, callback: () => void): Timer {
    const wait = milliseconds > 0 ? milliseconds : 0;
    const timer: VirtualTimer = {
      due: this.#elapsed + wait,
      order: this.#made++,
      callback,
      cancel: () => {
        if (!timer.callback) return;
        timer.callback = undefined;
        this.#cancelled += 1;
        if (this.#cancelled > 64 && this.#cancelled > this.#timers.length / 2) this.#dropCancelled();
      },
    };
    this.#push(timer);
    return timer;
  }

  sleep(scope: Scope, milliseconds: number): Promise<void> {
    return new Promise((resolve, reject) => {
      if (scope.stopped) return reject(new ScopeStopped(scope.path));
      const stop = () => {
        timer.cancel();
        reject(new ScopeStopped(scope.path));
      };
      const timer = this.timer(milliseconds, () => {
        scope.signal.removeEventListener("abort", stop);
        resolve();
      });
      scope.signal.addEventListener("abort", stop, { once: true });
    });
  }

  endOfTurn(): Promise<void> {
    return new Promise((resolve) => {
      if (this.#turn.push(resolve) > 1) return;
      void this.#settle().then(() => {
        const waiting = this.#turn;
        this.#turn = [];
        for (const resume of waiting) resume();
      });
    });
  }

  /** Sets the wall clock, as an administrator or a time server would; timers and `monotonic` do not notice. */
  setWallClock(now: number): void {
    this.#offset = now - this.#elapsed;
  }

  /** Timers that have not fired yet. */
  get pending(): number {
    return this.#timers.length - this.#cancelled;
  }

  /** True once time was moved. */
  get moved(): boolean {
    return this.#moved;
  }

  /** Calls `look` whenever everything has settled while time is being moved. What it throws ends the move. Returns a function that ends it. */
  observe(look: () => void): () => void {
    this.#observers.add(look);
    return () => this.#observers.delete(look);
  }

  /** Lets every promise settle, without moving time. */
  async settle(): Promise<void> {
    let turns = 0;
    do {
      await this.#settle();
      if (++turns > mostTurnsAtOneMoment) throw new SimulationStuck("something waits for the end of the turn again and again");
    } while (this.#turn.length > 0);
  }

  /** Moves time by `milliseconds`, firing what becomes due. */
  async advance(milliseconds: number): Promise<void> {
    assert(milliseconds >= 0, `time cannot be advanced by ${milliseconds} ms`);
    await this.#move(`advance(${milliseconds})`, async () => {
      const end = this.#elapsed + milliseconds;
      await this.#settleAndLook();
      while (await this.#fireNext(end));
      this.#elapsed = end;
      await this.#settleAndLook();
    });
  }

  /** Moves time from timer to timer until `predicate` holds. Rejects with SimulationStuck past `limitMilliseconds` of virtual time. */
  async runUntil(
    predicate: () => boolean | Promise<boolean>,
    limitMilliseconds = defaultLimitMilliseconds,
    what = "the condition",
  ): Promise<void> {
    await this.#move("runUntil", async () => {
      const end = this.#elapsed + limitMilliseconds;
      await this.#settleAndLook();
      while (!(await predicate())) {
        if (await this.#fireNext(end)) continue;
        if (this.#nextDue() === undefined)
          throw new SimulationStuck(`${what} does not hold after ${this.#elapsed} ms and nothing more is due`);
        this.#elapsed = end;
        throw new SimulationStuck(`${what} does not hold within ${limitMilliseconds} ms of virtual time`);
      }
    });
  }

  /** Runs `body` to its end, moving time whenever everything waits for it. */
  async run<T>(body: () => Promise<T>, limitMilliseconds = defaultLimitMilliseconds): Promise<T> {
    let ended = false;
    const result = body().finally(() => {
      ended = true;
    });
    result.catch(() => {});
    await this.runUntil(() => ended, limitMilliseconds, "the end of the task").catch((error: unknown) => {
      if (!ended) throw error;
    });
    return result;
  }

  async #move(what: string, body: () => Promise<void>): Promise<void> {
    assert(!this.#moving, `${what} was called while ${this.#moving ?? ""} is moving time`);
    this.#moving = what;
    this.#moved = true;
    try {
      await body();
    } finally {
      this.#moving = undefined;
    }
  }

  /** Fires the first timer due by `end`, if there is one, and lets its consequences settle. */
  async #fireNext(end: number): Promise<boolean> {
    const due = this.#nextDue();
    if (due === undefined || due > end) return false;
    const timer = this.#pop() as VirtualTimer;
    this.#firedNow = timer.due > this.#elapsed ? 0 : this.#firedNow + 1;
    if (this.#firedNow > mostTimersAtOneMoment) throw new SimulationStuck("timers of no length are set again and again");
    this.#elapsed = Math.max(this.#elapsed, timer.due);
    const callback = timer.callback as () => void;
    timer.callback = undefined;
    callback();
    await this.#settleAndLook();
    return true;
  }

  async #settleAndLook(): Promise<void> {
    await this.settle();
    if (this.#observers.size === 0) return;
    for (const look of [...this.#observers]) look();
    await this.settle();
  }

  #nextDue(): number | undefined {
    while (this.#timers[0] && !this.#timers[0].callback) {
      this.#pop();
      this.#cancelled -= 1;
    }
    return this.#timers[0]?.due;
  }

  #dropCancelled(): void {
    const kept = this.#timers.filter((timer) => timer.callback);
    this.#timers.length = 0;
    this.#cancelled = 0;
    for (const timer of kept) this.#push(timer);
  }

  #push(timer: VirtualTimer): void {
    const heap = this.#timers;
    let index = heap.push(timer) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!before(timer, heap[parent] as VirtualTimer)) break;
      heap[index] = heap[parent] as VirtualTimer;
      index = parent;
    }
    heap[index] = timer;
  }

  #pop(): VirtualTimer | undefined {
    const heap = this.#timers;
    const first = heap[0];
    const last = heap.pop();
    if (heap.length === 0 || !last) return first;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1] as VirtualTimer, heap[child] as VirtualTimer)) child += 1;
      if (!before(heap[child] as VirtualTimer, last)) break;
      heap[index] = heap[child] as VirtualTimer;
      index = child;
    }
    heap[index] = last;
    return first;
  }
}

function before(left: VirtualTimer, right: VirtualTimer): boolean {
  return left.due < right.due || (left.due === right.due && left.order < right.order);
}
