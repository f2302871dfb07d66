// SPDY/3.1 frames as values. What is of no use to us (settings, windows) is read over.
import { HeaderReader, HeaderWriter, joined, type SpdyHeaders } from "./header-block.ts";

export class SpdyError extends Error {
  override readonly name = "SpdyError";
}

export type SpdyFrame =
  | { readonly type: "syn stream"; readonly id: number; readonly headers: SpdyHeaders; readonly final: boolean }
  | { readonly type: "syn reply"; readonly id: number; readonly headers: SpdyHeaders; readonly final: boolean }
  | { readonly type: "headers"; readonly id: number; readonly headers: SpdyHeaders; readonly final: boolean }
  | { readonly type: "reset"; readonly id: number; readonly status: number }
  | { readonly type: "ping"; readonly id: number }
  | { readonly type: "go away"; readonly lastId: number }
  | { readonly type: "data"; readonly id: number; readonly bytes: Uint8Array; readonly final: boolean };

const types = { synStream: 1, synReply: 2, reset: 3, settings: 4, ping: 6, goAway: 7, headers: 8, windowUpdate: 9 } as const;
const version = 3;
const finalFlag = 1;

export class SpdyReader {
  readonly #headers = new HeaderReader();
  readonly #frameMax: number;
  #pending: Uint8Array = new Uint8Array(0);

  constructor(frameMax: number) {
    this.#frameMax = frameMax;
  }

  /** Bytes of a frame that is not complete yet. */
  get pendingLength(): number {
    return this.#pending.length;
  }

  /** The frames that are complete with these bytes. Throws SpdyError or InflateError. */
  push(bytes: Uint8Array): readonly SpdyFrame[] {
    this.#pending = this.#pending.length === 0 ? bytes : joined([this.#pending, bytes]);
    const frames: SpdyFrame[] = [];
    while (this.#pending.length >= 8) {
      const view = new DataView(this.#pending.buffer, this.#pending.byteOffset, this.#pending.length);
      const length = view.getUint32(4) & 0xffffff;
      if (length > this.#frameMax) throw new SpdyError(`a frame is larger than ${this.#frameMax} bytes`);
      if (this.#pending.length < 8 + length) break;
      const flags = this.#pending[4] as number;
      const body = this.#pending.slice(8, 8 + length);
      const first = view.getUint32(0);
      this.#pending = this.#pending.subarray(8 + length);
      const frame = first >>> 31 === 1 ? this.#control(first, flags, body) : dataFrame(first, flags, body);
      if (frame) frames.push(frame);
    }
    return frames;
  }

  #control(first: number, flags: number, body: Uint8Array): SpdyFrame | undefined {
    if (((first >>> 16) & 0x7fff) !== version) throw new SpdyError("this is not SPDY/3");
    const final = (flags & finalFlag) !== 0;
    const view = new DataView(body.buffer, body.byteOffset, body.length);
    const need = (length: number) => {
      if (body.length < length) throw new SpdyError("a frame is cut short");
    };
    switch (first & 0xffff) {
      case types.synStream:
        need(10);
        return { type: "syn stream", id: view.getUint32(0) & 0x7fffffff, headers: this.#headers.read(body.subarray(10)), final };
      case types.synReply:
        need(4);
        return { type: "syn reply", id: view.getUint32(0) & 0x7fffffff, headers: this.#headers.read(body.subarray(4)), final };
      case types.headers:
        need(4);
        return { type: "headers", id: view.getUint32(0) & 0x7fffffff, headers: this.#headers.read(body.subarray(4)), final };
      case types.reset:
        need(8);
        return { type: "reset", id: view.getUint32(0) & 0x7fffffff, status: view.getUint32(4) };
      case types.ping:
        need(4);
        return { type: "ping", id: view.getUint32(0) };
      case types.goAway:
        need(4);
        return { type: "go away", lastId: view.getUint32(0) & 0x7fffffff };
      default:
        return undefined;
    }
  }
}

function dataFrame(first: number, flags: number, bytes: Uint8Array): SpdyFrame {
  return { type: "data", id: first & 0x7fffffff, bytes, final: (flags & finalFlag) !== 0 };
}

export class SpdyWriter {
  readonly #headers = new HeaderWriter();

  synStream(id: number, headers: SpdyHeaders, final = false): Uint8Array {
    return control(
      types.synStream,
      final ? finalFlag : 0,
      joined([number(id), number(0), Uint8Array.of(0, 0), this.#headers.write(headers)]),
    );
  }

  synReply(id: number, headers: SpdyHeaders): Uint8Array {
    return control(types.synReply, 0, joined([number(id), this.#headers.write(headers)]));
  }

  reset(id: number, status: number): Uint8Array {
    return control(types.reset, 0, joined([number(id), number(status)]));
  }

  ping(id: number): Uint8Array {
    return control(types.ping, 0, number(id));
  }

  goAway(lastId: number): Uint8Array {
    return control(types.goAway, 0, joined([number(lastId), number(0)]));
  }

  data(id: number, bytes: Uint8Array, final = false): Uint8Array {
    return joined([number(id & 0x7fffffff), number(((final ? finalFlag : 0) << 24) | bytes.length), bytes]);
  }
}

function control(type: number, flags: number, body: Uint8Array): Uint8Array {
  return joined([number(0x80000000 | (version << 16) | type), number((flags << 24) | body.length), body]);
}

function number(value: number): Uint8Array {
  return Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value);
}
