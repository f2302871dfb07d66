// The recent changes of one kind, so that watches can resume: bounded in events and in bytes, oldest forgotten first.
import type { Revision } from "#store/store.ts";
import type { StoredRecord } from "./record.ts";

export interface CacheEvent {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly revision: Revision;
  /** As it is now; as it last was, at the deletion's revision, when deleted. */
  readonly record: StoredRecord;
  readonly previous: StoredRecord | undefined;
  /** What watchers send, by form: made once an event. */
  readonly frames: Map<string, Uint8Array>;
}

export class Window {
  readonly #limits: { readonly events: number; readonly bytes: number };
  #events: CacheEvent[] = [];
  #start = 0;
  #bytes = 0;
  #complete: Revision;

  /** `complete`: the window holds every change after this revision. */
  constructor(complete: Revision, limits: { readonly events: number; readonly bytes: number }) {
    this.#complete = complete;
    this.#limits = limits;
  }

  get completeAfter(): Revision {
    return this.#complete;
  }

  push(event: CacheEvent): void {
    this.#events.push(event);
    this.#bytes += cost(event);
    while (this.#events.length - this.#start > this.#limits.events || this.#bytes > this.#limits.bytes) {
      const oldest = this.#events[this.#start];
      if (!oldest) break;
      // Changes of one revision leave together, so that the window stays complete after some revision.
      this.#complete = oldest.revision;
      while (this.#events[this.#start]?.revision === oldest.revision) {
        this.#bytes -= cost(this.#events[this.#start] as CacheEvent);
        this.#start++;
      }
    }
    if (this.#start > 1_000 && this.#start > this.#events.length / 2) {
      this.#events = this.#events.slice(this.#start);
      this.#start = 0;
    } else if (this.#start > 0 && this.#start === this.#events.length) {
      this.#events = [];
      this.#start = 0;
    }
  }

  /** Changes behind `revision`, in order. Only true when `revision` is at least `completeAfter`. */
  after(revision: Revision): readonly CacheEvent[] {
    let low = this.#start;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#events[middle] as CacheEvent).revision <= revision) low = middle + 1;
      else high = middle;
    }
    return this.#events.slice(low);
  }
}

/** What an event keeps alive beside the current objects, roughly. */
function cost({ record }: CacheEvent): number {
  return 200 + record.json.length * 3;
}
