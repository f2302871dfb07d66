import assert from "node:assert/strict";
import { test } from "node:test";
import { Pod } from "#api/core/pod/pod.ts";
import { podRequests } from "#api/core/pod/resources.ts";
import { complete } from "#schema/derive/defaults.ts";
import { quantityToMilli } from "#schema/quantity.ts";
import { victimsFor } from "./preemption.ts";

function pod(name: string, cpu: string, priority: number, limited = false): Pod {
  const resources = { requests: { cpu, memory: "1" }, ...(limited && { limits: { cpu, memory: "1" } }) };
  const spec = { containers: [{ name: "c", image: "i", resources: cpu === "0" ? {} : resources }], priority };
  return complete(Pod, { metadata: { name }, spec });
}

test("PREEMPT1 a critical Pod displaces as few others as it needs, those that matter least", () => {
  const capacity = 4_000;
  const critical = pod("critical", "2", 2_000_000_000);
  const milli = (one: Pod) => quantityToMilli(podRequests(one)["cpu"] ?? "0");
  const names = (others: readonly Pod[]) =>
    victimsFor(critical, others, (rest) => [...rest, critical].reduce((sum, one) => sum + milli(one), 0) <= capacity)?.map(
      ({ metadata }) => metadata.name,
    );
  const others = [pod("guaranteed", "1", 0, true), pod("small", "500m", 0), pod("large", "2", 0), pod("idle", "0", 0)];
  assert.deepEqual(names(others), ["large"]);
  assert.deepEqual(names([pod("other", "3", 2_000_000_000)]), undefined);
  assert.deepEqual(names([pod("a", "1500m", 5), pod("b", "1500m", 1)]), ["b"]);
  assert.deepEqual(names([]), []);
});
