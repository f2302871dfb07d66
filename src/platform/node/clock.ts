// Time from the machine: the performance counter gives the fraction, Date.now() keeps it true when the clock is set.
import { ScopeStopped, type Scope } from "#base/scope.ts";
import type { Clock, Timer } from "../clock.ts";

const driftLimitMilliseconds = 50;
const longestTimerMilliseconds = 2 ** 31 - 1;

export function nodeClock(): Clock {
  let origin = performance.timeOrigin;

  const now = (): number => {
    const precise = origin + performance.now();
    const coarse = Date.now();
    if (Math.abs(precise - coarse) <= driftLimitMilliseconds) return precise;
    origin += coarse - precise;
    return coarse;
  };

  return {
    now,
    monotonic: () => performance.now(),
    timer: (milliseconds, callback) => startTimer(milliseconds, callback),
    sleep,
    endOfTurn: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

/** Longer than setTimeout can (24.8 days) is done in parts. */
function startTimer(milliseconds: number, callback: () => void): Timer {
  let timeout: NodeJS.Timeout;
  const wait = (left: number): void => {
    timeout =
      left > longestTimerMilliseconds
        ? setTimeout(() => wait(left - longestTimerMilliseconds), longestTimerMilliseconds)
        : setTimeout(callback, Math.max(0, left));
  };
  wait(milliseconds);
  return { cancel: () => clearTimeout(timeout) };
}

function sleep(scope: Scope, milliseconds: number): Promise<void> {
  const { signal } = scope;
  if (signal.aborted) return Promise.reject(new ScopeStopped(scope.path));
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      timer.cancel();
      reject(new ScopeStopped(scope.path));
    };
    const timer = startTimer(milliseconds, () => {
      signal.removeEventListener("abort", stop);
      resolve();
    });
    signal.addEventListener("abort", stop, { once: true });
  });
}
