// Deletes keys whose time to live is over. Kept in buckets of one second, as most expiries never matter one by one.
//
// What is left of a key's time is counted by the clock that never jumps: somebody who sets the machine's clock neither ends keys early nor
// keeps them for years. Only over a restart does the wall clock say how much time went by.
import type { Clock, Timer } from "#platform/clock.ts";
import type { Revision } from "../store.ts";

const bucketMilliseconds = 1000;
const retryMilliseconds = 5000;

interface Expiring {
  readonly key: string;
  readonly modRevision: Revision;
}

export class Expiry {
  readonly #clock: Clock;
  readonly #expire: (key: string, modRevision: Revision) => Promise<void>;
  readonly #buckets = new Map<number, Expiring[]>();
  #timer: Timer | undefined;
  #stopped = false;

  /** `expire` deletes the key if it is still the one of `modRevision`; when it fails it is asked again later. */
  constructor(clock: Clock, expire: (key: string, modRevision: Revision) => Promise<void>) {
    this.#clock = clock;
    this.#expire = expire;
  }

  add(expiresAt: number, key: string, modRevision: Revision): void {
    if (this.#stopped) return;
    const second = Math.ceil((expiresAt - this.#clock.now() + this.#clock.monotonic()) / bucketMilliseconds);
    const bucket = this.#buckets.get(second);
    if (bucket) bucket.push({ key, modRevision });
    else this.#buckets.set(second, [{ key, modRevision }]);
    this.#timer ??= this.#clock.timer(bucketMilliseconds, () => this.#look());
  }

  stop(): void {
    this.#stopped = true;
    this.#timer?.cancel();
    this.#buckets.clear();
  }

  #look(): void {
    this.#timer = undefined;
    const now = this.#clock.monotonic() / bucketMilliseconds;
    for (const [second, bucket] of this.#buckets) {
      if (second > now) continue;
      this.#buckets.delete(second);
      for (const expiring of bucket) this.#delete(expiring);
    }
    if (this.#buckets.size > 0) this.#timer ??= this.#clock.timer(bucketMilliseconds, () => this.#look());
  }

  #delete({ key, modRevision }: Expiring): void {
    this.#expire(key, modRevision).catch(() => this.add(this.#clock.now() + retryMilliseconds, key, modRevision));
  }
}
