import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "#api/core/pod/pod.ts";
import { byAddress } from "./endpoints-controller.ts";

test("addresses stand in the order of their numbers", () => {
  const pods = ["10.244.0.10", "10.244.0.9", "10.244.0.100", "10.9.0.1"].map((podIP) => ({ status: { podIP } }) as Pod);
  assert.deepEqual(
    pods.sort(byAddress).map(({ status }) => status.podIP),
    ["10.9.0.1", "10.244.0.9", "10.244.0.10", "10.244.0.100"],
  );
});
