// A command's SPDY connection between a caller and a runtime of the simulation.
import assert from "node:assert/strict";
import { test } from "node:test";
import { rootScope } from "#base/scope.ts";
import { simulatedWorld } from "#platform/simulated/world.ts";
import { SpdyReader, type SpdyFrame, SpdyWriter } from "#wire/spdy/frames.ts";
import type { ByteStream } from "#wire/http/stream.ts";
import { joinSpdy } from "./streams.ts";

const headers = { connection: "Upgrade", upgrade: "SPDY/3.1", "x-stream-protocol-version": "v4.channel.k8s.io, v3.channel.k8s.io" };

/** `command` is what runs at the runtime's end; `use` has the caller's. */
async function withCommand(
  command: (stream: ByteStream) => Promise<void>,
  use: (caller: ByteStream, advance: (milliseconds: number) => Promise<void>) => Promise<void>,
): Promise<{ readonly protocol: string | undefined; readonly isOver: boolean }> {
  const world = simulatedWorld({ seed: 1 });
  const scope = rootScope("test", (error) => {
    throw error;
  });
  let [isOver, protocol]: [boolean, string | undefined] = [false, undefined];
  const join = world.run(async () => {
    const runtime = await world.network.serve(scope, { host: "127.0.0.1", port: 0 }, async (request) => {
      protocol = request.headers["x-stream-protocol-version"];
      const { stream } = (request.upgrade as NonNullable<typeof request.upgrade>)({
        ...headers,
        "x-stream-protocol-version": protocol ?? "",
      });
      void stream.closed.then(() => (isOver = true));
      command(stream).catch(() => {});
      return { status: 101, headers: {}, upgraded: true };
    });
    const { port } = await world.network.serve(scope, { host: "127.0.0.1", port: 0 }, (request) =>
      joinSpdy(world, request, `http://127.0.0.1:${runtime.port}/exec/token`, 0),
    );
    const client = world.network.client({ url: `http://127.0.0.1:${port}` });
    const answer = await client.upgrade({ method: "POST", path: "/", headers });
    assert.ok("stream" in answer);
    return answer.stream;
  });
  const caller = await join;
  await use(caller, (milliseconds) => world.advance(milliseconds));
  await world.advance(60_000);
  await scope.stop();
  world.close();
  return { protocol, isOver };
}

test("the best protocol both know is asked for; what both say arrives, and both ends close", async () => {
  const { protocol, isOver } = await withCommand(
    async (stream) => {
      for await (const chunk of stream.incoming) await stream.write(chunk);
      stream.end();
    },
    async (caller, advance) => {
      const said = new SpdyWriter().synStream(1, { streamtype: "stdin" });
      await caller.write(said);
      await advance(100);
      const [first] = [await caller.incoming[Symbol.asyncIterator]().next()];
      assert.deepEqual(first.value, said);
      caller.end();
    },
  );
  assert.deepEqual([protocol, isOver], ["v4.channel.k8s.io", true]);
});

test("a command whose caller vanished hears all it was told and then the end; its last output is read, and it ends by itself", async () => {
  const heard: SpdyFrame[] = [];
  let hasEnded = false;
  const { isOver } = await withCommand(
    async (stream) => {
      const reader = new SpdyReader(1 << 20);
      for await (const chunk of stream.incoming) {
        for (const frame of reader.push(chunk)) {
          heard.push(frame);
          if (frame.type !== "data" || !frame.final) continue;
          for (let count = 0; count < 50; count++) await stream.write(new Uint8Array(10_000));
          hasEnded = true;
          stream.end();
        }
      }
    },
    async (caller, advance) => {
      const writer = new SpdyWriter();
      await caller.write(writer.synStream(3, { streamtype: "stdin" }));
      const data = writer.data(3, new Uint8Array(5).fill(7));
      await caller.write(data);
      await caller.write(data.subarray(0, 9));
      await advance(100);
      caller.destroy();
    },
  );
  assert.deepEqual(
    heard.map((frame) => (frame.type === "data" ? [frame.bytes.length, frame.final] : frame.type)),
    ["syn stream", [5, false], [0, true]],
  );
  assert.deepEqual([hasEnded, isOver], [true, true]);
});

test("a command that ignores all that is left after a while", async () => {
  const { isOver } = await withCommand(
    async (stream) => {
      for await (const _ of stream.incoming) void _;
      await new Promise(() => {});
    },
    async (caller) => {
      await caller.write(new SpdyWriter().synStream(3, { streamtype: "stdin" }));
      caller.destroy();
    },
  );
  assert.equal(isOver, true);
});
