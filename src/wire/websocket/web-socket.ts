// A WebSocket over a connection that was upgraded: messages in and out, pings answered, an orderly end.
import type { ByteStream } from "../http/stream.ts";
import { closeCodes, closePayload, MessageReader, opcodes, WebSocketError, writeFrame } from "./frames.ts";

const messageMaxDefault = 32 * 1024 * 1024;

export interface WebSocketOptions {
  /** Which end we are. Clients mask what they send with four random bytes a frame. */
  readonly side: "server" | { readonly randomBytes: (length: number) => Uint8Array };
  /** Bytes that came right behind the upgrade. */
  readonly head?: Uint8Array;
  readonly messageMax?: number;
}

export class WebSocket {
  readonly #stream: ByteStream;
  readonly #options: WebSocketOptions;
  #closing = false;

  constructor(stream: ByteStream, options: WebSocketOptions) {
    this.#stream = stream;
    this.#options = options;
  }

  /** Messages until the peer closes. Ends quietly then; throws WebSocketError, after closing, when the peer breaks the rules. */
  async *messages(): AsyncGenerator<{ readonly type: "binary" | "text"; readonly bytes: Uint8Array }> {
    const { side, head, messageMax = messageMaxDefault } = this.#options;
    const reader = new MessageReader({ masked: side === "server", messageMax });
    try {
      for await (const chunk of withHead(head, this.#stream.incoming)) {
        for (const message of reader.push(chunk)) {
          switch (message.type) {
            case "binary":
            case "text":
              yield { type: message.type, bytes: message.bytes };
              break;
            case "ping":
              await this.#write(opcodes.pong, message.bytes);
              break;
            case "close":
              await this.close(message.code ?? closeCodes.normal, "");
              return;
          }
        }
      }
    } catch (error) {
      if (!(error instanceof WebSocketError)) throw error;
      await this.close(error.code, error.message).catch(() => {});
      this.#stream.destroy(error);
      throw error;
    }
  }

  send(bytes: Uint8Array, type: "binary" | "text" = "binary"): Promise<void> {
    return this.#write(opcodes[type], bytes);
  }

  ping(): Promise<void> {
    return this.#write(opcodes.ping, new Uint8Array(0));
  }

  /** Says goodbye and closes our side; a second call does nothing. */
  async close(code: number, reason: string): Promise<void> {
    if (this.#closing) return;
    try {
      await this.#write(opcodes.close, closePayload(code, reason));
    } finally {
      this.#closing = true;
      this.#stream.end();
    }
  }

  /** Drops the connection at once. */
  destroy(): void {
    this.#closing = true;
    this.#stream.destroy();
  }

  async #write(opcode: number, payload: Uint8Array): Promise<void> {
    if (this.#closing) return;
    const { side } = this.#options;
    await this.#stream.write(writeFrame(opcode, payload, side === "server" ? undefined : side.randomBytes(4)));
  }
}

async function* withHead(head: Uint8Array | undefined, incoming: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (head && head.length > 0) yield head;
  yield* incoming;
}
