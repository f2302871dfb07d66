// Listens in on a command's SPDY connection that is passed on byte for byte, so that the command's input can be ended when its caller
// vanished: frames are passed on whole, and the stream of its input is known.
import { joined } from "./header-block.ts";
import { SpdyReader, SpdyWriter } from "./frames.ts";

const frameMax = 16 * 1024 * 1024;

export class InputEnd {
  readonly #reader = new SpdyReader(frameMax);
  #held: Uint8Array = new Uint8Array(0);
  #input: number | undefined;
  #isUnderstood = true;

  /** What may be passed on now: all frames that are whole. What is no SPDY is passed on as it is. */
  push(bytes: Uint8Array): Uint8Array {
    const all = this.#held.length === 0 ? bytes : joined([this.#held, bytes]);
    if (!this.#isUnderstood) return all;
    try {
      for (const frame of this.#reader.push(bytes)) {
        if (frame.type === "syn stream" && frame.headers["streamtype"] === "stdin") this.#input = frame.id;
        if ((frame.type === "data" && frame.final && frame.id === this.#input) || (frame.type === "reset" && frame.id === this.#input))
          this.#input = undefined;
      }
    } catch {
      this.#isUnderstood = false;
      this.#input = undefined;
      this.#held = new Uint8Array(0);
      return all;
    }
    const whole = all.length - this.#reader.pendingLength;
    this.#held = all.slice(whole);
    return all.subarray(0, whole);
  }

  /** The frame that ends the input; undefined where there is none, or it ended already. */
  end(): Uint8Array | undefined {
    return this.#input === undefined ? undefined : new SpdyWriter().data(this.#input, new Uint8Array(0), true);
  }
}
