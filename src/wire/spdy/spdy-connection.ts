// The client's end of a SPDY connection: opens streams, and hears what comes on them. There is no flow control: those who speak SPDY for
// remote commands never had it; the connection's own back-pressure holds the sender, and what a reader does not take stops the whole.
import type { ByteStream } from "../http/stream.ts";
import { SpdyError, type SpdyFrame, SpdyReader, SpdyWriter } from "./frames.ts";
import type { SpdyHeaders } from "./header-block.ts";

const frameMax = 8 * 1024 * 1024;
const chunkMax = 1024 * 1024;
const streamsMax = 256;
const cancelled = 5;

export interface SpdyStreamEvents {
  /** The next frame is read when the promise resolves. */
  data(bytes: Uint8Array): Promise<void> | void;
  /** The peer ends its side, orderly or by a reset. */
  ended(reset: boolean): void;
}

export class SpdyStream {
  readonly id: number;
  readonly events: SpdyStreamEvents;
  readonly #connection: SpdyConnection;
  #ended = false;
  /** Resolves when the peer took the stream. */
  readonly accepted: Promise<void>;
  settle: { readonly accept: () => void; readonly refuse: (error: Error) => void };

  constructor(connection: SpdyConnection, id: number, events: SpdyStreamEvents) {
    this.#connection = connection;
    this.id = id;
    this.events = events;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.accepted = promise;
    promise.catch(() => {});
    this.settle = { accept: resolve, refuse: reject };
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length && !this.#ended; at += chunkMax) {
      await this.#connection.sendData(this.id, bytes.subarray(at, at + chunkMax), false);
    }
  }

  /** Ends our side; the peer's stays open. */
  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#connection.sendData(this.id, new Uint8Array(0), true);
  }

  async reset(): Promise<void> {
    this.#ended = true;
    await this.#connection.sendReset(this.id, cancelled);
  }
}

export class SpdyConnection {
  readonly #stream: ByteStream;
  readonly #writer = new SpdyWriter();
  readonly #streams = new Map<number, SpdyStream>();
  #nextId = 1;

  constructor(stream: ByteStream) {
    this.#stream = stream;
  }

  async open(headers: SpdyHeaders, events: SpdyStreamEvents): Promise<SpdyStream> {
    if (this.#streams.size >= streamsMax) throw new SpdyError(`there are more than ${streamsMax} streams`);
    const stream = new SpdyStream(this, this.#nextId, events);
    this.#nextId += 2;
    this.#streams.set(stream.id, stream);
    await this.#stream.write(this.#writer.synStream(stream.id, headers));
    return stream;
  }

  /** Hands out what comes until the connection ends. Rejects when the peer breaks the rules or the connection breaks. */
  async run(): Promise<void> {
    const reader = new SpdyReader(frameMax);
    try {
      for await (const chunk of this.#stream.incoming) {
        for (const frame of reader.push(chunk)) await this.#received(frame);
      }
    } finally {
      for (const stream of this.#streams.values()) {
        stream.settle.refuse(new SpdyError("the connection ended"));
        stream.events.ended(false);
      }
      this.#streams.clear();
      this.#stream.destroy();
    }
  }

  async #received(frame: SpdyFrame): Promise<void> {
    switch (frame.type) {
      case "ping":
        // Odd numbers are ours: their echoes need no answer.
        if (frame.id % 2 === 0) await this.#stream.write(this.#writer.ping(frame.id));
        return;
      case "go away":
        return;
      case "syn stream":
        // Nobody opens streams towards the caller of a remote command.
        await this.#stream.write(this.#writer.reset(frame.id, 3));
        return;
    }
    const stream = this.#streams.get(frame.id);
    if (!stream) return;
    switch (frame.type) {
      case "syn reply":
        stream.settle.accept();
        break;
      case "data":
        if (frame.bytes.length > 0) await stream.events.data(frame.bytes);
        break;
      case "reset":
        stream.settle.refuse(new SpdyError("the peer refused the stream"));
        break;
      case "headers":
        break;
    }
    if (frame.type === "reset" || frame.final) {
      this.#streams.delete(frame.id);
      stream.events.ended(frame.type === "reset");
    }
  }

  sendData(id: number, bytes: Uint8Array, final: boolean): Promise<void> {
    return this.#stream.write(this.#writer.data(id, bytes, final));
  }

  sendReset(id: number, status: number): Promise<void> {
    this.#streams.delete(id);
    return this.#stream.write(this.#writer.reset(id, status));
  }

  destroy(): void {
    this.#stream.destroy();
  }
}
