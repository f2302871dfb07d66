// The server's side of WebSocket (RFC 6455), as much of it as exec and port-forward need: the handshake's answer, frames in and frames out.

const acceptSuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/** A message longer than this ends the connection. */
const messageBytesMax = 8 * 1024 * 1024;

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface Message {
  readonly opcode: number;
  readonly payload: Uint8Array;
}

export class WebSocketError extends Error {
  override readonly name = "WebSocketError";
}

/** What Sec-WebSocket-Accept answers to Sec-WebSocket-Key. */
export function acceptKey(key: string): string {
  return btoa(String.fromCharCode(...sha1(new TextEncoder().encode(key + acceptSuffix))));
}

/** One frame, whole and unmasked, as servers send them. */
export function frame(opcode: number, ...payload: readonly Uint8Array[]): Uint8Array {
  const length = payload.reduce((sum, piece) => sum + piece.length, 0);
  const extended = length < 126 ? 0 : length < 65_536 ? 2 : 8;
  const bytes = new Uint8Array(2 + extended + length);
  const view = new DataView(bytes.buffer);
  bytes[0] = 0x80 | opcode;
  bytes[1] = extended === 0 ? length : extended === 2 ? 126 : 127;
  if (extended === 2) view.setUint16(2, length);
  if (extended === 8) view.setBigUint64(2, BigInt(length));
  let at = 2 + extended;
  for (const piece of payload) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}

export function closeFrame(code: number): Uint8Array {
  return frame(opcodes.close, new Uint8Array([code >> 8, code & 0xff]));
}

/** Puts chunks of a connection together to messages. */
export class MessageReader {
  #buffered: Uint8Array = new Uint8Array(0);
  #pieces: Uint8Array[] = [];
  #opcode = 0;

  /** The messages that are complete with this chunk. Throws WebSocketError when the peer breaks the rules. */
  read(chunk: Uint8Array): readonly Message[] {
    this.#buffered = this.#buffered.length === 0 ? chunk : joined([this.#buffered, chunk]);
    const messages: Message[] = [];
    for (;;) {
      const one = this.#frame();
      if (!one) return messages;
      const { isFinal, opcode, payload } = one;
      if (opcode >= opcodes.close) {
        messages.push({ opcode, payload });
        continue;
      }
      if ((opcode === opcodes.continuation) === (this.#pieces.length === 0)) throw new WebSocketError("a message out of order");
      if (opcode !== opcodes.continuation) this.#opcode = opcode;
      this.#pieces.push(payload);
      if (this.#pieces.reduce((sum, piece) => sum + piece.length, 0) > messageBytesMax) throw new WebSocketError("a message is too long");
      if (!isFinal) continue;
      messages.push({ opcode: this.#opcode, payload: joined(this.#pieces) });
      this.#pieces = [];
    }
  }

  #frame(): { readonly isFinal: boolean; readonly opcode: number; readonly payload: Uint8Array } | undefined {
    const bytes = this.#buffered;
    if (bytes.length < 2) return undefined;
    const [first = 0, second = 0] = bytes;
    if ((second & 0x80) === 0) throw new WebSocketError("a frame of a client is not masked");
    if ((first & 0x70) !== 0) throw new WebSocketError("a frame uses an extension that was not agreed on");
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const short = second & 0x7f;
    const head = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (bytes.length < head + 4) return undefined;
    const length = short < 126 ? short : short === 126 ? view.getUint16(2) : Number(view.getBigUint64(2));
    const opcode = first & 0x0f;
    if (length > messageBytesMax) throw new WebSocketError("a frame is too long");
    if (opcode >= opcodes.close && length > 125) throw new WebSocketError("a control frame is too long");
    const start = head + 4;
    if (bytes.length < start + length) return undefined;
    const payload = bytes.slice(start, start + length);
    for (let index = 0; index < length; index += 1) payload[index] = (payload[index] as number) ^ (bytes[head + (index & 3)] as number);
    this.#buffered = bytes.subarray(start + length);
    return { isFinal: (first & 0x80) !== 0, opcode, payload };
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0] as Uint8Array;
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** The handshake names SHA-1; nothing secret hangs on it. */
function sha1(bytes: Uint8Array): Uint8Array {
  const blocks = Math.ceil((bytes.length + 9) / 64);
  const padded = new Uint8Array(blocks * 64);
  padded.set(bytes);
  padded[bytes.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 4, bytes.length * 8);
  const state = [0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0];
  const words = new Uint32Array(80);
  const rotate = (value: number, by: number) => ((value << by) | (value >>> (32 - by))) >>> 0;
  const word = (index: number) => words[index] as number;
  for (let block = 0; block < blocks; block += 1) {
    for (let index = 0; index < 16; index += 1) words[index] = view.getUint32(block * 64 + index * 4);
    for (let index = 16; index < 80; index += 1)
      words[index] = rotate(word(index - 3) ^ word(index - 8) ^ word(index - 14) ^ word(index - 16), 1);
    let [a = 0, b = 0, c = 0, d = 0, e = 0] = state;
    for (let index = 0; index < 80; index += 1) {
      const [mix, constant] =
        index < 20
          ? [(b & c) | (~b & d), 0x5a827999]
          : index < 40
            ? [b ^ c ^ d, 0x6ed9eba1]
            : index < 60
              ? [(b & c) | (b & d) | (c & d), 0x8f1bbcdc]
              : [b ^ c ^ d, 0xca62c1d6];
      const next = (rotate(a, 5) + mix + e + constant + word(index)) >>> 0;
      [a, b, c, d, e] = [next, a, rotate(b, 30), c, d];
    }
    for (const [index, value] of [a, b, c, d, e].entries()) state[index] = ((state[index] as number) + value) >>> 0;
  }
  const digest = new Uint8Array(20);
  for (const [index, value] of state.entries()) new DataView(digest.buffer).setUint32(index * 4, value);
  return digest;
}
