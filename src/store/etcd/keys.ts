// Keys as etcd has them: bytes, and ranges from the first to before the second.

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
/** As the end of a range: no end. As its beginning: the first key there can be. */
const zero = Uint8Array.of(0);

export const allKeys = { key: zero, rangeEnd: zero } as const;

export function keyBytes(key: string): Uint8Array {
  return encoder.encode(key);
}

/** Keys of others need not be text: what is not shows as replacement characters. */
export function keyText(key: Uint8Array): string {
  return decoder.decode(key);
}

/** The range of the store's contract: an empty `from` is the beginning, an empty `to` no end. */
export function keyRange(from: string, to: string): { readonly key: Uint8Array; readonly rangeEnd: Uint8Array } {
  return { key: from === "" ? zero : keyBytes(from), rangeEnd: to === "" ? zero : keyBytes(to) };
}
