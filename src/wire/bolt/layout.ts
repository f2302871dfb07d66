// The layout of a bbolt file, version 2: pages of equal size, all numbers little-endian.
//
//   page     id (8) · flags (2) · count (2) · how many pages it overflows into (4) · content
//   meta     magic (4) · version (4) · page size (4) · flags (4) · root bucket: page (8), sequence (8) · page of the free list (8)
//            · number of pages (8) · transaction (8) · FNV-1a of all that (8); pages 0 and 1, written in turn
//   leaf     count elements: flags (4) · where the key begins, from this element on (4) · bytes of the key (4) · of the value (4)
//   branch   count elements: where the key begins (4) · bytes of the key (4) · page (8); the key is the first one below
//   bucket   an element of a leaf with flag 1, whose value is: page (8) · sequence (8), and the page itself when it is number 0

export const magic = 0xed0cdaed;
export const formatVersion = 2;
export const pageHead = 16;
export const elementBytes = 16;
export const metaBytes = 64;
export const bucketBytes = 16;
export const branchFlag = 1;
export const leafFlag = 2;
export const metaFlag = 4;
export const freelistFlag = 16;
export const bucketElement = 1;

/** FNV-1a with 64 bits. */
export function fnv64(bytes: Uint8Array): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of bytes) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return hash;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** By bytes; a shorter one comes first. */
export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at++) {
    const difference = (left[at] as number) - (right[at] as number);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}
