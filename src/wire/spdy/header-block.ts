// Names and values as SPDY/3 sends them. What we send is not made smaller, only put in the compressed form: a few headers a stream.
import { dictionary, dictionaryId } from "./dictionary.ts";
import { InflateError, Inflater } from "./inflate.ts";

export type SpdyHeaders = Readonly<Record<string, string>>;

const blockMax = 64 * 1024;
const namesMax = 100;

export class HeaderReader {
  readonly #inflater = new Inflater({ bytes: dictionary, id: dictionaryId }, blockMax);

  /** Values that came several times are joined by ", ". Throws InflateError. */
  read(block: Uint8Array): SpdyHeaders {
    const bytes = this.#inflater.block(block);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let at = 0;
    const number = () => {
      if (at + 4 > bytes.length) throw new InflateError("a header block is cut short");
      at += 4;
      return view.getUint32(at - 4);
    };
    const text = () => {
      const length = number();
      if (at + length > bytes.length) throw new InflateError("a header block is cut short");
      at += length;
      return new TextDecoder().decode(bytes.subarray(at - length, at));
    };
    const count = number();
    if (count > namesMax) throw new InflateError(`a header block has more than ${namesMax} names`);
    const headers: Record<string, string> = Object.create(null);
    for (let index = 0; index < count; index++) headers[text().toLowerCase()] = text().replaceAll("\0", ", ");
    return headers;
  }
}

/** An empty stored block: Go's reader hands on what it has when it sees one, and takes the next block for a broken stream otherwise. */
const flush = Uint8Array.of(0, 0, 0, 0xff, 0xff);

export class HeaderWriter {
  #begun = false;

  write(headers: SpdyHeaders): Uint8Array {
    const encoder = new TextEncoder();
    const parts: Uint8Array[] = [];
    const number = (value: number) => parts.push(Uint8Array.of(value >>> 24, value >>> 16, value >>> 8, value));
    const text = (value: string) => {
      const bytes = encoder.encode(value);
      number(bytes.length);
      parts.push(bytes);
    };
    const entries = Object.entries(headers);
    number(entries.length);
    for (const [name, value] of entries) {
      text(name.toLowerCase());
      text(value);
    }
    const plain = joined(parts);
    const stored = Uint8Array.of(0, plain.length & 0xff, plain.length >> 8, ~plain.length & 0xff, (~plain.length >> 8) & 0xff);
    const first = this.#begun ? new Uint8Array(0) : Uint8Array.of(0x78, 0xbb, 0xe3, 0xc6, 0xa7, 0xc2);
    this.#begun = true;
    return joined([first, stored, plain, flush]);
  }
}

export function joined(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
