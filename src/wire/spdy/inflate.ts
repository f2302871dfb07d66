// Inflate (RFC 1950 and 1951) for header blocks: one stream over the whole connection, flushed at the end of every block.
//
// Output is bounded per block, and the window is the 32 KiB that may still be referred to.

export class InflateError extends Error {
  override readonly name = "InflateError";
}

const windowSize = 32 * 1024;

interface Table {
  /** How many codes there are of each length. */
  readonly counts: Uint16Array;
  /** Symbols in the order of their codes. */
  readonly symbols: Uint16Array;
}

const lengthBase = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
const lengthExtra = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const distanceBase = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385,
  24577,
];
const distanceExtra = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];
const codeOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

export class Inflater {
  readonly #dictionary: { readonly bytes: Uint8Array; readonly id: number };
  readonly #blockMax: number;
  #window: Uint8Array = new Uint8Array(0);
  #begun = false;
  #input: Uint8Array = new Uint8Array(0);
  #at = 0;
  #bits = 0;
  #bitCount = 0;
  #output: Uint8Array = new Uint8Array(0);
  #length = 0;

  constructor(dictionary: { readonly bytes: Uint8Array; readonly id: number }, blockMax: number) {
    this.#dictionary = dictionary;
    this.#blockMax = blockMax;
  }

  /** What one flushed piece of the stream stands for. Throws InflateError; the stream is of no use then. */
  block(input: Uint8Array): Uint8Array {
    this.#input = input;
    this.#at = 0;
    this.#bits = 0;
    this.#bitCount = 0;
    if (!this.#begun) this.#header();
    this.#output = new Uint8Array(this.#window.length + 1024);
    this.#output.set(this.#window);
    const start = this.#window.length;
    this.#length = start;
    // Every flush ends on a byte: no more than seven bits of padding are left where it does.
    while (this.#at < this.#input.length) this.#block();
    const made = this.#output.slice(start, this.#length);
    this.#window = this.#output.slice(Math.max(0, this.#length - windowSize), this.#length);
    this.#begun = true;
    return made;
  }

  #header(): void {
    const method = this.#take(8);
    const flags = this.#take(8);
    if ((method & 0x0f) !== 8 || ((method << 8) | flags) % 31 !== 0) throw new InflateError("this is no zlib stream");
    if ((flags & 0x20) === 0) return;
    let id = 0;
    for (let byte = 0; byte < 4; byte++) id = id * 256 + this.#take(8);
    if (id !== this.#dictionary.id) throw new InflateError("the stream asks for another dictionary");
    this.#window = this.#dictionary.bytes;
  }

  #block(): void {
    const last = this.#take(1);
    const type = this.#take(2);
    if (type === 0) this.#stored();
    else if (type === 1) this.#compressed(fixedLengths(), fixedDistances());
    else if (type === 2) this.#compressed(...this.#tables());
    else throw new InflateError("a block is of no known type");
    if (last === 1) throw new InflateError("the stream ended");
  }

  #stored(): void {
    this.#bits = 0;
    this.#bitCount = 0;
    const length = this.#take(16);
    if ((this.#take(16) ^ 0xffff) !== length) throw new InflateError("a stored block's length is damaged");
    if (this.#at + length > this.#input.length) throw new InflateError("the input ends within a block");
    for (let count = 0; count < length; count++) this.#put(this.#input[this.#at++] as number);
  }

  #tables(): [Table, Table] {
    const lengthCount = this.#take(5) + 257;
    const distanceCount = this.#take(5) + 1;
    const codeCount = this.#take(4) + 4;
    const codes = new Uint8Array(19);
    for (let index = 0; index < codeCount; index++) codes[codeOrder[index] as number] = this.#take(3);
    const table = tableOf(codes);
    const lengths = new Uint8Array(lengthCount + distanceCount);
    for (let index = 0; index < lengths.length; ) {
      const symbol = this.#symbol(table);
      if (symbol < 16) {
        lengths[index++] = symbol;
        continue;
      }
      const value = symbol === 16 ? (lengths[index - 1] ?? -1) : 0;
      const count = symbol === 16 ? 3 + this.#take(2) : symbol === 17 ? 3 + this.#take(3) : 11 + this.#take(7);
      if (value < 0 || index + count > lengths.length) throw new InflateError("code lengths are damaged");
      lengths.fill(value, index, index + count);
      index += count;
    }
    return [tableOf(lengths.subarray(0, lengthCount)), tableOf(lengths.subarray(lengthCount))];
  }

  #compressed(lengths: Table, distances: Table): void {
    for (;;) {
      const symbol = this.#symbol(lengths);
      if (symbol === 256) return;
      if (symbol < 256) {
        this.#put(symbol);
        continue;
      }
      const base = lengthBase[symbol - 257];
      if (base === undefined) throw new InflateError("a length is damaged");
      const length = base + this.#take(lengthExtra[symbol - 257] as number);
      const code = this.#symbol(distances);
      const distance = (distanceBase[code] ?? Number.POSITIVE_INFINITY) + this.#take(distanceExtra[code] ?? 0);
      if (distance > this.#length || distance > windowSize) throw new InflateError("a distance leads before the beginning");
      for (let count = 0; count < length; count++) this.#put(this.#output[this.#length - distance] as number);
    }
  }

  #symbol({ counts, symbols }: Table): number {
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length < 16; length++) {
      code |= this.#take(1);
      const count = counts[length] as number;
      if (code - first < count) return symbols[index + code - first] as number;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw new InflateError("a code is damaged");
  }

  #take(count: number): number {
    while (this.#bitCount < count) {
      if (this.#at >= this.#input.length) throw new InflateError("the input ends within a block");
      this.#bits |= (this.#input[this.#at++] as number) << this.#bitCount;
      this.#bitCount += 8;
    }
    const value = this.#bits & ((1 << count) - 1);
    this.#bits >>>= count;
    this.#bitCount -= count;
    return value;
  }

  #put(byte: number): void {
    if (this.#length - this.#window.length >= this.#blockMax) throw new InflateError(`a block is larger than ${this.#blockMax} bytes`);
    if (this.#length === this.#output.length) {
      const larger = new Uint8Array(this.#output.length * 2);
      larger.set(this.#output);
      this.#output = larger;
    }
    this.#output[this.#length++] = byte;
  }
}

function tableOf(lengths: Uint8Array): Table {
  const counts = new Uint16Array(16);
  for (const length of lengths) counts[length] = (counts[length] as number) + 1;
  counts[0] = 0;
  const offsets = new Uint16Array(17);
  let left = 1;
  for (let length = 1; length < 16; length++) {
    left = left * 2 - (counts[length] as number);
    if (left < 0) throw new InflateError("code lengths are damaged");
    offsets[length + 1] = (offsets[length] as number) + (counts[length] as number);
  }
  const symbols = new Uint16Array(lengths.length);
  for (const [symbol, length] of lengths.entries()) {
    if (length === 0) continue;
    const at = offsets[length] as number;
    symbols[at] = symbol;
    offsets[length] = at + 1;
  }
  return { counts, symbols };
}

let fixed: { readonly lengths: Table; readonly distances: Table } | undefined;

function fixedTables(): { readonly lengths: Table; readonly distances: Table } {
  if (fixed) return fixed;
  const lengths = new Uint8Array(288);
  lengths.fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280).fill(8, 280);
  fixed = { lengths: tableOf(lengths), distances: tableOf(new Uint8Array(30).fill(5)) };
  return fixed;
}

function fixedLengths(): Table {
  return fixedTables().lengths;
}

function fixedDistances(): Table {
  return fixedTables().distances;
}
