import { test } from "node:test";
import { rootScope } from "#base/scope.ts";
import { simulatedWorld } from "#platform/simulated/world.ts";
import { simulatedRuntime } from "../simulated/simulated-runtime.ts";
import { runtimeConformance } from "./runtime-conformance.ts";

runtimeConformance("simulated", {
  test: (name, run) => void test(name, run),
  open: async () => {
    const world = simulatedWorld({ seed: 1 });
    const runtime = simulatedRuntime(world);
    return {
      runtime,
      scope: rootScope("test", (error) => {
        throw error;
      }),
      image: "busybox:1",
      logFolder: "/var/log/pods",
      cgroupParent: "/kubepods",
      exit: async (id, code) => runtime.exit(id, code),
      until: (holds) => world.runUntil(holds),
    };
  },
});
