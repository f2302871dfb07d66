import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "#api/core/pod/pod.ts";
import { collectable } from "./pod-garbage-collector-controller.ts";

const deletionTimestamp = "2026-01-01T00:00:00Z";
const pod = (name: string, nodeName: string | undefined, more: object = {}, phase = "Running"): Pod =>
  ({
    metadata: { name, creationTimestamp: `2026-01-01T00:00:0${name.length}Z`, ...more },
    spec: { nodeName },
    status: { phase },
  }) as unknown as Pod;

test("NODE-360: Pods go whose Node is gone or vouched to be off, that never got one, and the oldest ended ones beyond a limit", () => {
  const found = collectable(
    [
      pod("on-lost", "lost"),
      pod("stays-on-off", "off"),
      pod("going-on-off", "off", { deletionTimestamp }),
      pod("going-on-well", "well", { deletionTimestamp }),
      pod("going", undefined, { deletionTimestamp }),
      pod("waits", undefined),
      pod("a", "well", {}, "Succeeded"),
      pod("bb", "well", {}, "Failed"),
    ],
    { lost: new Set(["lost"]), outOfService: new Set(["off"]), endedMax: 1 },
  );
  assert.deepEqual(
    found.map(({ pod: { metadata }, reason }) => `${metadata.name}: ${reason}`),
    ["a: ended", "on-lost: node gone", "going-on-off: node out of service", "going: never bound"],
  );
  assert.deepEqual(collectable([pod("a", "well", {}, "Failed")], { lost: new Set(), outOfService: new Set(), endedMax: 0 }), []);
});
