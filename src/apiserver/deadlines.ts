// The time a request may take. One timer serves all: a request's deadline may be missed by a second, which nobody will notice.
import { StatusError } from "#api/meta/status-error.ts";
import type { Timer } from "#platform/clock.ts";
import type { World } from "#platform/world.ts";

const stepMilliseconds = 1_000;

interface Running {
  readonly until: number;
  readonly late: (error: StatusError) => void;
}

export class Deadlines {
  readonly #world: World;
  readonly #running = new Set<Running>();
  #timer: Timer | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  /** Resolves as `work` does, or rejects with Timeout when that takes too long. The work itself goes on. */
  within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const running: Running = { until: this.#world.clock.monotonic() + milliseconds, late: reject };
      this.#running.add(running);
      this.#timer ??= this.#tick();
      work.then(resolve, reject).finally(() => this.#running.delete(running));
    });
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #tick(): Timer {
    return this.#world.clock.timer(stepMilliseconds, () => {
      const now = this.#world.clock.monotonic();
      for (const running of this.#running) {
        if (running.until > now) continue;
        this.#running.delete(running);
        const message = "Timeout: request did not complete within the allotted timeout";
        running.late(new StatusError("Timeout", message, {}));
      }
      this.#timer = this.#running.size > 0 ? this.#tick() : undefined;
    });
  }
}
