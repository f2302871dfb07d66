import assert from "node:assert/strict";
import { test } from "node:test";
import type { SandboxConfig } from "#cri/runtime.ts";
import { type SimulatedRuntime, simulatedRuntime } from "#cri/simulated/simulated-runtime.ts";
import { GrpcError } from "#platform/network.ts";
import { withServer } from "../../test/support/api-server.ts";
import { startTestKubelet } from "../../test/support/kubelet.ts";
import { labels } from "./layout.ts";

test("FAULT2 what no Pod owns is cleared, though one of it cannot be ended and keeps what it has until it can", () =>
  withServer(async (h) => {
    const kept = simulatedRuntime(h.world);
    const sandbox = (uid: string) =>
      ({
        metadata: { name: uid, namespace: "default", uid, attempt: 0 },
        labels: { [labels.podUid]: uid },
        annotations: {},
        namespaces: { network: "pod" },
      }) as unknown as SandboxConfig;
    const stuck = await kept.runSandbox(sandbox("stuck"));
    await kept.runSandbox(sandbox("other"));
    let isStuck = true;
    const runtime = new Proxy(kept, {
      get: (target, name: keyof SimulatedRuntime) =>
        name === "stopSandbox"
          ? async (id: string) => {
              if (isStuck && id === stuck) throw new GrpcError(2, "device or resource busy");
              await target.stopSandbox(id);
            }
          : target[name],
    });
    const left = () => kept.all().sandboxes.map(({ metadata }) => metadata.uid);
    for (const uid of left()) await h.world.files.makeFolder(`/var/lib/kubelet/pods/${uid}`);
    await startTestKubelet(h, { runtime });
    await h.world.clock.sleep(h.scope, 5_000);
    assert.deepEqual(left(), ["stuck"]);
    assert.deepEqual(await h.world.files.list("/var/lib/kubelet/pods"), ["stuck"]);
    isStuck = false;
    await h.world.clock.sleep(h.scope, 70_000);
    assert.deepEqual(left(), []);
    assert.deepEqual(await h.world.files.list("/var/lib/kubelet/pods"), []);
  }));
