import assert from "node:assert/strict";
import { test } from "node:test";
import type { Draft } from "#schema/message.ts";
import { complete } from "#schema/derive/defaults.ts";
import { Pod } from "./pod.ts";
import type { ContainerState, ContainerStatus } from "./pod-status.ts";
import { podColumns } from "./pod-columns.ts";

const now = Date.parse("2026-01-01T01:00:00Z");

function row(draft: Draft<Pod>): string {
  const pod = complete<Pod>(Pod, { ...draft, metadata: { name: "p", creationTimestamp: "2026-01-01T00:00:00Z", ...draft.metadata } });
  return podColumns
    .filter(({ priority = 0, name }) => priority === 0 && name !== "Name" && name !== "Age")
    .map((column) => column.read(pod, { now }))
    .join(" ");
}

const containers = [
  { name: "a", image: "x" },
  { name: "b", image: "x" },
];
const at = (name: string, state: Draft<ContainerState>, more: Draft<ContainerStatus> = {}): Draft<ContainerStatus> => ({
  name,
  state,
  ...more,
});
const running = { running: { startedAt: "2026-01-01T00:00:00Z" } };

test("a new Pod is Pending, one without a schedule SchedulingGated", () => {
  assert.equal(row({ spec: { containers }, status: { phase: "Pending" } }), "0/2 Pending 0");
  const conditions = [{ type: "PodScheduled", status: "False", reason: "SchedulingGated" }];
  assert.equal(row({ spec: { containers }, status: { phase: "Pending", conditions } }), "0/2 SchedulingGated 0");
});

test("running containers are counted, restarts say how long ago", () => {
  const lastState = { terminated: { exitCode: 1, finishedAt: "2026-01-01T00:55:00Z" } };
  const containerStatuses = [at("a", running, { ready: true, restartCount: 2, lastState }), at("b", running, { ready: true })];
  assert.equal(row({ spec: { containers }, status: { phase: "Running", containerStatuses } }), "2/2 Running 2 (5m ago)");
});

test("the first container with something to say says it for the Pod", () => {
  const crash = at("a", { waiting: { reason: "CrashLoopBackOff" } }, { restartCount: 3 });
  assert.equal(
    row({ spec: { containers }, status: { phase: "Running", containerStatuses: [crash, at("b", running, { ready: true })] } }),
    "1/2 CrashLoopBackOff 3",
  );
  const killed = at("a", { terminated: { exitCode: 137, signal: 9 } });
  assert.equal(row({ spec: { containers }, status: { phase: "Running", containerStatuses: [killed] } }), "0/2 Signal:9 0");
  const failed = at("a", { terminated: { exitCode: 3 } });
  assert.equal(row({ spec: { containers }, status: { phase: "Failed", containerStatuses: [failed] } }), "0/2 ExitCode:3 0");
  assert.equal(row({ spec: { containers }, status: { phase: "Failed", reason: "Evicted" } }), "0/2 Evicted 0");
});

test("a Pod with some containers done and some running is running", () => {
  const containerStatuses = [at("a", { terminated: { exitCode: 0, reason: "Completed" } }), at("b", running, { ready: true })];
  const done = { phase: "Running" as const, containerStatuses };
  assert.equal(row({ spec: { containers }, status: done }), "1/2 NotReady 0");
  assert.equal(row({ spec: { containers }, status: { ...done, conditions: [{ type: "Ready", status: "True" }] } }), "1/2 Running 0");
});

test("init containers", () => {
  const initContainers = [{ name: "i" }, { name: "j" }];
  const spec = { containers, initContainers };
  const waiting = at("j", { waiting: { reason: "PodInitializing" } });
  const done = at("i", { terminated: { exitCode: 0, reason: "Completed" } });
  const pending = (...initContainerStatuses: Draft<ContainerStatus>[]) =>
    row({ spec, status: { phase: "Pending", initContainerStatuses } });
  assert.equal(pending(at("i", running), waiting), "0/2 Init:0/2 0");
  assert.equal(pending(done, at("j", running, { restartCount: 1 })), "0/2 Init:1/2 1");
  assert.equal(pending(at("i", { terminated: { exitCode: 2 } }), waiting), "0/2 Init:ExitCode:2 0");
  assert.equal(pending(at("i", { terminated: { exitCode: 1, reason: "Error" } }), waiting), "0/2 Init:Error 0");
  assert.equal(pending(at("i", { waiting: { reason: "ImagePullBackOff" } }), waiting), "0/2 Init:ImagePullBackOff 0");
});

test("sidecars count as containers", () => {
  const spec = { containers, initContainers: [{ name: "s", restartPolicy: "Always" as const }] };
  const initContainerStatuses = [at("s", running, { started: true, ready: true, restartCount: 4 })];
  const containerStatuses = [at("a", running, { ready: true }), at("b", running, { ready: false })];
  assert.equal(row({ spec, status: { phase: "Running", initContainerStatuses, containerStatuses } }), "2/3 Running 4");
});

test("deletion shows, unless the Pod has ended", () => {
  const metadata = { deletionTimestamp: "2026-01-01T00:59:00Z" };
  assert.equal(row({ metadata, spec: { containers }, status: { phase: "Running" } }), "0/2 Terminating 0");
  assert.equal(row({ metadata, spec: { containers }, status: { phase: "Succeeded" } }), "0/2 Succeeded 0");
  assert.equal(row({ metadata, spec: { containers }, status: { phase: "Running", reason: "NodeLost" } }), "0/2 Unknown 0");
});
