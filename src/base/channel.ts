// A queue between one that pushes and one that iterates, bounded: what does not fit is refused, and the pusher decides what that means.

export class BoundedChannel<T> implements AsyncIterable<T> {
  readonly #limit: number;
  #items: T[] = [];
  #taken = 0;
  #closed = false;
  #failure: unknown;
  #wake: (() => void) | undefined;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get length(): number {
    return this.#items.length - this.#taken;
  }

  /** False when the channel is full or closed; the item was not taken. */
  push(item: T): boolean {
    if (this.#closed || this.length >= this.#limit) return false;
    this.#items.push(item);
    this.#wake?.();
    return true;
  }

  /** The iteration ends after what is still inside; with `failure`, by throwing it. */
  close(failure?: unknown): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#failure = failure;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    try {
      for (;;) {
        while (this.#taken < this.#items.length) {
          const item = this.#items[this.#taken] as T;
          this.#taken += 1;
          if (this.#taken > 1024 && this.#taken * 2 > this.#items.length) {
            this.#items = this.#items.slice(this.#taken);
            this.#taken = 0;
          }
          yield item;
        }
        if (this.#closed) break;
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
      if (this.#failure !== undefined) throw this.#failure;
    } finally {
      this.#closed = true;
      this.#items = [];
      this.#taken = 0;
    }
  }
}
