// A watcher that checks, with every batch, the promises that can be checked without knowing what was written.
import type { Revision, Store, StoreEvent, StoreWatch, WatchBatch, Watcher, WatchOptions } from "../store.ts";
import { expect, shownEvent } from "./expect.ts";

export class RecordedWatch implements Watcher {
  readonly options: WatchOptions;
  readonly events: string[] = [];
  /** Everything up to here was delivered. */
  revision: Revision;
  error: Error | undefined;
  broken: Error | undefined;
  readonly #watch: StoreWatch;
  #waiting: (() => void)[] = [];
  #lastEvent = "";

  constructor(store: Store, options: WatchOptions & { readonly from: Revision }) {
    this.options = options;
    this.revision = options.from - 1;
    this.#watch = store.watch(options, this);
  }

  batch(batch: WatchBatch): void {
    try {
      this.#check(batch);
    } catch (error) {
      this.broken ??= error as Error;
    }
    this.revision = batch.revision;
    this.#wake();
  }

  ended(error: Error): void {
    this.error = error;
    this.#wake();
  }

  stop(): void {
    this.#watch.stop();
  }

  /** Resolves once everything up to `revision` was delivered, or the watch has ended. */
  async until(revision: Revision): Promise<void> {
    while (this.revision < revision && !this.error) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    if (this.broken) throw this.broken;
  }

  #check({ events, revision }: WatchBatch): void {
    expect(!this.error, "a batch came after the end");
    expect(revision >= this.revision, `W1: revision ${revision} after ${this.revision}`);
    let last = this.revision;
    for (const event of events) {
      const at = revisionOf(event);
      const shown = shownEvent(event);
      expect(at > this.revision, `W3: revision ${at} came again, after the batch up to ${this.revision}`);
      expect(at >= last, `W1: revision ${at} after ${last}`);
      expect(at <= revision, `W4: revision ${at} in a batch up to ${revision}`);
      expect(shown !== this.#lastEvent, `W2: twice: ${shown}`);
      last = at;
      this.#lastEvent = shown;
      this.events.push(shown);
    }
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resume of waiting) resume();
  }
}

function revisionOf(event: StoreEvent): Revision {
  return event.type === "put" ? event.current.modRevision : event.revision;
}
