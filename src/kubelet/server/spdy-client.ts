// The client's side of SPDY/3.1, as much of it as the runtime's streaming server needs: streams opened by us, data both ways, half-closes.
//
// Headers are sent in stored (uncompressed) blocks, which every zlib reader takes; those of answers say nothing that is needed here, so
// nothing is ever decompressed. The runtime's server uses no flow-control windows.

const version = 0x8003;
const types = { synStream: 1, synReply: 2, rstStream: 3, ping: 6, goAway: 7 } as const;
const finFlag = 0x01;
/** An empty stored block: readers hand on what they have when they see one. */
const flush = [0x00, 0x00, 0x00, 0xff, 0xff];
/** Frames of the runtime are at most 64 KiB; what announces more is no SPDY. */
const frameBytesMax = 16 * 1024 * 1024;

export type SpdyEvent =
  | { readonly type: "data"; readonly stream: number; readonly bytes: Uint8Array; readonly isLast: boolean }
  | { readonly type: "reset"; readonly stream: number }
  /** Must be written back as it is. */
  | { readonly type: "ping"; readonly answer: Uint8Array }
  | { readonly type: "goAway" };

export class SpdyError extends Error {
  override readonly name = "SpdyError";
}

export class SpdyClient {
  #nextStream = 1;
  #isFirstHeader = true;
  #buffered: Uint8Array = new Uint8Array(0);

  /** The frame that opens a stream, and the stream's number. */
  open(headers: Readonly<Record<string, string>>): { readonly stream: number; readonly frame: Uint8Array } {
    const stream = this.#nextStream;
    this.#nextStream += 2;
    const block = this.#headerBlock(headers);
    const frame = new Uint8Array(18 + block.length);
    const view = new DataView(frame.buffer);
    view.setUint16(0, version);
    view.setUint16(2, types.synStream);
    view.setUint32(4, 10 + block.length);
    view.setUint32(8, stream);
    frame.set(block, 18);
    return { stream, frame };
  }

  /** The frame that carries data; the last one ends our side of the stream. */
  data(stream: number, bytes: Uint8Array, { isLast = false } = {}): Uint8Array {
    const frame = new Uint8Array(8 + bytes.length);
    const view = new DataView(frame.buffer);
    view.setUint32(0, stream);
    view.setUint32(4, bytes.length);
    if (isLast) frame[4] = finFlag;
    frame.set(bytes, 8);
    return frame;
  }

  /** What is complete with this chunk. Throws SpdyError when the peer speaks something else. */
  read(chunk: Uint8Array): readonly SpdyEvent[] {
    let bytes = chunk;
    if (this.#buffered.length > 0) {
      bytes = new Uint8Array(this.#buffered.length + chunk.length);
      bytes.set(this.#buffered);
      bytes.set(chunk, this.#buffered.length);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const events: SpdyEvent[] = [];
    let at = 0;
    while (bytes.length - at >= 8) {
      const flags = bytes[at + 4] as number;
      const length = view.getUint32(at + 4) & 0xff_ffff;
      if (length > frameBytesMax) throw new SpdyError("a frame is too long");
      if (bytes.length - at < 8 + length) break;
      const isControl = ((bytes[at] as number) & 0x80) !== 0;
      if (!isControl) {
        const payload = bytes.slice(at + 8, at + 8 + length);
        events.push({ type: "data", stream: view.getUint32(at), bytes: payload, isLast: (flags & finFlag) !== 0 });
      } else if (view.getUint16(at) !== version) throw new SpdyError(`a frame is of version ${view.getUint16(at) & 0x7fff}`);
      else events.push(...this.#control(view, at, flags, length, bytes));
      at += 8 + length;
    }
    this.#buffered = bytes.slice(at);
    return events;
  }

  #control(view: DataView, at: number, flags: number, length: number, bytes: Uint8Array): readonly SpdyEvent[] {
    const stream = length >= 4 ? view.getUint32(at + 8) & 0x7fff_ffff : 0;
    switch (view.getUint16(at + 2)) {
      case types.synReply:
        return (flags & finFlag) === 0 ? [] : [{ type: "data", stream, bytes: new Uint8Array(0), isLast: true }];
      case types.rstStream:
        return [{ type: "reset", stream }];
      case types.ping:
        return stream % 2 === 0 ? [{ type: "ping", answer: bytes.slice(at, at + 8 + length) }] : [];
      case types.goAway:
        return [{ type: "goAway" }];
      default:
        return [];
    }
  }

  /** Names and values with their lengths, as stored blocks of the connection's one zlib stream. */
  #headerBlock(headers: Readonly<Record<string, string>>): Uint8Array {
    const encoder = new TextEncoder();
    const words = Object.entries(headers).flatMap(([name, value]) => [encoder.encode(name.toLowerCase()), encoder.encode(value)]);
    const plain = new Uint8Array(4 + words.reduce((sum, word) => sum + 4 + word.length, 0));
    const view = new DataView(plain.buffer);
    view.setUint32(0, words.length / 2);
    let at = 4;
    for (const word of words) {
      view.setUint32(at, word.length);
      plain.set(word, at + 4);
      at += 4 + word.length;
    }
    const start = this.#isFirstHeader ? [0x78, 0x01] : [];
    this.#isFirstHeader = false;
    const { length } = plain;
    return new Uint8Array([...start, 0x00, length & 0xff, length >> 8, ~length & 0xff, (~length >> 8) & 0xff, ...plain, ...flush]);
  }
}
