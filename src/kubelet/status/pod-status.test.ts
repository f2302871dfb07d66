import assert from "node:assert/strict";
import { test } from "node:test";
import { Pod } from "#api/core/pod/pod.ts";
import type { PodStatus } from "#api/core/pod/pod-status.ts";
import type { SandboxStatus } from "#cri/runtime.ts";
import { complete } from "#schema/derive/defaults.ts";
import type { Draft } from "#schema/message.ts";
import { admit } from "../admission.ts";
import type { ObservedContainer } from "../pod-worker/observed.ts";
import { podStatus, type StatusFacts } from "./pod-status.ts";
import { statusPatch } from "./status-manager.ts";

const image = "busybox:1";
const sandbox: SandboxStatus = {
  ...{ id: "s", ready: true, createdAt: 0, labels: {}, annotations: {}, ips: ["10.0.0.2"], network: "pod" },
  metadata: { name: "web", namespace: "default", uid: "u1", attempt: 0 },
};

function newPod(spec: Draft<Pod["spec"]> = {}, status: Draft<PodStatus> = {}): Pod {
  return complete(Pod, { metadata: { name: "web", uid: "u1" }, spec: { containers: [{ name: "main", image }], ...spec }, status });
}

function container(name: string, more: Partial<ObservedContainer> = {}): ObservedContainer {
  return {
    ...{ id: `${name}-id`, name, attempt: 0, state: "running", createdAt: 0, startedAt: 1_000, finishedAt: undefined, exitCode: 0, image },
    ...{ imageRef: "sha256:1", imageId: "", reason: "", message: "", labels: {}, annotations: {}, logPath: "", sandboxId: "s" },
    ...more,
  };
}

const ended = (name: string, exitCode: number) => container(name, { state: "exited", exitCode, finishedAt: 2_000 });

function status(pod: Pod, containers: readonly ObservedContainer[], more: Partial<StatusFacts> = {}): PodStatus {
  return podStatus({
    pod,
    now: 10_000,
    observed: { sandboxes: [sandbox], sandbox, containers },
    startTime: 0,
    waiting: new Map(),
    starting: new Set(),
    probe: () => undefined,
    hostIPs: ["192.168.0.1"],
    runtimeName: "containerd",
    messages: new Map(),
    ending: false,
    ...more,
  });
}

const condition = (found: PodStatus, type: string) => {
  const { status: value, reason, message } = found.conditions?.find((one) => one.type === type) ?? {};
  return [value, reason, message];
};

test("STATUS1 the phase follows the containers and restartPolicy", () => {
  const phase = (spec: Draft<Pod["spec"]>, containers: readonly ObservedContainer[]) => status(newPod(spec), containers).phase;
  assert.equal(phase({}, []), "Pending");
  assert.equal(phase({}, [container("main")]), "Running");
  assert.equal(phase({}, [ended("main", 0)]), "Running");
  assert.equal(phase({ restartPolicy: "OnFailure" }, [ended("main", 0)]), "Succeeded");
  assert.equal(phase({ restartPolicy: "OnFailure" }, [ended("main", 1)]), "Running");
  assert.equal(phase({ restartPolicy: "Never" }, [ended("main", 1)]), "Failed");
  const init = { initContainers: [{ name: "init", image }] };
  assert.equal(phase(init, [container("init")]), "Pending");
  assert.equal(phase({ ...init, restartPolicy: "Never" }, [ended("init", 1)]), "Failed");
});

test("STATUS1 a terminal phase is never left", () => {
  assert.equal(status(newPod({}, { phase: "Succeeded" }), [container("main")]).phase, "Succeeded");
  assert.equal(status(newPod({}, { phase: "Failed", reason: "Evicted" }), []).reason, "Evicted");
});

test("STATUS2 conditions say what is missing, in upstream's words", () => {
  const found = status(newPod({ initContainers: [{ name: "init", image }] }), [container("init")]);
  assert.deepEqual(condition(found, "Initialized"), ["False", "ContainersNotInitialized", "containers with incomplete status: [init]"]);
  assert.deepEqual(condition(found, "Ready"), ["False", "ContainersNotReady", "containers with unready status: [main]"]);
  assert.equal(found.containerStatuses?.[0]?.state.waiting?.reason, "PodInitializing");
  const done = status(newPod({ restartPolicy: "Never" }), [ended("main", 0)]);
  assert.deepEqual(condition(done, "Ready"), ["False", "PodCompleted", undefined]);
  const gated = status(newPod({ readinessGates: [{ conditionType: "x/y" }] }), [container("main")]);
  assert.deepEqual(condition(gated, "Ready"), [
    "False",
    "ReadinessGatesNotReady",
    'corresponding condition of pod readiness gate "x/y" does not exist.',
  ]);
  assert.deepEqual(condition(gated, "ContainersReady"), ["True", undefined, undefined]);
});

test("a container's state, the one before it, and its last words", () => {
  const before = container("main", { id: "old", state: "exited", exitCode: 3, finishedAt: 500, reason: "Error" });
  const current = container("main", { attempt: 1, createdAt: 900 });
  const [found] = status(newPod(), [current, before], { messages: new Map([["old", "bye"]]) }).containerStatuses ?? [];
  assert.deepEqual(found?.state, { running: { startedAt: "1970-01-01T00:00:01Z" } });
  assert.deepEqual([found?.restartCount, found?.ready, found?.started, found?.containerID], [1, true, true, "containerd://main-id"]);
  assert.deepEqual([found?.lastState.terminated?.exitCode, found?.lastState.terminated?.message], [3, "bye"]);
  const waiting = new Map([["main", { reason: "CrashLoopBackOff", message: "back-off" }]]);
  const [held] = status(newPod(), [ended("main", 1)], { waiting }).containerStatuses ?? [];
  assert.deepEqual([held?.state.waiting?.reason, held?.lastState.terminated?.exitCode], ["CrashLoopBackOff", 1]);
});

test("probes decide about started and ready", () => {
  const probed = { startupProbe: { exec: { command: ["x"] } } };
  const pod = newPod({ containers: [{ name: "main", image, ...probed }] });
  const [slow] = status(pod, [container("main")], { probe: () => ({ started: false, ready: false }) }).containerStatuses ?? [];
  assert.deepEqual([slow?.started, slow?.ready], [false, false]);
});

test("STATUS2 only what differs is written, and others' conditions stay", () => {
  const gate = { type: "x/y", status: "True" };
  const pod = newPod({}, { phase: "Pending", conditions: [gate] });
  const first = status(pod, [container("main")]);
  const patch = statusPatch(pod.status, first) as { conditions: { type: string }[]; podIPs: unknown };
  assert.equal(
    patch.conditions.some(({ type }) => type === "x/y"),
    false,
  );
  assert.deepEqual(patch.podIPs, [{ $patch: "replace" }, { ip: "10.0.0.2" }]);
  assert.equal(statusPatch(first, status({ ...pod, status: first }, [container("main")], { now: 99_000 })), undefined);
});

test("SYNC10 what does not fit is told why", () => {
  const node = { metadata: { name: "n", labels: {} }, status: { allocatable: { cpu: "2", memory: "1Gi", pods: "110" } } } as never;
  const asks = (cpu: string) => newPod({ containers: [{ name: "main", image, resources: { requests: { cpu } } }] });
  assert.equal(admit(asks("1500m"), [], node, 110), undefined);
  assert.deepEqual(admit(asks("1500m"), [asks("1")], node, 110), {
    reason: "OutOfcpu",
    message: "Pod was rejected: Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000",
  });
  assert.equal(admit(newPod(), [newPod()], node, 1)?.reason, "OutOfpods");
  assert.equal(admit(newPod({ nodeSelector: { disk: "ssd" } }), [], node, 110)?.reason, "NodeAffinity");
});
