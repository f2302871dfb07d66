// Reads protobuf from bytes that may be wrong: never past their end, never a length that does not fit.
import { DecodeError } from "../decode-error.ts";
import { fixed32Type, fixed64Type, lengthType, varintType } from "./writer.ts";

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

export class ProtobufReader {
  readonly bytes: Uint8Array;
  at: number;
  /** The end of the message being read. */
  end: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.at = 0;
    this.end = bytes.length;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  /** The low 32 bits of a varint, without sign. */
  varint32(): number {
    const first = this.bytes[this.at] as number;
    if (this.at < this.end && first < 0x80) {
      this.at++;
      return first;
    }
    let low = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#byte();
      if (shift < 32) low |= (byte & 0x7f) << shift;
      if (byte < 0x80) return low >>> 0;
    }
    throw this.wrong("proto: integer overflow");
  }

  /** A varint as a signed number where it is safe, else a bigint. */
  int64(): number | bigint {
    const value = this.#varint64();
    if (typeof value === "number") return value;
    return safely(BigInt.asIntN(64, value));
  }

  uint64(): number | bigint {
    const value = this.#varint64();
    return typeof value === "number" ? value : safely(value);
  }

  #varint64(): number | bigint {
    const start = this.at;
    let small = 0;
    let scale = 1;
    for (let count = 0; count < 7; count++) {
      const byte = this.#byte();
      small += (byte & 0x7f) * scale;
      if (byte < 0x80) return small;
      scale *= 128;
    }
    this.at = start;
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return BigInt.asUintN(64, value);
    }
    throw this.wrong("proto: integer overflow");
  }

  #byte(): number {
    if (this.at >= this.end) throw this.wrong("unexpected EOF");
    return this.bytes[this.at++] as number;
  }

  double(): number {
    if (this.end - this.at < 8) throw this.wrong("unexpected EOF");
    const value = new DataView(this.bytes.buffer, this.bytes.byteOffset + this.at, 8).getFloat64(0, true);
    this.at += 8;
    return value;
  }

  /** Reads a length and returns where what follows ends. */
  lengthEnd(): number {
    const length = this.varint32();
    if (length > this.end - this.at) throw this.wrong("unexpected EOF");
    return this.at + length;
  }

  /** Reads a length and ends there from now on; `leave` puts the outer end back. */
  enter(): number {
    const outerEnd = this.end;
    this.end = this.lengthEnd();
    return outerEnd;
  }

  leave(outerEnd: number): void {
    this.at = this.end;
    this.end = outerEnd;
  }

  expect(found: number, wanted: number): void {
    if (found !== wanted) throw this.wrong(`proto: wrong wireType = ${found}`);
  }

  /** Bytes with their length before them: a view, not a copy. */
  view(): Uint8Array {
    const end = this.lengthEnd();
    const view = this.bytes.subarray(this.at, end);
    this.at = end;
    return view;
  }

  /** A string with its length before it; bytes that are no UTF-8 become U+FFFD. */
  string(): string {
    const end = this.lengthEnd();
    const { bytes, at } = this;
    this.at = end;
    const view = bytes.subarray(at, end);
    if (end - at > 24) return decoder.decode(view);
    for (let index = at; index < end; index++) if ((bytes[index] as number) > 127) return decoder.decode(view);
    return String.fromCharCode.apply(undefined, view as unknown as number[]);
  }

  /** Passes over a value of the given wire type. */
  skip(type: number): void {
    switch (type) {
      case varintType:
        this.#varint64();
        return;
      case fixed64Type:
        this.#pass(8);
        return;
      case lengthType:
        this.at = this.lengthEnd();
        return;
      case fixed32Type:
        this.#pass(4);
        return;
      default:
        throw this.wrong(`proto: illegal wireType ${type}`);
    }
  }

  #pass(size: number): void {
    if (this.end - this.at < size) throw this.wrong("unexpected EOF");
    this.at += size;
  }

  wrong(message: string): DecodeError {
    return new DecodeError(message, this.at);
  }
}

function safely(value: bigint): number | bigint {
  return value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER ? Number(value) : value;
}
