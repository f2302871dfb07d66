// Writing a body that is a list of pieces: small ones as one write, large ones in joined chunks, each when the peer took the one before; and
// one whose pieces are made on the way.
import type { Writable } from "node:stream";
import type { LongBody } from "#wire/http/message.ts";

const wholeLimitBytes = 64 * 1024;
const chunkBytes = 512 * 1024;
/** A piece of this size is worth a write of its own: joining it to others would copy it. */
const largeBytes = 128 * 1024;

export function sizeOf(pieces: readonly Uint8Array[]): number {
  let total = 0;
  for (const piece of pieces) total += piece.length;
  return total;
}

/** Makes and writes piece after piece and ends `out`. Stops silently when `out` is destroyed. */
export function endWithLong(out: Writable, body: LongBody): void {
  const pieces = body.pieces()[Symbol.iterator]();
  const writeNext = (): void => {
    if (out.destroyed) return;
    const { done, value } = pieces.next();
    if (done) out.end();
    // Only when a piece was written may the next be made: they share their memory.
    else out.write(value, (error) => error ?? writeNext());
  };
  writeNext();
}

/** Writes all pieces and ends `out`. Stops silently when `out` is destroyed: whoever destroyed it knows. */
export function endWithPieces(out: Writable, pieces: readonly Uint8Array[], total: number): void {
  if (pieces.length === 1) {
    out.end(pieces[0]);
    return;
  }
  if (total <= wholeLimitBytes) {
    out.end(Buffer.concat(pieces, total));
    return;
  }
  let next = 0;
  const writeMore = (): void => {
    while (!out.destroyed) {
      const first = next;
      let size = (pieces[next++] as Uint8Array).length;
      while (size < largeBytes || next > first + 1) {
        const more = pieces[next]?.length ?? largeBytes;
        if (more >= largeBytes || size + more > chunkBytes) break;
        size += more;
        next++;
      }
      const chunk = next === first + 1 ? (pieces[first] as Uint8Array) : Buffer.concat(pieces.slice(first, next), size);
      if (next === pieces.length) {
        out.end(chunk);
        return;
      }
      if (!out.write(chunk)) {
        out.once("drain", writeMore);
        return;
      }
    }
  };
  writeMore();
}
