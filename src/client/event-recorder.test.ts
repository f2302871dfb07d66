import assert from "node:assert/strict";
import { test } from "node:test";
import { Event } from "#api/core/event/event.ts";
import { StatusError } from "#api/meta/status-error.ts";
import { rootScope, type Scope } from "#base/scope.ts";
import { type SimulatedWorld, simulatedWorld } from "#platform/simulated/world.ts";
import { FakeCluster } from "../../test/support/fake-cluster.ts";
import { type EventRecorder, startEventRecorder } from "./event-recorder.ts";

const pod = (name: string) => ({ apiVersion: "v1", kind: "Pod", namespace: "a", name, uid: `uid of ${name}` });

function withRecorder(
  body: (given: { world: SimulatedWorld; scope: Scope; cluster: FakeCluster; events: EventRecorder }) => Promise<void>,
): Promise<void> {
  const world = simulatedWorld({ seed: 1 });
  const scope = rootScope("test", (error) => {
    throw error;
  });
  const cluster = new FakeCluster();
  return world.run(async () => {
    const events = startEventRecorder(scope, world, cluster.client(world), { component: "kubelet", host: "node-1" });
    await body({ world, scope, cluster, events });
    await scope.stop();
  });
}

test("the same event again counts up, once for each time, even when telling it fails in between", () =>
  withRecorder(async ({ world, scope, cluster, events }) => {
    events.record(pod("web"), "Warning", "BackOff", "again");
    await world.clock.sleep(scope, 1_000);
    let failures = 3;
    cluster.before = (call) => {
      if (call.startsWith("patch") && (failures -= 1) >= 0) throw new Error("connection refused");
    };
    events.record(pod("web"), "Warning", "BackOff", "again");
    await world.clock.sleep(scope, 10_000);
    assert.deepEqual(
      cluster.all(Event).map(({ reason, count, lastTimestamp }) => ({ reason, count, lastTimestamp })),
      [{ reason: "BackOff", count: 2, lastTimestamp: "2026-01-01T00:00:01Z" }],
    );
  }));

test("an event that was forgotten by the server is told anew", () =>
  withRecorder(async ({ world, scope, cluster, events }) => {
    events.record(pod("web"), "Normal", "Pulled", "x");
    await world.clock.sleep(scope, 1_000);
    for (const { metadata } of cluster.all(Event)) cluster.remove(Event, `a/${metadata.name}`);
    events.record(pod("web"), "Normal", "Pulled", "x");
    await world.clock.sleep(scope, 1_000);
    assert.deepEqual(
      cluster.all(Event).map(({ count }) => count),
      [1],
    );
  }));

test("names are those of objects, however long the subject's is", () =>
  withRecorder(async ({ world, scope, cluster, events }) => {
    for (const name of ["web", "x".repeat(253), `${"a.".repeat(126)}a`, `${"y".repeat(230)}--`])
      events.record(pod(name), "Normal", "Pulled", name);
    await world.clock.sleep(scope, 1_000);
    const names = cluster.all(Event).map(({ metadata }) => metadata.name);
    assert.equal(new Set(names).size, 4);
    for (const name of names) {
      assert.ok(name.length <= 253, name);
      assert.match(name, /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/);
    }
  }));

test("a flood of one object is cut off, and what the server will never take holds nobody up", () =>
  withRecorder(async ({ world, scope, cluster, events }) => {
    cluster.before = (call) => {
      if (call.includes("refused.")) throw new StatusError("RequestEntityTooLarge", "too large");
    };
    events.record(pod("refused"), "Normal", "Pulled", "x");
    for (let count = 0; count < 1_000; count += 1) events.record(pod("noisy"), "Warning", "Failed", `number ${count}`);
    events.record(pod("quiet"), "Normal", "Started", "x");
    await world.clock.sleep(scope, 10);
    const subjects = cluster.all(Event).map(({ involvedObject }) => involvedObject.name);
    assert.equal(subjects.filter((name) => name === "noisy").length, 25);
    assert.equal(subjects.filter((name) => name === "quiet").length, 1);
  }));
