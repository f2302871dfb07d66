// WebSocket frames (RFC 6455) as values: a reader that takes bytes as they come, and a writer. Knows no sockets.
//
// What the peer does wrong is a WebSocketError with the code to close with. No frame or message is gathered beyond the limit.

export const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export const closeCodes = {
  normal: 1000,
  goingAway: 1001,
  protocol: 1002,
  unsupported: 1003,
  badData: 1007,
  tooBig: 1009,
  internal: 1011,
} as const;

export class WebSocketError extends Error {
  override readonly name = "WebSocketError";
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

export type WebSocketMessage =
  | { readonly type: "binary" | "text" | "ping" | "pong"; readonly bytes: Uint8Array }
  | { readonly type: "close"; readonly code: number | undefined; readonly reason: string };

export interface ReaderOptions {
  /** Whether frames must be masked: those of clients are, those of servers are not. */
  readonly masked: boolean;
  /** Bytes a message may have. */
  readonly messageMax: number;
}

interface Head {
  readonly final: boolean;
  readonly opcode: number;
  readonly length: number;
  readonly mask: Uint8Array | undefined;
  readonly size: number;
}

const controlMax = 125;
/** Parts may be empty, and take memory all the same. */
const partsMax = 16_384;

export class MessageReader {
  readonly #options: ReaderOptions;
  #pending: Uint8Array = new Uint8Array(0);
  #parts: Uint8Array[] = [];
  #partsLength = 0;
  #type: "binary" | "text" | undefined;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** The messages that are complete with these bytes. Throws WebSocketError. */
  push(bytes: Uint8Array): readonly WebSocketMessage[] {
    this.#pending = this.#pending.length === 0 ? bytes : joined([this.#pending, bytes]);
    const messages: WebSocketMessage[] = [];
    for (;;) {
      const head = this.#head();
      if (!head || this.#pending.length < head.size + head.length) return messages;
      const payload = this.#pending.slice(head.size, head.size + head.length);
      this.#pending = this.#pending.subarray(head.size + head.length);
      if (head.mask) mask(payload, head.mask);
      const message = this.#frame(head, payload);
      if (message) messages.push(message);
    }
  }

  #head(): Head | undefined {
    const bytes = this.#pending;
    if (bytes.length < 2) return undefined;
    const [first = 0, second = 0] = bytes;
    const opcode = first & 0x0f;
    const final = (first & 0x80) !== 0;
    if ((first & 0x70) !== 0) throw new WebSocketError(closeCodes.protocol, "reserved bits are set");
    if (((second & 0x80) !== 0) !== this.#options.masked) {
      throw new WebSocketError(closeCodes.protocol, this.#options.masked ? "a frame is not masked" : "a frame is masked");
    }
    const short = second & 0x7f;
    const isControl = opcode >= 8;
    if (isControl && (short > controlMax || !final))
      throw new WebSocketError(closeCodes.protocol, "a control frame is too long or in parts");
    const extra = short === 126 ? 2 : short === 127 ? 8 : 0;
    const size = 2 + extra + (this.#options.masked ? 4 : 0);
    if (bytes.length < size) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const length = extra === 0 ? short : extra === 2 ? view.getUint16(2) : view.getUint32(2) * 2 ** 32 + view.getUint32(6);
    if (!isControl && length + this.#partsLength > this.#options.messageMax) {
      throw new WebSocketError(closeCodes.tooBig, `a message is larger than ${this.#options.messageMax} bytes`);
    }
    return { final, opcode, length, mask: this.#options.masked ? bytes.slice(size - 4, size) : undefined, size };
  }

  #frame({ opcode, final }: Head, payload: Uint8Array): WebSocketMessage | undefined {
    switch (opcode) {
      case opcodes.text:
      case opcodes.binary:
        if (this.#type) throw new WebSocketError(closeCodes.protocol, "a message begins within another");
        this.#type = opcode === opcodes.text ? "text" : "binary";
        break;
      case opcodes.continuation:
        if (!this.#type) throw new WebSocketError(closeCodes.protocol, "a message goes on that did not begin");
        break;
      case opcodes.ping:
        return { type: "ping", bytes: payload };
      case opcodes.pong:
        return { type: "pong", bytes: payload };
      case opcodes.close:
        return closeMessage(payload);
      default:
        throw new WebSocketError(closeCodes.protocol, `opcode ${opcode} is not known`);
    }
    this.#parts.push(payload);
    this.#partsLength += payload.length;
    if (this.#parts.length > partsMax) throw new WebSocketError(closeCodes.tooBig, `a message has more than ${partsMax} parts`);
    if (!final) return undefined;
    const type = this.#type;
    const bytes = this.#parts.length === 1 ? payload : joined(this.#parts);
    this.#parts = [];
    this.#partsLength = 0;
    this.#type = undefined;
    if (type === "text") checkText(bytes);
    return { type, bytes };
  }
}

function closeMessage(payload: Uint8Array): WebSocketMessage {
  if (payload.length === 0) return { type: "close", code: undefined, reason: "" };
  if (payload.length === 1) throw new WebSocketError(closeCodes.protocol, "a close code is cut short");
  const code = ((payload[0] as number) << 8) | (payload[1] as number);
  const sendable = (code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code)) || (code >= 3000 && code <= 4999);
  if (!sendable) throw new WebSocketError(closeCodes.protocol, `close code ${code} may not be sent`);
  return { type: "close", code, reason: checkText(payload.subarray(2)) };
}

function checkText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new WebSocketError(closeCodes.badData, "text is not UTF-8");
  }
}

/** One whole frame. `mask`: the four random bytes a client uses. */
export function writeFrame(opcode: number, payload: Uint8Array, maskKey?: Uint8Array): Uint8Array {
  const extra = payload.length < 126 ? 0 : payload.length < 2 ** 16 ? 2 : 8;
  const size = 2 + extra + (maskKey ? 4 : 0);
  const frame = new Uint8Array(size + payload.length);
  const view = new DataView(frame.buffer);
  frame[0] = 0x80 | opcode;
  frame[1] = (maskKey ? 0x80 : 0) | (extra === 0 ? payload.length : extra === 2 ? 126 : 127);
  if (extra === 2) view.setUint16(2, payload.length);
  else if (extra === 8) {
    view.setUint32(2, Math.floor(payload.length / 2 ** 32));
    view.setUint32(6, payload.length >>> 0);
  }
  frame.set(payload, size);
  if (maskKey) {
    frame.set(maskKey, size - 4);
    mask(frame.subarray(size), maskKey);
  }
  return frame;
}

export function closePayload(code: number, reason: string): Uint8Array {
  const text = new TextEncoder().encode(reason).subarray(0, controlMax - 2);
  return joined([Uint8Array.of(code >> 8, code & 0xff), text]);
}

function mask(bytes: Uint8Array, key: Uint8Array): void {
  for (let at = 0; at < bytes.length; at++) bytes[at] = (bytes[at] as number) ^ (key[at & 3] as number);
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
