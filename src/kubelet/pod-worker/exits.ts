// Exits that were told of and not seen yet: the runtime's lists hear of an exit a moment after its events do.
import { isAlive, type ObservedPod } from "./observed.ts";

const firstMilliseconds = 10;
const looksMax = 9;

export class Exits {
  /** How often was looked since, by id. */
  readonly #looks = new Map<string, number>();

  /** This container or sandbox is said to have ended. */
  told(id: string): void {
    this.#looks.set(id, 0);
  }

  /** Forgets what was seen, and what was looked for long enough. */
  seen({ containers, sandboxes }: ObservedPod): void {
    for (const [id, looks] of this.#looks) {
      const isStill = containers.some((one) => one.id === id && isAlive(one)) || sandboxes.some((one) => one.id === id && one.ready);
      if (!isStill || looks >= looksMax) this.#looks.delete(id);
      else this.#looks.set(id, looks + 1);
    }
  }

  /** When to look again, later each time; undefined when nothing is looked for. */
  lookAt(now: number): number | undefined {
    if (this.#looks.size === 0) return undefined;
    return now + firstMilliseconds * 2 ** (Math.min(...this.#looks.values()) - 1);
  }
}
