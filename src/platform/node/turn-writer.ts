// Joins what is written to one stream during one turn of the event loop into one write, for all streams together.
// A watch event goes to thousands of sinks in one turn; each sink's connection then sees a single write.
// Where writing takes long, because there are many streams, the next round of writes waits in proportion: changes that come fast are then
// written together, and requests get their share of the time. A change that comes alone is written at once.
import type { Sink } from "#wire/http/message.ts";

export abstract class TurnWriter implements Sink {
  readonly signal: AbortSignal;
  readonly #rounds: Rounds;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #ended = false;

  constructor(signal: AbortSignal, rounds: Rounds = allRounds) {
    this.signal = signal;
    this.#rounds = rounds;
  }

  /** Sends `bytes` now. */
  protected abstract send(bytes: Uint8Array): void;
  protected abstract finish(): void;
  /** Lets go of the connection, or of the stream where it has others. */
  protected abstract abandon(): void;
  protected abstract readonly unsentBytes: number;

  get bufferedBytes(): number {
    return this.#pendingBytes + this.unsentBytes;
  }

  get ended(): boolean {
    return this.#ended;
  }

  write(bytes: Uint8Array): void {
    if (this.#ended || bytes.length === 0) return;
    if (this.#pending.length === 0) this.#rounds.enter(this);
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
  }

  end(): void {
    if (this.#ended) return;
    this.flush();
    this.#ended = true;
    this.finish();
  }

  cut(): void {
    if (this.#ended) return;
    this.#pending = [];
    this.#pendingBytes = 0;
    this.#ended = true;
    this.abandon();
  }

  flush(): void {
    if (this.#pending.length === 0) return;
    const bytes = joined(this.#pending, this.#pendingBytes);
    this.#pending = [];
    this.#pendingBytes = 0;
    this.send(bytes);
  }
}

/** While all writers are flushed, most have been given the very same pieces: what is made of them is made once. */
interface Made {
  readonly of: readonly Uint8Array[];
  readonly bytes: Uint8Array;
}
let flushing = false;
let lastJoined: Made | undefined;
let lastFramed: Made | undefined;

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  if (pieces.length === 1) return pieces[0] as Uint8Array;
  if (!flushing) return Buffer.concat(pieces, length);
  if (!lastJoined || !isMadeOf(lastJoined, pieces)) lastJoined = { of: pieces, bytes: Buffer.concat(pieces, length) };
  return lastJoined.bytes;
}

/** What `frame` makes of the bytes; for the same bytes it is made once while all writers are flushed. */
export function framedOnce(bytes: Uint8Array, frame: (bytes: Uint8Array) => Uint8Array): Uint8Array {
  if (!flushing) return frame(bytes);
  if (lastFramed?.of[0] !== bytes) lastFramed = { of: [bytes], bytes: frame(bytes) };
  return lastFramed.bytes;
}

function isMadeOf({ of }: Made, pieces: readonly Uint8Array[]): boolean {
  return of.length === pieces.length && of.every((piece, index) => piece === pieces[index]);
}

/** A round of writes is followed by a rest of so many times its length. */
const restShare = 8;
const restMillisecondsMax = 4;

/** When rounds of writes begin. */
export interface Turns {
  /** Milliseconds, from anywhere. */
  now(): number;
  /** At the end of this turn. */
  soon(act: () => void): void;
  /** A timer, which cannot wait for less than a millisecond. */
  later(act: () => void, milliseconds: number): void;
}

export class Rounds {
  readonly #turns: Turns;
  #waiting: TurnWriter[] = [];
  /** The moment the next round may begin. */
  #restedAt = 0;

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  enter(writer: TurnWriter): void {
    if (this.#waiting.length === 0) {
      const rest = this.#restedAt - this.#turns.now();
      if (rest < 0.5) this.#turns.soon(this.#flush);
      else this.#turns.later(this.#flush, rest);
    }
    this.#waiting.push(writer);
  }

  readonly #flush = (): void => {
    const begun = this.#turns.now();
    const writers = this.#waiting;
    this.#waiting = [];
    flushing = true;
    try {
      for (const writer of writers) writer.flush();
    } finally {
      flushing = false;
      lastJoined = undefined;
      lastFramed = undefined;
      const ended = this.#turns.now();
      this.#restedAt = ended + Math.min((ended - begun) * restShare, restMillisecondsMax);
    }
  };
}

const allRounds = new Rounds({
  now: () => performance.now(),
  soon: (act) => void setImmediate(act),
  later: (act, milliseconds) => void setTimeout(act, milliseconds),
});
