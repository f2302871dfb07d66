import assert from "node:assert/strict";
import { test } from "node:test";
import { Pod } from "#api/core/pod/pod.ts";
import { complete } from "#schema/derive/defaults.ts";
import type { Draft } from "#schema/message.ts";
import { logContainer } from "./log-container.ts";

const ended = (id: string) => ({ terminated: { exitCode: 1, containerID: id } });

function asked(status: Draft<NonNullable<Pod["status"]["containerStatuses"]>[number]>, previous = false) {
  const pod = complete(Pod, {
    metadata: { name: "web", namespace: "a" },
    spec: { containers: [{ name: "main" }] },
    status: { containerStatuses: [{ name: "main", ...status }] },
  });
  const found = logContainer(pod, "main", previous);
  return "id" in found ? found.id : found.refusal;
}

test("the log is that of the container that runs, or of the last that ended", () => {
  assert.equal(asked({ containerID: "containerd://b", state: { running: {} }, lastState: ended("containerd://a") }), "b");
  assert.equal(asked({ state: ended("containerd://b"), lastState: ended("containerd://a") }), "b");
  assert.equal(asked({ state: ended(""), lastState: ended("containerd://a") }), "a");
  assert.equal(asked({ state: { waiting: { reason: "CrashLoopBackOff" } }, lastState: ended("containerd://a") }), "a");
});

test("the previous log is that of the one before, which a crash loop shows as well", () => {
  assert.equal(asked({ containerID: "containerd://b", state: { running: {} }, lastState: ended("containerd://a") }, true), "a");
  assert.equal(asked({ state: { waiting: { reason: "CrashLoopBackOff" } }, lastState: ended("containerd://a") }, true), "a");
  assert.equal(
    asked({ containerID: "containerd://b", state: { running: {} } }, true),
    'previous terminated container "main" in pod "web" not found',
  );
});

test("where there is no log yet, it is said why", () => {
  const waiting = (reason: string) => asked({ state: { waiting: { reason } } });
  const start = 'container "main" in pod "web" is waiting to start';
  assert.equal(waiting("ContainerCreating"), `${start}: ContainerCreating`);
  assert.equal(waiting("ErrImagePull"), `${start}: image can't be pulled`);
  assert.equal(waiting("ImagePullBackOff"), `${start}: trying and failing to pull image`);
  assert.equal(asked({}), `${start} - no logs yet`);
  assert.equal(asked({ state: ended("") }), 'container "main" in pod "web" is terminated');
});
