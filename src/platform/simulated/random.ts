// Seeded chance (xoshiro128**). Each part of a simulated World draws from a stream of its own, so that one more draw in one part
// does not change what the others see.
import { assert } from "#base/assert.ts";
import type { Random } from "../random.ts";

export class SeededRandom implements Random {
  readonly #state = new Uint32Array(4);
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = seed;
    // Both halves of a seed beyond 32 bits count.
    let mixed = (Math.trunc(seed) | 0) ^ Math.imul(Math.trunc(seed / 0x100000000) | 0, 0x9e3779b1);
    for (let i = 0; i < 4; i++) {
      mixed = (mixed + 0x9e3779b9) | 0;
      let word = mixed ^ (mixed >>> 16);
      word = Math.imul(word, 0x21f0aaad);
      word ^= word >>> 15;
      word = Math.imul(word, 0x735a2d97);
      this.#state[i] = word ^ (word >>> 15);
    }
  }

  fraction(): number {
    return ((this.#next() >>> 5) * 0x4000000 + (this.#next() >>> 6)) / 0x20000000000000;
  }

  integer(limit: number): number {
    assert(Number.isSafeInteger(limit) && limit > 0, `integer(${limit}) needs a positive whole number`);
    return Math.floor(this.fraction() * limit);
  }

  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.#next() & 255);
  }

  /** An independent stream: the same seed and name give the same stream, however much was drawn here. */
  stream(name: string): SeededRandom {
    let mixed = 0x811c9dc5;
    for (const byte of new TextEncoder().encode(name)) mixed = Math.imul(mixed ^ byte, 0x01000193);
    return new SeededRandom(this.#seed * 0x10001 + (mixed >>> 0));
  }

  #next(): number {
    const state = this.#state as unknown as [number, number, number, number];
    const scrambled = Math.imul(state[1], 5);
    const result = Math.imul((scrambled << 7) | (scrambled >>> 25), 9);
    const shifted = state[1] << 9;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = (state[3] << 11) | (state[3] >>> 21);
    return result >>> 0;
  }
}
