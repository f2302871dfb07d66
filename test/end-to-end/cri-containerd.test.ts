// The runtime contract, kept by a real containerd.
import { after, before, test } from "node:test";
import { rootScope, type Scope } from "#base/scope.ts";
import { connectRuntime } from "#cri/connect.ts";
import { runtimeConformance } from "#cri/conformance/runtime-conformance.ts";
import type { Runtime } from "#cri/runtime.ts";
import { nodeWorld } from "#platform/node/world.ts";
import { type Containerd, missingTools, startContainerd } from "../support/containerd.ts";

const skip = missingTools();
let containerd: Containerd;
let runtime: Runtime & { close(): void };
let scope: Scope;

before(async () => {
  if (skip) return;
  containerd = await startContainerd("keelson-cri");
  runtime = connectRuntime(nodeWorld(), containerd.endpoint);
  scope = rootScope("test", (error) => {
    throw error;
  });
});

after(async () => {
  if (skip) return;
  await scope.stop();
  runtime.close();
  await containerd.stop();
});

runtimeConformance("containerd", {
  test: (name, run) => void test(name, { skip }, run),
  open: async () => ({
    runtime,
    scope,
    image: containerd.images.busybox,
    logFolder: `${containerd.folder}/logs`,
    cgroupParent: `${containerd.cgroupRoot}/conformance`,
    exit: async (id) => void (await runtime.execSync(id, ["sh", "-c", "kill -USR1 1"], 5)),
    until: async (holds) => {
      for (let tries = 0; !(await holds()); tries++) {
        if (tries > 500) throw new Error("not seen within 5 s");
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    },
  }),
});
