import assert from "node:assert/strict";
import { createServer } from "node:net";
import { test } from "node:test";
import { Node } from "#api/core/node/node.ts";
import { rootScope, ScopeStopped } from "#base/scope.ts";
import { nodeWorld } from "#platform/node/world.ts";
import { simulatedWorld } from "#platform/simulated/world.ts";
import { clientFor } from "./cluster-client.ts";
import { farewell, farewellMilliseconds } from "./farewell.ts";

const root = () => rootScope("component", (error) => assert.ok(error instanceof ScopeStopped));

test("calls end with what made them, and two seconds after they were to end at the latest", async () => {
  const world = simulatedWorld({ seed: 1 });
  const began = world.clock.monotonic();
  for (const [seconds, expected] of [
    [1, 1_000],
    [10, farewellMilliseconds],
  ] as const) {
    const [scope, elsewhere] = [root(), root()];
    const signal = farewell(scope, world);
    const from = world.clock.monotonic() - began;
    let ended = Number.NaN;
    signal.addEventListener("abort", () => (ended = world.clock.monotonic() - began - from));
    scope.defer("what has something to say", () => world.clock.sleep(elsewhere, seconds * 1_000));
    const stopped = scope.stop();
    await world.advance(60_000);
    await stopped;
    assert.equal(ended, expected);
    assert.match(String(signal.reason), /the component ends/);
  }
});

test("a component that is told to end waits for no API server that does not answer", async () => {
  const mute = createServer((socket) => socket.on("error", () => {})).listen(0, "127.0.0.1");
  await new Promise((resolve) => mute.once("listening", resolve));
  const { port } = mute.address() as { port: number };
  const scope = root();
  try {
    const access = { server: `https://127.0.0.1:${port}`, insecure: true };
    const asked = clientFor(scope, nodeWorld({ logLevel: "error" }), access, "test").list(Node, {});
    await Promise.all([scope.stop(), assert.rejects(asked, /the component ends/)]);
  } finally {
    mute.close();
  }
});
