// SHA-256 and HMAC-SHA-256 in plain TypeScript, for Worlds that have no synchronous digest (a browser tab, a simulation).

// The first 32 bits of the fractional parts of the cube roots of the first 64 primes, and of the square roots of the first 8.
const primes = firstPrimes(64);
const rounds = Uint32Array.from(primes, (prime) => fractionBits(Math.cbrt(prime)));
const initial = Uint32Array.from(primes.slice(0, 8), (prime) => fractionBits(Math.sqrt(prime)));

const blockBytes = 64;

/** The 32-byte digest of `bytes`. */
export function sha256(bytes: Uint8Array): Uint8Array {
  const state = Uint32Array.from(initial);
  const schedule = new Uint32Array(64);
  const whole = bytes.length - (bytes.length % blockBytes);
  compress(state, schedule, bytes, whole);
  const rest = bytes.subarray(whole);
  const tail = new Uint8Array(rest.length < blockBytes - 8 ? blockBytes : 2 * blockBytes);
  tail.set(rest);
  tail[rest.length] = 0x80;
  const view = new DataView(tail.buffer);
  view.setUint32(tail.length - 8, Math.floor(bytes.length / 0x20000000));
  view.setUint32(tail.length - 4, (bytes.length << 3) >>> 0);
  compress(state, schedule, tail, tail.length);
  const digest = new Uint8Array(32);
  const out = new DataView(digest.buffer);
  state.forEach((word, index) => out.setUint32(index * 4, word));
  return digest;
}

/** HMAC-SHA-256 of `bytes` under `key`. */
export function hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  const padded = new Uint8Array(blockBytes);
  padded.set(key.length > blockBytes ? sha256(key) : key);
  const inner = new Uint8Array(blockBytes + bytes.length);
  inner.set(padded.map((byte) => byte ^ 0x36));
  inner.set(bytes, blockBytes);
  const outer = new Uint8Array(blockBytes + 32);
  outer.set(padded.map((byte) => byte ^ 0x5c));
  outer.set(sha256(inner), blockBytes);
  return sha256(outer);
}

/** Lower-case hexadecimal. */
export function hex(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += byte.toString(16).padStart(2, "0");
  return text;
}

function compress(state: Uint32Array, schedule: Uint32Array, bytes: Uint8Array, end: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let block = 0; block < end; block += blockBytes) {
    for (let i = 0; i < 16; i++) schedule[i] = view.getUint32(block + i * 4);
    for (let i = 16; i < 64; i++) {
      const early = schedule[i - 15] as number;
      const late = schedule[i - 2] as number;
      const mixEarly = rotate(early, 7) ^ rotate(early, 18) ^ (early >>> 3);
      const mixLate = rotate(late, 17) ^ rotate(late, 19) ^ (late >>> 10);
      schedule[i] = ((schedule[i - 16] as number) + mixEarly + (schedule[i - 7] as number) + mixLate) | 0;
    }
    let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
    for (let i = 0; i < 64; i++) {
      const choice = (e & f) ^ (~e & g);
      const first = (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + choice + (rounds[i] as number) + (schedule[i] as number)) | 0;
      const majority = (a & b) ^ (a & c) ^ (b & c);
      const second = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + majority) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + first) | 0;
      d = c;
      c = b;
      b = a;
      a = (first + second) | 0;
    }
    [a, b, c, d, e, f, g, h].forEach((word, index) => {
      state[index] = ((state[index] as number) + word) | 0;
    });
  }
}

function rotate(word: number, count: number): number {
  return (word >>> count) | (word << (32 - count));
}

function firstPrimes(count: number): number[] {
  const found: number[] = [];
  for (let candidate = 2; found.length < count; candidate++) {
    if (found.every((prime) => candidate % prime !== 0)) found.push(candidate);
  }
  return found;
}

function fractionBits(value: number): number {
  return Math.floor((value - Math.floor(value)) * 0x100000000);
}
