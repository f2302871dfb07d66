// Joins what is written to one stream during one turn of the event loop into one write, for all streams together.
// A watch event goes to thousands of sinks in one turn; each sink's connection then sees a single write.
import type { Sink } from "#wire/http/message.ts";

export abstract class TurnWriter implements Sink {
  readonly signal: AbortSignal;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #ended = false;

  constructor(signal: AbortSignal) {
    this.signal = signal;
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
    if (this.#pending.length === 0) schedule(this);
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

/** What was joined last in this turn: most writers of a turn have been given the very same pieces, and so send the very same bytes. */
let last: { readonly pieces: readonly Uint8Array[]; readonly bytes: Uint8Array } | undefined;

function joined(pieces: readonly Uint8Array[], length: number): Uint8Array {
  if (pieces.length === 1) return pieces[0] as Uint8Array;
  if (last && last.pieces.length === pieces.length && last.pieces.every((piece, index) => piece === pieces[index])) return last.bytes;
  const bytes = Buffer.concat(pieces, length);
  last = { pieces, bytes };
  return bytes;
}

let waiting: TurnWriter[] = [];

function schedule(writer: TurnWriter): void {
  if (waiting.length === 0) setImmediate(flushAll);
  waiting.push(writer);
}

function flushAll(): void {
  const writers = waiting;
  waiting = [];
  for (const writer of writers) writer.flush();
  last = undefined;
}
