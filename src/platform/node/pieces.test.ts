import assert from "node:assert/strict";
import { Writable } from "node:stream";
import { test } from "node:test";
import { endWithLong, endWithPieces, sizeOf } from "./pieces.ts";

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

test("a long body's pieces are made one by one, each when the one before was written", async () => {
  const memory = Buffer.alloc(1_000);
  const seen: string[] = [];
  const out = new Writable({
    write(chunk: Uint8Array, _encoding, done) {
      setImmediate(() => {
        seen.push(Buffer.from(chunk).toString());
        done();
      });
    },
  });
  const finished = new Promise((resolve) => out.once("finish", resolve));
  endWithLong(out, {
    length: 3_000,
    *pieces() {
      for (const letter of ["a", "b", "c"]) yield memory.fill(letter);
    },
  });
  await finished;
  assert.deepEqual(
    seen,
    ["a", "b", "c"].map((letter) => letter.repeat(1_000)),
  );
});

test("a long body whose reader goes away is left", async () => {
  let made = 0;
  const out = new Writable({ write: (_chunk, _encoding, done) => setImmediate(done) });
  const closed = new Promise((resolve) => out.once("close", resolve));
  endWithLong(out, {
    length: 1e9,
    *pieces() {
      for (;;) {
        if (++made === 3) out.destroy();
        yield Buffer.alloc(10);
      }
    },
  });
  await closed;
  assert.equal(made, 3);
});
