import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { endWithPieces, sizeOf } from "./pieces.ts";

/** Takes one chunk at a time, like a slow peer. */
async function written(pieces: readonly Uint8Array[]): Promise<readonly Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  const out = new Writable({
    highWaterMark: 1,
    write(chunk: Uint8Array, _encoding, done) {
      chunks.push(chunk);
      setImmediate(done);
    },
  });
  const finished = new Promise((resolve) => out.once("finish", resolve));
  endWithPieces(out, pieces, sizeOf(pieces));
  await finished;
  return chunks;
}

const small = (count: number) => Array.from({ length: count }, (_, index) => Buffer.alloc(10_000, index));
const large = (fill: number) => Buffer.alloc(300_000, fill);

for (const [name, pieces, chunks] of [
  ["few bytes are one write", [Buffer.from("a"), Buffer.from("b")], 1],
  ["small pieces are joined up to half a mebibyte", small(100), 2],
  ["large pieces are written without being joined", [Buffer.from("["), large(1), large(2), Buffer.from("]")], 4],
  ["small ones between large ones are joined", [large(1), ...small(5), large(2), ...small(3)], 4],
] as const) {
  test(name, async () => {
    const seen = await written(pieces);
    assert.equal(seen.length, chunks);
    assert.ok(Buffer.concat(seen).equals(Buffer.concat(pieces)));
  });
}
