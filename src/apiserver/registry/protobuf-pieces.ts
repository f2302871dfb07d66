// The little protobuf that puts encoded objects side by side without decoding them.

/** A field that holds bytes. `number` is below 16. */
export function lengthPrefixed(number: number, bytes: Uint8Array): Uint8Array {
  const head = [(number << 3) | 2];
  let rest = bytes.length;
  while (rest > 127) {
    head.push((rest & 127) | 128);
    rest >>>= 7;
  }
  head.push(rest);
  const piece = new Uint8Array(head.length + bytes.length);
  piece.set(head);
  piece.set(bytes, head.length);
  return piece;
}

export function joined(pieces: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
