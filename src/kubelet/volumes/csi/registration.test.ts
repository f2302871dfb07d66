import assert from "node:assert/strict";
import { test } from "node:test";
import { rootScope } from "#base/scope.ts";
import { simulatedWorld } from "#platform/simulated/world.ts";
import { registerDrivers } from "./registration.ts";

test("a folder of sockets that is removed is made again, and is no end", async () => {
  const world = simulatedWorld({ seed: 1 });
  const failures: unknown[] = [];
  const scope = rootScope("test", (error) => failures.push(error));
  const folder = "/var/lib/kubelet/plugins_registry";
  await registerDrivers(scope, world, { folder, nodeName: "n", client: undefined, node: () => undefined });
  await world.advance(1_000);
  await world.files.remove(folder, { recursive: true });
  await world.advance(70_000);
  assert.deepEqual(failures, []);
  assert.equal((await world.files.stat(folder))?.kind, "folder");
  await scope.stop();
});
