import assert from "node:assert/strict";
import { test } from "node:test";
import { Pod } from "#api/core/pod/pod.ts";
import { simulatedRuntime } from "#cri/simulated/simulated-runtime.ts";
import { simulatedWorld } from "#platform/simulated/world.ts";
import { complete } from "#schema/derive/defaults.ts";
import { startImageAccess } from "./image-access.ts";
import { startImagePuller } from "./image-puller.ts";

test("IMAGE4 only so many images are pulled at a time, and a Pod that goes leaves its place", async () => {
  const world = simulatedWorld({ seed: 1 });
  const runtime = simulatedRuntime(world, { imagesPresent: false, delayMilliseconds: 1_000 });
  const images = startImagePuller(world, {
    runtime,
    credentialsFor: async () => ({ fitting: [], missing: [] }),
    access: startImageAccess(world, { rootFolder: "/k", policy: "NeverVerify", allowlist: [] }),
    pullsMax: 2,
  });
  const messages: string[] = [];
  const pull = async (name: string) => {
    const pod = complete(Pod, { metadata: { name, uid: name }, spec: { containers: [{ name: "c", image: `${name}:1` }] } });
    const tell = (_: string, reason: string, message: string) => messages.push(`${name} ${reason}: ${message}`);
    await images.ensure(pod, pod.spec.containers[0] as never, tell, () => {});
  };
  const pulls = () => runtime.calls.filter((call) => call.startsWith("pullImage")).map((call) => call.slice("pullImage ".length));
  const pass = (milliseconds: number) => new Promise<void>((resolve) => world.clock.timer(milliseconds, resolve));
  await world.run(async () => {
    for (const name of ["a", "b", "gone", "d"]) await pull(name);
    await pass(500);
    assert.deepEqual(pulls(), ["a:1", "b:1"]);
    images.forget("gone");
    await pass(3_000);
  });
  assert.deepEqual(pulls(), ["a:1", "b:1", "d:1"]);
  assert.match(
    messages.at(-1) ?? "",
    /^d Pulled: Successfully pulled image "d:1" in 1s \(2s including waiting\)\. Image size: \d+ bytes\.$/,
  );
});
