import assert from "node:assert/strict";
import { test } from "node:test";
import { Pod } from "#api/core/pod/pod.ts";
import type { PodStatus } from "#api/core/pod/pod-status.ts";
import type { SandboxStatus } from "#cri/runtime.ts";
import { complete } from "#schema/derive/defaults.ts";
import type { Draft } from "#schema/message.ts";
import { admit } from "../admission.ts";
import type { ObservedContainer } from "../pod-worker/observed.ts";
import { sameForeign, withForeign } from "./ownership.ts";
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
    volumesReady: true,
    unhooked: new Map(),
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
  const side = { initContainers: [{ name: "side", image, restartPolicy: "Always" as const }], restartPolicy: "Never" as const };
  assert.equal(phase(side, [container("side"), ended("main", 0)]), "Running");
  assert.equal(phase(side, [ended("side", 137), ended("main", 0)]), "Succeeded");
  const once = { initContainers: [{ name: "init", image, restartPolicy: "Never" as const }] };
  assert.equal(phase(once, [ended("init", 1)]), "Failed", "its own policy");
  const rules = [{ action: "Restart" as const, exitCodes: { operator: "In" as const, values: [42] } }];
  const ruled = {
    restartPolicy: "Never" as const,
    containers: [{ name: "main", image, restartPolicy: "Never" as const, restartPolicyRules: rules }],
  };
  assert.equal(phase(ruled, [ended("main", 42)]), "Running");
  assert.equal(phase(ruled, [ended("main", 43)]), "Failed");
});

test("STATUS2 a Pod is ready to start containers once it has its network and its volumes", () => {
  const told = (containers: readonly ObservedContainer[], more: Partial<StatusFacts>) =>
    condition(status(newPod(), containers, more), "PodReadyToStartContainers")[0];
  assert.equal(told([], {}), "True");
  assert.equal(told([], { volumesReady: false }), "False");
  assert.equal(told([container("main")], { volumesReady: false }), "True", "a kubelet that has only just started");
  assert.equal(told([], { observed: { sandboxes: [], sandbox: undefined, containers: [] } }), "False");
});

test("STATUS1 a terminal phase waits until nothing runs", () => {
  const pod = newPod({ restartPolicy: "Never", ephemeralContainers: [{ name: "debug", image }] }, { phase: "Running" });
  assert.equal(status(pod, [ended("main", 0), container("debug")]).phase, "Running");
  const failure = { reason: "DeadlineExceeded", message: "too long" };
  const late = status(pod, [container("main")], { failure });
  assert.deepEqual([late.phase, late.reason], ["Running", undefined]);
  assert.equal(status(pod, [ended("main", 137)], { failure }).reason, "DeadlineExceeded");
});

test("STATUS4 last words: the runtime's before the container's own, and 12 KiB for the Pod", () => {
  const words = new Map([["main-id", "é".repeat(4_000)]]);
  const two = newPod({
    containers: [
      { name: "main", image },
      { name: "other", image },
    ],
  });
  const [first] = status(two, [ended("main", 1)], { messages: words }).containerStatuses ?? [];
  assert.equal(new TextEncoder().encode(first?.state.terminated?.message).length, 6_144);
  const started = { ...ended("main", 128), message: "cannot start" };
  const [second] = status(newPod(), [started], { messages: new Map([["main-id", "bye"]]) }).containerStatuses ?? [];
  assert.equal(second?.state.terminated?.message, "cannot start: bye");
});

test("STATUS5 what the runtime has forgotten", () => {
  const told = { name: "main", restartCount: 2, containerID: "containerd://gone", imageID: "", image, ready: true };
  const was = { ...told, state: { running: { startedAt: "1970-01-01T00:00:01Z" } }, lastState: {} };
  const pod = newPod({}, { phase: "Running", containerStatuses: [was] });
  const [lost] = status(pod, []).containerStatuses ?? [];
  assert.deepEqual([lost?.restartCount, lost?.state.waiting?.reason], [2, "ContainerCreating"]);
  assert.deepEqual(lost?.lastState.terminated, {
    exitCode: 137,
    reason: "ContainerStatusUnknown",
    message: "The container could not be located when the pod was deleted.  The container used to be Running",
  });
  const init = newPod({ initContainers: [{ name: "init", image }] });
  const [done] = status(init, [container("main")]).initContainerStatuses ?? [];
  assert.deepEqual([done?.state.terminated?.reason, done?.ready], ["Completed", true]);
});

test("STATUS5 a Pod that was ended is Failed at last, also where its containers never ran", () => {
  const none = { observed: { sandboxes: [], sandbox: undefined, containers: [] }, ending: true };
  const never = status(newPod(), [], none);
  assert.deepEqual([never.phase, never.containerStatuses?.[0]?.state.terminated?.reason], ["Failed", "ContainerStatusUnknown"]);
  const early = status(
    newPod({
      initContainers: [
        { name: "a", image },
        { name: "b", image },
      ],
    }),
    [],
    none,
  );
  assert.deepEqual([early.phase, early.containerStatuses?.[0]?.state.waiting?.reason], ["Failed", "PodInitializing"]);
  assert.equal(early.initContainerStatuses?.[0]?.state.terminated, undefined, "its turn had not come");
  assert.equal(status(newPod(), [], { ending: true }).phase, "Pending", "its sandbox is still there");
});

test("STATUS6 a container whose postStart hook failed waits, with the hook's error", () => {
  const [found] = status(newPod(), [container("main")], { unhooked: new Map([["main-id", "exited with 1"]]) }).containerStatuses ?? [];
  assert.deepEqual(found?.state, { waiting: { reason: "PostStartHookError", message: "exited with 1" } });
  assert.equal(found?.ready, false);
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

test("STATUS2 what others write is theirs: taken as it is, and not written back", () => {
  const pod = newPod({}, { phase: "Pending", conditions: [{ type: "x/y", status: "Unknown" }], nominatedNodeName: "a" });
  const own = status(pod, [container("main")]);
  const later = { ...own, conditions: [...(own.conditions ?? [])].map((one) => (one.type === "x/y" ? { ...one, status: "True" } : one)) };
  const { nominatedNodeName: _, ...cleared } = later;
  assert.equal(statusPatch(cleared, own), undefined);
  const joined = withForeign(own, cleared);
  assert.deepEqual([joined.conditions?.find(({ type }) => type === "x/y")?.status, joined.nominatedNodeName], ["True", undefined]);
  assert.equal(sameForeign(own, cleared), false);
  assert.equal(sameForeign(own, { ...own, phase: "Failed", conditions: own.conditions?.toReversed() }), true);
  const disruption = { type: "DisruptionTarget", status: "True" };
  const patch = statusPatch(own, { ...own, conditions: [...(own.conditions ?? []), disruption] }) as { conditions: object[] };
  assert.deepEqual(patch.conditions, [disruption], "what nobody has written before");
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
  const node = {
    metadata: { name: "n", labels: {} },
    spec: {},
    status: { nodeInfo: {}, allocatable: { cpu: "2", memory: "1Gi", pods: "110" } },
  } as never;
  const asks = (cpu: string) => newPod({ containers: [{ name: "main", image, resources: { requests: { cpu } } }] });
  assert.equal(admit(asks("1500m"), [], node, { maxPods: 110 }), undefined);
  assert.deepEqual(admit(asks("1500m"), [asks("1")], node, { maxPods: 110 }), {
    reason: "OutOfcpu",
    message: "Pod was rejected: Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000",
  });
  assert.equal(admit(newPod(), [newPod()], node, { maxPods: 1 })?.reason, "OutOfpods");
  assert.equal(admit(newPod({ nodeSelector: { disk: "ssd" } }), [], node, { maxPods: 110 })?.reason, "NodeAffinity");
});
