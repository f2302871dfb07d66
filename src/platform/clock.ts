import type { Scope } from "#base/scope.ts";

export interface Clock {
  /** Milliseconds since 1970, with a fraction down to microseconds. May jump when the machine's clock is set. */
  now(): number;
  /** Milliseconds since some moment, never going back: for measuring and for deadlines. */
  monotonic(): number;
  /** Calls `callback` once after `milliseconds`. */
  timer(milliseconds: number, callback: () => void): Timer;
  /** Waits. Throws ScopeStopped as soon as the scope stops. */
  sleep(scope: Scope, milliseconds: number): Promise<void>;
  /** Resolves after everything that is due in this turn has run (setImmediate in Node): for joining writes of one turn. */
  endOfTurn(): Promise<void>;
}

export interface Timer {
  cancel(): void;
}
