// Header blocks against a real zlib, frames against themselves.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as zlib from "node:zlib";
import fc from "fast-check";
import { dictionary, dictionaryId } from "./dictionary.ts";
import { InputEnd } from "./input-end.ts";
import { SpdyReader, SpdyWriter } from "./frames.ts";
import { HeaderWriter } from "./header-block.ts";
import { Inflater } from "./inflate.ts";

const own = { bytes: dictionary, id: dictionaryId };

function flushed(stream: zlib.Deflate | zlib.Inflate, input: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    const take = (part: Buffer) => parts.push(part);
    stream.on("data", take);
    stream.once("error", reject);
    stream.write(input, () =>
      stream.flush(zlib.constants.Z_SYNC_FLUSH, () => {
        stream.off("data", take);
        stream.off("error", reject);
        resolve(Buffer.concat(parts));
      }),
    );
  });
}

test("inflates what zlib deflates, block after block, at every level", async () => {
  for (const level of [0, 1, 6, 9]) {
    const deflate = zlib.createDeflate({ dictionary, level });
    const inflater = new Inflater(own, 1 << 20);
    for (const text of [
      "content-type text/plain streamtype",
      "streamtype error ".repeat(300),
      "",
      "x",
      "abc".repeat(30_000),
      "streamtype",
    ]) {
      const piece = await flushed(deflate, Buffer.from(text));
      assert.equal(Buffer.from(inflater.block(piece)).toString(), text, `level ${level}`);
    }
    deflate.destroy();
  }
});

test("damaged input is an error, never a loop", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
      const inflater = new Inflater(own, 10_000);
      inflater.block(new HeaderWriter().write({ a: "b" }));
      try {
        assert.ok(inflater.block(noise).length <= 10_000);
      } catch (error) {
        assert.equal((error as Error).name, "InflateError");
      }
    }),
    { numRuns: 500, seed: 7 },
  );
});

test("a block may not grow without limit", async () => {
  const deflate = zlib.createDeflate({ dictionary });
  const bomb = await flushed(deflate, Buffer.alloc(1_000_000));
  deflate.destroy();
  assert.throws(() => new Inflater(own, 65_536).block(bomb), /larger than 65536/);
});

test("zlib inflates what we write", async () => {
  const inflate = zlib.createInflate({ dictionary });
  const writer = new HeaderWriter();
  for (const headers of [{ streamtype: "stdin" }, { a: "b", c: "" }]) {
    const plain = await flushed(inflate, writer.write(headers));
    assert.equal(plain.readUInt32BE(0), Object.keys(headers).length);
    assert.ok(plain.includes(Object.keys(headers)[0] as string));
  }
  inflate.destroy();
});

test("frames survive being cut anywhere", () => {
  const writer = new SpdyWriter();
  const bytes = Buffer.concat([
    writer.synStream(1, { streamtype: "error" }),
    writer.synReply(1, {}),
    writer.data(1, new TextEncoder().encode("hello")),
    writer.ping(2),
    writer.data(1, new Uint8Array(0), true),
    writer.reset(3, 5),
    writer.goAway(1),
  ]);
  for (const size of [1, 3, 7, bytes.length]) {
    const reader = new SpdyReader(1_000);
    const frames = [];
    for (let at = 0; at < bytes.length; at += size) frames.push(...reader.push(bytes.subarray(at, at + size)));
    assert.deepEqual(
      frames.map(({ type }) => type),
      ["syn stream", "syn reply", "data", "ping", "data", "reset", "go away"],
    );
    assert.deepEqual({ ...(frames[0] as { headers: object }).headers }, { streamtype: "error" });
  }
  assert.throws(() => new SpdyReader(4).push(writer.data(1, new Uint8Array(5))), /larger than 4/);
});

test("a command's input is ended for a caller that vanished, behind whole frames", () => {
  const writer = new SpdyWriter();
  const open = writer.synStream(1, { streamtype: "error" });
  const input = writer.synStream(3, { streamtype: "stdin" });
  const data = writer.data(3, new Uint8Array(100));
  const listening = new InputEnd();
  assert.equal(listening.end(), undefined);
  assert.equal(listening.push(open.subarray(0, 5)).length, 0);
  assert.equal(listening.push(open.subarray(5)).length, open.length);
  const passed = listening.push(Uint8Array.of(...input, ...data.subarray(0, 50)));
  assert.deepEqual(passed, input);
  const [last] = new SpdyReader(1_000).push(listening.end() as Uint8Array);
  assert.deepEqual(last, { type: "data", id: 3, bytes: new Uint8Array(0), final: true });
  assert.deepEqual(listening.push(data.subarray(50)), data);
  listening.push(writer.data(3, new Uint8Array(0), true));
  assert.equal(listening.end(), undefined, "it ended already");
  const text = new TextEncoder().encode("this is something else altogether, and long enough to be seen as such");
  assert.deepEqual(
    new InputEnd().push(Uint8Array.of(0x80, 9, 0, 1, 0, 0, 0, 0, ...text)).length,
    text.length + 8,
    "what is no SPDY goes by",
  );
});
