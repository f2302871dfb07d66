import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { test } from "node:test";
import { rootScope } from "#base/scope.ts";
import { listenForStreams } from "./network-streams.ts";

test("whoever connects while a listener's scope stops is turned away", async () => {
  const scope = rootScope("test", (error) => assert.fail(String(error)));
  const at = { host: "127.0.0.1", port: 0 };
  const { port } = await listenForStreams(scope, at, () => void scope.start("talks", () => {}));
  scope.defer("takes a while", async () => {
    await once(
      net.connect(port, "127.0.0.1").on("error", () => {}),
      "close",
    );
  });
  await scope.stop();
});
