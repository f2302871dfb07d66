import assert from "node:assert/strict";
import { test } from "node:test";
import { BoundedChannel } from "#base/channel.ts";
import { simulatedWorld } from "#platform/simulated/world.ts";
import type { ByteStream } from "#wire/http/stream.ts";
import { sendLog } from "./web-socket-log.ts";

test("a long log leaves nothing behind with what outlives its pieces", async () => {
  let written = 0;
  let reactions = 0;
  const gone = Promise.withResolvers<void>();
  const closed = gone.promise;
  const react = closed.then.bind(closed);
  closed.then = ((...reaction: Parameters<typeof react>) => {
    reactions += 1;
    return react(...reaction);
  }) as typeof closed.then;
  const stream: ByteStream = {
    incoming: new BoundedChannel<Uint8Array>(10),
    write: async () => void (written += 1),
    end: () => {},
    destroy: () => gone.resolve(),
    closed,
  };
  async function* log() {
    for (let piece = 0; piece < 500; piece += 1) yield new Uint8Array(10);
    gone.resolve();
  }
  sendLog(simulatedWorld({ seed: 1 }), () => ({ stream, head: new Uint8Array(0) }), { accepted: {}, isBase64: false }, log());
  await closed;
  assert.ok(written >= 500, `${written}`);
  assert.ok(reactions < 10, `${reactions} reactions wait for the client to go`);
});
