// How long to wait before trying the same thing again: twice as long each time, forgotten after a while without trouble.

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

export class BackOffs {
  readonly #entries = new Map<string, Entry>();
  readonly #limits: BackOffLimits;

  constructor(limits: BackOffLimits) {
    this.#limits = limits;
  }

  /** Until when the thing that last went wrong at `since` has to wait; undefined when it may be tried. */
  blockedUntil(key: string, since: number, now: number): number | undefined {
    const entry = this.#entries.get(key);
    if (!entry || this.#expired(entry, since)) return undefined;
    const until = since + entry.milliseconds;
    // A longer wait than this one was begun before the clock was set back.
    return now < until && until - now <= entry.milliseconds ? until : undefined;
  }

  /** How long the present wait is. */
  milliseconds(key: string): number {
    return this.#entries.get(key)?.milliseconds ?? 0;
  }

  /** Notes that the thing that went wrong at `since` is tried again: the next wait is longer. */
  next(key: string, since: number, now: number): void {
    const entry = this.#entries.get(key);
    const milliseconds =
      !entry || this.#expired(entry, since)
        ? this.#limits.firstMilliseconds
        : Math.min(entry.milliseconds * 2, this.#limits.maxMilliseconds);
    this.#entries.set(key, { milliseconds, at: now });
  }

  forget(prefix: string): void {
    for (const key of this.#entries.keys()) if (key.startsWith(prefix)) this.#entries.delete(key);
  }

  #expired(entry: Entry, since: number): boolean {
    return since - entry.at > Math.max(2 * this.#limits.maxMilliseconds, 600_000);
  }
}
