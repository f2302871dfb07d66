// The time a request may take. One timer serves all, and while nothing is late it goes off once in the time a request has, however many come.
import { StatusError } from "#api/meta/status-error.ts";
import type { Timer } from "#platform/clock.ts";
import type { World } from "#platform/world.ts";

interface Running {
  readonly until: number;
  readonly late: (error: StatusError) => void;
}

export class Deadlines {
  readonly #world: World;
  readonly #running = new Set<Running>();
  /** Never later than the earliest deadline. */
  #next: { readonly at: number; readonly timer: Timer } | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  /** Resolves as `work` does, or rejects with Timeout when that takes too long. The work itself goes on. */
  within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const running: Running = { until: this.#world.clock.monotonic() + milliseconds, late: reject };
      this.#running.add(running);
      this.#lookAt(running.until);
      work.then(resolve, reject).finally(() => this.#running.delete(running));
    });
  }

  stop(): void {
    this.#next?.timer.cancel();
    this.#next = undefined;
  }

  #lookAt(at: number): void {
    if (this.#next && this.#next.at <= at) return;
    this.stop();
    const { clock } = this.#world;
    this.#next = { at, timer: clock.timer(Math.ceil(at - clock.monotonic()), () => this.#look()) };
  }

  #look(): void {
    this.#next = undefined;
    const now = this.#world.clock.monotonic();
    let earliest = Number.POSITIVE_INFINITY;
    for (const running of this.#running) {
      if (running.until > now) {
        earliest = Math.min(earliest, running.until);
        continue;
      }
      this.#running.delete(running);
      running.late(new StatusError("Timeout", "Timeout: request did not complete within the allotted timeout", {}));
    }
    if (earliest < Number.POSITIVE_INFINITY) this.#lookAt(earliest);
  }
}
