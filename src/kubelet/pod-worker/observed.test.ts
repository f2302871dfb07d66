import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerConfig, Runtime, SandboxConfig } from "#cri/runtime.ts";
import { simulatedRuntime } from "#cri/simulated/simulated-runtime.ts";
import { simulatedWorld } from "#platform/simulated/world.ts";
import { labels } from "../layout.ts";
import { containersNamed, nothingObserved, observe } from "./observed.ts";

test("FAULT1 what was made after the clock was set back is newer all the same", async () => {
  const world = simulatedWorld({ seed: 1 });
  const runtime = simulatedRuntime(world);
  const own = { [labels.podUid]: "uid" };
  const sandboxConfig = (attempt: number) =>
    ({
      metadata: { name: "p", namespace: "default", uid: "uid", attempt },
      labels: own,
      annotations: {},
      namespaces: { network: "pod" },
    }) as unknown as SandboxConfig;
  const containerConfig = (attempt: number) => ({ name: "main", attempt, labels: own, annotations: {} }) as unknown as ContainerConfig;
  const first = await runtime.runSandbox(sandboxConfig(0));
  const ended = await runtime.createContainer(first, containerConfig(0), sandboxConfig(0));
  await runtime.startContainer(ended);
  runtime.powerCut();
  world.clock.setWallClock(world.clock.now() - 3_600_000);
  const second = await runtime.runSandbox(sandboxConfig(1));
  const running = await runtime.createContainer(second, containerConfig(1), sandboxConfig(1));
  await runtime.startContainer(running);
  const observed = await observe(runtime, "uid", nothingObserved);
  assert.equal(observed.sandbox?.id, second);
  assert.deepEqual(
    containersNamed(observed, "main").map(({ id }) => id),
    [running, ended],
  );
});

test("STATUS7 the addresses of a sandbox that has ended are those it had", async () => {
  const told = {
    id: "s",
    metadata: { attempt: 0 },
    ready: true,
    createdAt: 1,
    labels: {},
    annotations: {},
    ips: ["10.0.0.2"],
    network: "pod",
  };
  let now = told;
  const runtime = { sandboxes: async () => [now], containers: async () => [], sandboxStatus: async () => now } as never as Runtime;
  const running = await observe(runtime, "uid", nothingObserved);
  now = { ...told, ready: false, ips: [] };
  const ended = await observe(runtime, "uid", running);
  assert.deepEqual([ended.sandbox?.ready, ended.sandbox?.ips], [false, ["10.0.0.2"]]);
  now = { ...told, id: "t", ips: [] };
  assert.deepEqual((await observe(runtime, "uid", ended)).sandbox?.ips, []);
});
