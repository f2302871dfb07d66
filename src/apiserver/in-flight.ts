// How many requests are worked on at once: reads and writes apart, some more wait their turn, the rest is told to come back.
import { StatusError } from "#api/meta/status-error.ts";

export interface InFlightLimits {
  readonly reading: number;
  readonly mutating: number;
  /** Of each sort. */
  readonly waiting: number;
}

export const defaultInFlightLimits: InFlightLimits = { reading: 400, mutating: 200, waiting: 4_000 };

export class InFlight {
  readonly #limit: number;
  readonly #waitingMax: number;
  #running = 0;
  #waiting: (() => void)[] = [];
  #first = 0;

  constructor(limit: number, waitingMax: number) {
    this.#limit = limit;
    this.#waitingMax = waitingMax;
  }

  get running(): number {
    return this.#running;
  }

  /** Undefined when the request may go on at once. Throws TooManyRequests. */
  enter(): Promise<void> | undefined {
    if (this.#running < this.#limit) {
      this.#running++;
      return undefined;
    }
    if (this.#waiting.length - this.#first >= this.#waitingMax) {
      throw new StatusError("TooManyRequests", "too many requests, please try again later", { retryAfterSeconds: 1 });
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  leave(): void {
    const next = this.#waiting[this.#first];
    if (!next) {
      this.#running--;
      return;
    }
    this.#first++;
    if (this.#first === this.#waiting.length || this.#first > 1_000) {
      this.#waiting = this.#waiting.slice(this.#first);
      this.#first = 0;
    }
    next();
  }
}
