// One clock tick for the bookmarks of all watches, while there are any.
import type { Timer } from "#platform/clock.ts";
import type { World } from "#platform/world.ts";

const intervalMilliseconds = 60_000;

export class Bookmarks {
  readonly #world: World;
  readonly #due = new Set<() => void>();
  #timer: Timer | undefined;

  constructor(world: World) {
    this.#world = world;
  }

  /** Calls `send` about once a minute. Returns a function that takes it back. */
  add(send: () => void): () => void {
    this.#due.add(send);
    this.#timer ??= this.#tick();
    return () => {
      this.#due.delete(send);
      if (this.#due.size > 0) return;
      this.#timer?.cancel();
      this.#timer = undefined;
    };
  }

  #tick(): Timer {
    return this.#world.clock.timer(intervalMilliseconds, () => {
      this.#timer = this.#tick();
      for (const send of [...this.#due]) send();
    });
  }
}
