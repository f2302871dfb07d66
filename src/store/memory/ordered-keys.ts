// Keys in the byte order of UTF-8, as sorted blocks: finding is two binary searches, a range is a walk along arrays.
//
// JavaScript compares strings by UTF-16 units. That differs from the order of UTF-8 only where a surrogate meets a unit from U+E000 up,
// so as long as every key in the index is below U+D800 the plain comparison is right, whatever it is compared with.

const blockLimit = 256;
const highUnit = /[\ud800-\uffff]/;

/** Negative, zero or positive, by the bytes of UTF-8. Both must be well formed. */
export function compareKeys(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at++) {
    const a = left.charCodeAt(at);
    const b = right.charCodeAt(at);
    if (a !== b) return codePointRank(a) - codePointRank(b);
  }
  return left.length - right.length;
}

/** Lifts surrogates, which stand for code points from U+10000 up, above the units from U+E000 to U+FFFF. */
function codePointRank(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

export interface Keyed {
  readonly key: string;
}

export class OrderedKeys<Entry extends Keyed> {
  /** Never an empty block. */
  readonly #blocks: Entry[][] = [];
  #plain = true;

  /** Adds an entry whose key is not there yet. */
  insert(entry: Entry): void {
    if (this.#plain && highUnit.test(entry.key)) this.#plain = false;
    const position = this.#blockOf(entry.key);
    const block = this.#blocks[position];
    if (!block) {
      this.#blocks.push([entry]);
      return;
    }
    block.splice(this.#place(block, entry.key), 0, entry);
    if (block.length > blockLimit) {
      // Keys often come in order; then the full half stays full and the new block takes what follows.
      const half = position === this.#blocks.length - 1 ? blockLimit - 16 : blockLimit / 2;
      this.#blocks.splice(position + 1, 0, block.splice(half));
    }
  }

  remove(key: string): void {
    const position = this.#blockOf(key);
    const block = this.#blocks[position];
    if (!block) return;
    const place = this.#place(block, key);
    if (block[place]?.key !== key) return;
    block.splice(place, 1);
    if (block.length === 0) this.#blocks.splice(position, 1);
  }

  /** Calls `visit` for every entry with from <= key < to, in order, until it returns false. An empty `to` has no end. */
  walk(from: string, to: string, visit: (entry: Entry) => boolean): void {
    let position = this.#blockOf(from);
    let block = this.#blocks[position];
    let place = block ? this.#place(block, from) : 0;
    while (block) {
      const last = block[block.length - 1] as Entry;
      const whole = to === "" || this.#before(last.key, to);
      for (; place < block.length; place++) {
        const entry = block[place] as Entry;
        if (!whole && !this.#before(entry.key, to)) return;
        if (!visit(entry)) return;
      }
      block = this.#blocks[++position];
      place = 0;
    }
  }

  #before(left: string, right: string): boolean {
    return this.#plain ? left < right : compareKeys(left, right) < 0;
  }

  /** The last block whose first key is not behind `key`; the first block when all are. */
  #blockOf(key: string): number {
    let low = 0;
    let high = this.#blocks.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (this.#before(key, ((this.#blocks[middle] as Entry[])[0] as Entry).key)) high = middle;
      else low = middle;
    }
    return low;
  }

  /** The first place in the block whose key is not before `key`. */
  #place(block: readonly Entry[], key: string): number {
    let low = 0;
    let high = block.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#before((block[middle] as Entry).key, key)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
