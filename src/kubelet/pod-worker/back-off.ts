// How long to wait before trying the same thing again: twice as long each time, forgotten after a while without trouble.
import type { Clock } from "#platform/clock.ts";

export interface BackOffLimits {
  readonly firstMilliseconds: number;
  readonly maxMilliseconds: number;
}

/** No wait is longer: one that seems to be was begun before the clock was set back, and is over. */
const longestMilliseconds = 300_000;

/** Whether it is to be waited until that time. */
export function isWaiting(until: number, now: number): boolean {
  return until > now && until - now <= longestMilliseconds;
}

interface Entry {
  readonly milliseconds: number;
  readonly at: number;
}

/** Crashing containers, and images that cannot be pulled. */
export const ordinaryLimits: BackOffLimits = { firstMilliseconds: 10_000, maxMilliseconds: 300_000 };
/** The control plane on its own node: the cluster waits for it. */
export const urgentLimits: BackOffLimits = { firstMilliseconds: 250, maxMilliseconds: 1_500 };

/** The ordinary limits with another longest wait, which is also the first where it is shorter than that. */
export function limitsUpTo(maxMilliseconds: number = ordinaryLimits.maxMilliseconds): BackOffLimits {
  return { firstMilliseconds: Math.min(ordinaryLimits.firstMilliseconds, maxMilliseconds), maxMilliseconds };
}

/** When a wait is over, by the time that only goes on. */
interface Wait {
  readonly since: number;
  readonly endsAt: number;
}

export class BackOffs {
  readonly #entries = new Map<string, Entry>();
  readonly #waits = new Map<string, Wait>();
  readonly #limits: BackOffLimits;
  readonly #clock: Pick<Clock, "now" | "monotonic">;

  constructor(limits: BackOffLimits, clock: Pick<Clock, "now" | "monotonic">) {
    this.#limits = limits;
    this.#clock = clock;
  }

  /** Until when the thing that last went wrong at `since` has to wait; undefined when it may be tried. Setting the clock changes no wait. */
  blockedUntil(key: string, since: number): number | undefined {
    const entry = this.#entries.get(key);
    if (!entry || this.#expired(entry, since)) return undefined;
    const now = this.#clock.now();
    const left = this.#waitOf(key, since, entry.milliseconds).endsAt - this.#clock.monotonic();
    return left > 0 ? now + left : undefined;
  }

  /** How long the present wait is. */
  milliseconds(key: string): number {
    return this.#entries.get(key)?.milliseconds ?? 0;
  }

  /** Notes that the thing that went wrong at `since` is tried again: the next wait is longer. */
  next(key: string, since: number): void {
    const entry = this.#entries.get(key);
    const milliseconds =
      !entry || this.#expired(entry, since)
        ? this.#limits.firstMilliseconds
        : Math.min(entry.milliseconds * 2, this.#limits.maxMilliseconds);
    this.#entries.set(key, { milliseconds, at: this.#clock.now() });
    this.#waits.delete(key);
  }

  forget(prefix: string): void {
    for (const map of [this.#entries, this.#waits]) for (const key of map.keys()) if (key.startsWith(prefix)) map.delete(key);
  }

  /** Begun when it is first asked for. */
  #waitOf(key: string, since: number, milliseconds: number): Wait {
    const known = this.#waits.get(key);
    if (known?.since === since) return known;
    const left = since + milliseconds - this.#clock.now();
    // What went wrong in what is now the future did so before the clock was set back: nobody knows how long ago.
    const wait = { since, endsAt: this.#clock.monotonic() + (left > milliseconds ? 0 : left) };
    this.#waits.set(key, wait);
    return wait;
  }

  #expired(entry: Entry, since: number): boolean {
    return since - entry.at > Math.max(2 * this.#limits.maxMilliseconds, 600_000);
  }
}
