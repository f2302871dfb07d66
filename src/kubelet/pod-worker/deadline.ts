// A time by which something is over, which may still come nearer. It has come, too, when the scope stops.
import type { Scope } from "#base/scope.ts";
import type { Clock, Timer } from "#platform/clock.ts";

export class Deadline {
  readonly #clock: Clock;
  readonly #passed: Promise<void>;
  readonly #signal: AbortSignal;
  #pass = () => {};
  #at: number;
  #timer: Timer | undefined;

  constructor(scope: Scope, clock: Clock, milliseconds: number) {
    this.#clock = clock;
    this.#passed = new Promise((resolve) => {
      this.#pass = resolve;
    });
    this.#at = clock.monotonic() + milliseconds;
    this.#arm();
    this.#signal = scope.signal;
    this.#signal.addEventListener("abort", this.#pass);
  }

  /** Milliseconds left. */
  get remaining(): number {
    return Math.max(0, this.#at - this.#clock.monotonic());
  }

  /** It is at most this far away now. */
  shorten(milliseconds: number): void {
    this.#at = Math.min(this.#at, this.#clock.monotonic() + milliseconds);
    this.#arm();
  }

  /** Waits for the promise, but not beyond the deadline. Rejects as the promise does before it. */
  async unless(promise: Promise<unknown>): Promise<void> {
    await Promise.race([promise, this.#passed]);
    // Nobody listens to it any more.
    promise.catch(() => {});
  }

  cancel(): void {
    this.#timer?.cancel();
    this.#signal.removeEventListener("abort", this.#pass);
  }

  #arm(): void {
    this.#timer?.cancel();
    this.#timer = this.#clock.timer(this.remaining, this.#pass);
  }
}
