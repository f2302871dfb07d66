// Writes protobuf from the last byte to the first, so that the length of a nested message is known when it is due and nothing is measured twice.
const encoder = new TextEncoder();

export const varintType = 0;
export const fixed64Type = 1;
export const lengthType = 2;
export const fixed32Type = 5;

export class ProtobufWriter {
  #buffer: Uint8Array<ArrayBuffer>;
  #at: number;

  constructor(sizeExpected = 1024) {
    this.#buffer = new Uint8Array(sizeExpected);
    this.#at = sizeExpected;
  }

  /** How many bytes were written. */
  get length(): number {
    return this.#buffer.length - this.#at;
  }

  /** The bytes, in memory of their own. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#buffer.slice(this.#at);
  }

  tag(number: number, type: number): void {
    this.varint32(number * 8 + type);
  }

  /** The tag and length of what was written since `length` was `before`. */
  enclose(number: number, before: number): void {
    this.varint32(this.length - before);
    this.tag(number, lengthType);
  }

  /** Takes field `number` back when nothing but its tag and an empty length was written since `length` was `before`. */
  dropEmpty(number: number, before: number): void {
    const tagSize = number < 16 ? 1 : number < 2048 ? 2 : 3;
    if (this.length - before === tagSize + 1) this.#at += tagSize + 1;
  }

  /** Up to 32 bits without sign. */
  varint32(value: number): void {
    const buffer = this.#reserve(5);
    if (value < 0x80) {
      buffer[--this.#at] = value;
      return;
    }
    const size = value < 0x4000 ? 2 : value < 0x20_0000 ? 3 : value < 0x1000_0000 ? 4 : 5;
    this.#at -= size;
    let rest = value;
    for (let at = this.#at; at < this.#at + size - 1; at++) {
      buffer[at] = (rest & 0x7f) | 0x80;
      rest = rest >>> 7;
    }
    buffer[this.#at + size - 1] = rest;
  }

  /** Up to 64 bits; negative ones take ten bytes. */
  varint(value: number | bigint): void {
    if (typeof value === "number" && value >= 0 && value <= 0xffff_ffff) {
      this.varint32(value);
      return;
    }
    const bytes: number[] = [];
    let rest = BigInt.asUintN(64, BigInt(value));
    while (rest > 0x7fn) {
      bytes.push(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    bytes.push(Number(rest));
    this.raw(Uint8Array.from(bytes));
  }

  double(value: number): void {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setFloat64(0, value, true);
    this.raw(bytes);
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#at -= bytes.length;
    this.#buffer.set(bytes, this.#at);
  }

  /** A field that holds text. */
  textField(number: number, text: string): void {
    const before = this.length;
    this.text(text);
    this.enclose(number, before);
  }

  /** The text alone, as UTF-8. */
  text(text: string): void {
    const { length } = text;
    if (length > 200) {
      this.raw(encoder.encode(text));
      return;
    }
    const buffer = this.#reserve(length);
    const start = this.#at - length;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code > 127) {
        this.raw(encoder.encode(text));
        return;
      }
      buffer[start + index] = code;
    }
    this.#at = start;
  }

  #reserve(size: number): Uint8Array {
    if (this.#at < size) {
      const used = this.length;
      const grown = new Uint8Array(Math.max(this.#buffer.length * 2, used + size + 64));
      grown.set(this.#buffer.subarray(this.#at), grown.length - used);
      this.#buffer = grown;
      this.#at = grown.length - used;
    }
    return this.#buffer;
  }
}
