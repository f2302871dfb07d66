import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node } from "#api/core/node/node.ts";
import { type Evicts, missingLabels, silentConditions, wantedTaints } from "./node-state.ts";

const now = Date.UTC(2026, 0, 1);
const node = (ready: string | undefined, spec: object = {}, more: readonly object[] = []): Node =>
  ({
    metadata: { name: "n", creationTimestamp: "2026-01-01T00:00:00Z" },
    spec,
    status: { conditions: [...(ready ? [{ type: "Ready", status: ready }] : []), ...more] },
  }) as unknown as Node;
const texts = (one: Node, evicts: Evicts = "everybody") =>
  wantedTaints(one, evicts, now).taints?.map(({ key, effect }) => `${key.split("/")[1]}:${effect}`);

test("taints follow the conditions, and those of others stay", () => {
  const own = { key: "example.org/mine", effect: "NoExecute" };
  assert.deepEqual(texts(node("False", { taints: [own] })), ["mine:NoExecute", "not-ready:NoSchedule", "not-ready:NoExecute"]);
  assert.deepEqual(texts(node("Unknown")), ["unreachable:NoSchedule", "unreachable:NoExecute"]);
  assert.deepEqual(texts(node("Unknown"), "nobody"), ["unreachable:NoSchedule"], "nobody is evicted while no Node is ready");
  assert.deepEqual(texts(node("True", { unschedulable: true }, [{ type: "DiskPressure", status: "True" }])), [
    "disk-pressure:NoSchedule",
    "unschedulable:NoSchedule",
  ]);
  const tainted = node("True", { taints: [own, { key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }] });
  assert.deepEqual(texts(tainted), ["mine:NoExecute"]);
  assert.equal(texts(node("True")), undefined);
  assert.equal(
    texts(node(undefined, { taints: [{ key: "node.kubernetes.io/not-ready", effect: "NoSchedule" }] })),
    undefined,
    "a Node that never reported keeps what it came with",
  );
});

test("nobody knows how a silent Node is; one that never spoke is told apart", () => {
  const [ready, memory] = silentConditions(node("True"), now);
  assert.equal(`${ready?.status} ${ready?.reason}`, "Unknown NodeStatusUnknown");
  assert.equal(`${memory?.status} ${memory?.reason}`, "Unknown NodeStatusNeverUpdated");
  const silent = { ...node("True"), status: { conditions: [...silentConditions(node("True"), now)] } } as unknown as Node;
  assert.equal(silentConditions(silent, now + 1000), silent.status.conditions);
});

test("NODE-352: a Node waits for its turn to lose its Pods; one that lost them already only changes the taint's name", () => {
  assert.deepEqual(texts(node("Unknown"), "as before"), ["unreachable:NoSchedule"]);
  assert.equal(wantedTaints(node("Unknown"), "as before", now).waits, true);
  const evicting = { key: "node.kubernetes.io/not-ready", effect: "NoExecute", timeAdded: "2026-01-01T00:00:00Z" };
  const swapped = wantedTaints(node("Unknown", { taints: [evicting] }), "as before", now);
  assert.deepEqual(
    swapped.taints?.map(({ key, effect }) => `${key.split("/")[1]}:${effect}`),
    ["unreachable:NoSchedule", "unreachable:NoExecute"],
  );
  assert.equal(swapped.waits, false);
});

test("labels have their older names too", () => {
  const labelled = {
    metadata: { labels: { "kubernetes.io/os": "linux", "kubernetes.io/arch": "arm64", "beta.kubernetes.io/arch": "arm64" } },
  };
  assert.deepEqual(missingLabels(labelled as unknown as Node), { "beta.kubernetes.io/os": "linux" });
  assert.equal(missingLabels(node("True")), undefined);
});
