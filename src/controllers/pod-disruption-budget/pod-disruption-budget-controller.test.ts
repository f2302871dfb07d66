import assert from "node:assert/strict";
import { test } from "node:test";
import type { ReplicaSet } from "#api/apps/replica-set/replica-set.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import type { PodDisruptionBudget } from "#api/policy/pod-disruption-budget/pod-disruption-budget.ts";
import { decide } from "./pod-disruption-budget-controller.ts";

const now = Date.UTC(2026, 0, 1);
const set = { metadata: { name: "web", uid: "set" }, spec: { replicas: 10 } } as unknown as ReplicaSet;
const owner = [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "web", uid: "set", controller: true }];
const pods = (ready: number, unready = 0): readonly Pod[] =>
  Array.from({ length: ready + unready }, (_, index) => ({
    metadata: { name: `web-${index}`, ownerReferences: owner },
    spec: {},
    status: { phase: "Running", conditions: [{ type: "Ready", status: index < ready ? "True" : "False" }] },
  })) as unknown as readonly Pod[];

function statusOf(spec: object, its: readonly Pod[], status: object = {}) {
  const object = { metadata: { name: "b", generation: 1 }, spec, status } as unknown as PodDisruptionBudget;
  const step = decide({ object, pods: its, sets: [set], deployments: [], now }).find((one) => one.do === "update status");
  return step?.do === "update status" ? (step.object as PodDisruptionBudget).status : undefined;
}

test("what may go is what is healthy beyond what must stay", () => {
  assert.equal(statusOf({ minAvailable: 8 }, pods(10))?.disruptionsAllowed, 2);
  assert.equal(statusOf({ minAvailable: "75%" }, pods(10))?.disruptionsAllowed, 2);
  assert.equal(statusOf({ maxUnavailable: "25%" }, pods(10))?.disruptionsAllowed, 3);
  assert.equal(statusOf({ maxUnavailable: 1 }, pods(9))?.disruptionsAllowed, 0, "of 10 wanted one is missing already");
  assert.equal(statusOf({ maxUnavailable: 2 }, pods(9, 1))?.disruptionsAllowed, 1);
});

test("Pods whose eviction was granted no longer count, and are forgotten after a while", () => {
  const at = (milliseconds: number) => new Date(now - milliseconds).toISOString();
  const status = statusOf({ minAvailable: 8 }, pods(10), { disruptedPods: { "web-0": at(1_000), "web-1": at(300_000), gone: at(0) } });
  assert.equal(status?.disruptionsAllowed, 1);
  assert.deepEqual(Object.keys(status?.disruptedPods ?? {}), ["web-0"]);
});

test("nothing may go while it is not known how many there should be", () => {
  const bare = pods(3).map((pod) => ({ ...pod, metadata: { name: pod.metadata.name } })) as unknown as readonly Pod[];
  const status = statusOf({ maxUnavailable: 1 }, bare);
  assert.equal(status?.disruptionsAllowed, 0);
  assert.equal(status?.conditions?.[0]?.reason, "SyncFailed");
});
