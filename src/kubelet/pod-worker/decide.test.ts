import assert from "node:assert/strict";
import { test } from "node:test";
import { Pod } from "#api/core/pod/pod.ts";
import type { SandboxStatus } from "#cri/runtime.ts";
import { complete } from "#schema/derive/defaults.ts";
import type { Draft } from "#schema/message.ts";
import { annotations, containerHash } from "../layout.ts";
import { decide, type Situation } from "./decide.ts";
import type { ObservedContainer, ObservedPod } from "./observed.ts";

const image = "busybox:1";

function newPod(spec: Draft<Pod["spec"]> = {}): Pod {
  return complete(Pod, {
    metadata: { name: "web", namespace: "default", uid: "u1" },
    spec: { containers: [{ name: "main", image }], ...spec },
  });
}

function sandbox(attempt = 0, ready = true): SandboxStatus {
  const metadata = { name: "web", namespace: "default", uid: "u1", attempt };
  return { id: `sandbox-${attempt}`, metadata, ready, createdAt: attempt, labels: {}, annotations: {}, ips: ["10.0.0.2"], network: "pod" };
}

function container(name: string, more: Partial<ObservedContainer> = {}): ObservedContainer {
  const { attempt = 0 } = more;
  return {
    ...{ id: `${name}-${attempt}`, name, attempt, state: "running", createdAt: attempt, startedAt: attempt, finishedAt: undefined },
    ...{ exitCode: 0, image, imageRef: "", imageId: "", reason: "", message: "", labels: {}, logPath: "", sandboxId: "sandbox-0" },
    annotations: { [annotations.hash]: containerHash({ name, image }) },
    ...more,
  };
}

const exited = (name: string, exitCode: number, more: Partial<ObservedContainer> = {}) =>
  container(name, { state: "exited", exitCode, finishedAt: 1_000, ...more });

function observed(containers: readonly ObservedContainer[], sandboxes = [sandbox()]): ObservedPod {
  return { sandboxes, sandbox: sandboxes[0], containers };
}

function decided(pod: Pod, seen: ObservedPod, more: Partial<Situation> = {}) {
  return decide({
    pod,
    now: 10_000,
    observed: seen,
    ending: undefined,
    hasFailed: false,
    volumesReady: true,
    startTime: 0,
    probe: () => ({ started: true, ready: true }),
    stopping: new Set(),
    starting: new Set(),
    replaced: new Set(),
    held: new Map(),
    blockedUntil: undefined,
    restartBlockedUntil: () => undefined,
    restartDelay: () => 0,
    ...more,
  });
}

function steps(pod: Pod, seen: ObservedPod, more: Partial<Situation> = {}): readonly string[] {
  return decided(pod, seen, more).steps.map((step) => {
    if (step.do === "start") return `start ${step.container.name} ${step.attempt}`;
    if (step.do === "stop") return `stop ${step.container.id}`;
    if (step.do === "remove") return `remove ${step.containerId}`;
    if (step.do === "prepare") return `prepare ${step.attempt}${step.sandbox ? " sandbox" : ""}${step.volumes ? " volumes" : ""}`;
    return step.do;
  });
}

test("SYNC1 a new Pod needs a sandbox and volumes first, then its containers", () => {
  assert.deepEqual(steps(newPod(), observed([], []), { volumesReady: false }), ["prepare 0 sandbox volumes"]);
  assert.deepEqual(steps(newPod(), observed([]), { volumesReady: false }), ["prepare 1 volumes"]);
  assert.deepEqual(steps(newPod(), observed([])), ["start main 0"]);
  assert.deepEqual(steps(newPod(), observed([container("main")])), []);
});

test("SYNC1 after a failed sandbox nothing is done until its time has come", () => {
  const { steps: none, wakeAt } = decided(newPod(), observed([], []), { blockedUntil: 12_000 });
  assert.deepEqual([none, wakeAt], [[], 12_000]);
});

test("SYNC2 a lost sandbox is replaced, and what runs in the old one is stopped", () => {
  assert.deepEqual(steps(newPod(), observed([container("main")], [sandbox(0, false)])), ["stop main-0", "prepare 1 sandbox"]);
  const two = observed([exited("main", 137)], [sandbox(1), sandbox(0, false)]);
  assert.deepEqual(steps(newPod(), two), ["start main 1"]);
});

test("SYNC2 a Pod that is not restarted gets no new sandbox", () => {
  assert.deepEqual(steps(newPod({ restartPolicy: "Never" }), observed([exited("main", 137)], [sandbox(0, false)])), []);
  assert.deepEqual(steps(newPod({ restartPolicy: "OnFailure" }), observed([exited("main", 0)], [sandbox(0, false)])), []);
  assert.deepEqual(steps(newPod({ restartPolicy: "OnFailure" }), observed([exited("main", 1)], [sandbox(0, false)])), [
    "prepare 1 sandbox",
  ]);
});

test("SYNC3 restartPolicy decides about exits", () => {
  assert.deepEqual(steps(newPod(), observed([exited("main", 0)])), ["start main 1"]);
  assert.deepEqual(steps(newPod({ restartPolicy: "OnFailure" }), observed([exited("main", 0)])), ["stopSandbox"]);
  assert.deepEqual(steps(newPod({ restartPolicy: "OnFailure" }), observed([exited("main", 1)])), ["start main 1"]);
  assert.deepEqual(steps(newPod({ restartPolicy: "Never" }), observed([exited("main", 1)])), ["stopSandbox"]);
});

test("SYNC3 a container that crashed too often waits, and says so", () => {
  const { waiting, wakeAt } = decided(newPod(), observed([exited("main", 1)]), {
    restartBlockedUntil: () => 30_000,
    restartDelay: () => 160_000,
  });
  assert.equal(wakeAt, 30_000);
  assert.deepEqual(waiting.get("main"), {
    reason: "CrashLoopBackOff",
    message: "back-off 2m40s restarting failed container=main pod=web_default(u1)",
    until: 30_000,
  });
});

test("SYNC4 init containers run one after another, and again when they fail", () => {
  const pod = newPod({
    initContainers: [
      { name: "a", image },
      { name: "b", image },
    ],
  });
  assert.deepEqual(steps(pod, observed([])), ["start a 0"]);
  assert.deepEqual(steps(pod, observed([container("a")])), []);
  assert.deepEqual(steps(pod, observed([exited("a", 1)])), ["start a 1"]);
  assert.deepEqual(steps(pod, observed([exited("a", 0)])), ["start b 0"]);
  assert.deepEqual(steps(pod, observed([exited("b", 0), exited("a", 0)])), ["start main 0"]);
});

test("SYNC4 a sidecar has to be started before what follows, and is kept running", () => {
  const pod = newPod({ initContainers: [{ name: "side", image, restartPolicy: "Always" }] });
  assert.deepEqual(steps(pod, observed([])), ["start side 0"]);
  assert.deepEqual(steps(pod, observed([container("side")]), { probe: () => ({ started: false, ready: false }) }), []);
  assert.deepEqual(steps(pod, observed([container("side")])), ["start main 0"]);
  assert.deepEqual(steps(pod, observed([exited("side", 0), container("main")])), ["start side 1"]);
});

test("SYNC5 a failed liveness probe and a new image stop the container", () => {
  const failed = { started: true, ready: true, failed: { probe: "liveness", graceSeconds: 3 } } as const;
  const {
    steps: [stop],
  } = decided(newPod(), observed([container("main")]), { probe: () => failed });
  assert.ok(stop?.do === "stop");
  assert.deepEqual([stop.why, stop.graceSeconds], ["Container main failed liveness probe, will be restarted", 3]);
  const changed = container("main", { annotations: { [annotations.hash]: "other" } });
  assert.deepEqual(steps(newPod(), observed([changed])), ["stop main-0"]);
  assert.deepEqual(steps(newPod(), observed([changed]), { stopping: new Set(["main-0"]) }), []);
});

test("END4 of ended containers the last two are kept", () => {
  const ended = [4, 3, 2, 1].map((attempt) => exited("main", 1, { attempt }));
  assert.deepEqual(steps(newPod(), observed([container("main", { attempt: 5 }), ...ended])), ["remove main-2", "remove main-1"]);
});

test("END1 the end: containers, then sidecars, then the sandbox, then nothing is left to do", () => {
  const pod = newPod({ initContainers: [{ name: "side", image, restartPolicy: "Always" }] });
  const ending = { graceSeconds: 5 };
  const { steps: all } = decided(pod, observed([container("main"), container("side")]), { ending });
  assert.deepEqual(
    all.map((step) => step.do === "stop" && [step.container.id, step.after ?? []]),
    [
      ["main-0", []],
      ["side-0", ["main"]],
    ],
  );
  assert.deepEqual(steps(pod, observed([exited("main", 0), container("side")]), { ending }), ["stop side-0"]);
  assert.deepEqual(steps(pod, observed([exited("main", 0), exited("side", 0)]), { ending }), ["stopSandbox"]);
  assert.deepEqual(steps(pod, observed([exited("main", 0)], [sandbox(0, false)]), { ending }), ["finish"]);
});

test("END1 sidecars end in reverse, after the containers", () => {
  const side = (name: string) => ({ name, image, restartPolicy: "Always" as const });
  const pod = newPod({ initContainers: [side("a"), { name: "init", image }, side("b")] });
  const { steps: all } = decided(pod, observed(["a", "b", "main"].map((name) => container(name))), { ending: { graceSeconds: 5 } });
  assert.deepEqual(
    all.map((step) => step.do === "stop" && step.container.name),
    ["main", "b", "a"],
    "the order in which they are stopped",
  );
  assert.deepEqual(
    new Map(all.map((step) => (step.do === "stop" ? [step.container.name, step.after] : ["", []]))),
    new Map([
      ["a", ["main", "b"]],
      ["b", ["main"]],
      ["main", undefined],
    ]),
  );
});

test("SYNC4 sidecars end when the containers have ended for good, and are not started again", () => {
  const pod = newPod({ restartPolicy: "OnFailure", initContainers: [{ name: "side", image, restartPolicy: "Always" }] });
  assert.deepEqual(steps(pod, observed([exited("main", 0), container("side")])), ["stop side-0"]);
  assert.deepEqual(steps(pod, observed([exited("main", 0), exited("side", 137)])), ["stopSandbox"]);
  assert.deepEqual(steps(pod, observed([exited("main", 1), container("side")])), ["start main 1"]);
});

test("SYNC3 a container's own policy and rules decide about its exits", () => {
  const rules = [{ action: "Restart" as const, exitCodes: { operator: "In" as const, values: [42] } }];
  const own = newPod({ containers: [{ name: "main", image, restartPolicy: "Never", restartPolicyRules: rules }] });
  assert.deepEqual(steps(own, observed([exited("main", 42)])), ["start main 1"]);
  assert.deepEqual(steps(own, observed([exited("main", 1)])), ["stopSandbox"]);
  const once = newPod({ initContainers: [{ name: "init", image, restartPolicy: "Never" }] });
  assert.deepEqual(steps(once, observed([exited("init", 1)])), ["stopSandbox"]);
  const still = newPod({ restartPolicy: "Never", containers: [{ name: "main", image, restartPolicy: "Always" }] });
  assert.deepEqual(steps(still, observed([exited("main", 0)])), ["start main 1"]);
});

test("SYNC3 a rule that restarts all containers ends all at once, takes them away and begins anew, behind the back-off", () => {
  const rules = [{ action: "RestartAllContainers" as const, exitCodes: { operator: "In" as const, values: [88] } }];
  const watcher = { name: "watcher", image, restartPolicy: "Always" as const, restartPolicyRules: rules };
  const pod = newPod({ restartPolicy: "Never", initContainers: [{ name: "init", image }, watcher] });
  const left = [exited("init", 0), exited("watcher", 88)];
  const { steps: first, waiting } = decided(pod, observed([...left, container("main")]));
  assert.deepEqual(
    first.map((step) => step.do === "stop" && [step.container.id, step.graceSeconds, step.hook]),
    [["main-0", 0, false]],
  );
  assert.equal(waiting.get("init")?.reason, "RestartingAllContainers");
  const gone = observed([...left, exited("main", 137)]);
  assert.deepEqual(steps(pod, gone), ["noteRestart", "remove init-0", "remove main-0", "remove watcher-0"]);
  const blocked = decided(pod, gone, { restartBlockedUntil: () => 30_000, restartDelay: () => 20_000 });
  assert.deepEqual([blocked.steps.map((step) => step.do), blocked.wakeAt], [["backOff"], 30_000]);
  assert.equal(blocked.waiting.get("watcher")?.reason, "CrashLoopBackOff");
});

test("SYNC12 a container for debugging starts before the Pod is initialised, and runs once", () => {
  const debug = { ephemeralContainers: [{ name: "debug", image }], initContainers: [{ name: "init", image }] };
  assert.deepEqual(steps(newPod(debug), observed([container("init")])), ["start debug 0"]);
  assert.deepEqual(steps(newPod(debug), observed([container("init"), exited("debug", 1)])), []);
});

test("SYNC3 a container is counted on from what its status says when the runtime has forgotten it", () => {
  const pod = newPod();
  const told = { name: "main", restartCount: 4, containerID: "containerd://gone", state: {}, lastState: {} };
  const known = { ...pod, status: { containerStatuses: [told] } } as unknown as Pod;
  assert.deepEqual(steps(known, observed([])), ["start main 5"]);
});

test("SYNC5 a container that is not restarted is told so when its probe fails; a changed one is replaced in any case", () => {
  const pod = newPod({ restartPolicy: "Never" });
  const failed = { started: false, ready: false, failed: { probe: "startup" } } as const;
  const [stop] = decided(pod, observed([container("main")]), { probe: () => failed }).steps;
  assert.equal(stop?.do === "stop" && stop.why, "Container main failed startup probe");
  const changed = { annotations: { [annotations.hash]: "other" } };
  const [replace] = decided(pod, observed([container("main", changed)])).steps;
  assert.equal(replace?.do === "stop" && replace.replace, true);
  assert.deepEqual(steps(pod, observed([exited("main", 137, changed)]), { replaced: new Set(["main-0"]) }), ["start main 1"]);
});

test("END3 a Pod that has failed ends but stays", () => {
  assert.deepEqual(steps(newPod(), observed([container("main")]), { hasFailed: true }), ["stop main-0"]);
  assert.deepEqual(steps(newPod(), observed([exited("main", 0)], [sandbox(0, false)]), { hasFailed: true }), []);
});

test("SYNC4 a container waits for the postStart hook of the one before it", () => {
  const postStart = { lifecycle: { postStart: { sleep: { seconds: 5 } } } };
  const pod = newPod({
    containers: [
      { name: "a", image, ...postStart },
      { name: "b", image },
    ],
  });
  assert.deepEqual(steps(pod, observed([])), ["start a 0"]);
  assert.deepEqual(steps(pod, observed([container("a")]), { starting: new Set(["a-0"]) }), []);
  assert.deepEqual(steps(pod, observed([container("a")])), ["start b 0"]);
});
