import assert from "node:assert/strict";
import { test } from "node:test";
import { rootScope } from "#base/scope.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { simulatedWorld } from "#platform/simulated/world.ts";
import { complete } from "#schema/derive/defaults.ts";
import { grouped, shutdownGroups, shutdownProblems } from "./groups.ts";
import { announcement } from "./logind.ts";
import { endPods } from "./node-shutdown.ts";

function pod(name: string, priority: number, terminationGracePeriodSeconds = 30): Pod {
  const spec = { containers: [{ name: "c", image: "i" }], priority, terminationGracePeriodSeconds };
  return complete(Pod, { metadata: { name }, spec });
}

const none = { totalSeconds: 0, criticalSeconds: 0, byPriority: [] };

test("SHUTDOWN1 critical Pods have the end of the time to themselves, or every priority its own", () => {
  assert.deepEqual(shutdownGroups(none), []);
  const groups = shutdownGroups({ ...none, totalSeconds: 30, criticalSeconds: 10 });
  const names = (list: readonly (readonly { pod: Pod }[])[]) => list.map((group) => group.map(({ pod: { metadata } }) => metadata.name));
  const manifest = { "kubernetes.io/config.source": "file", "kubernetes.io/config.hash": "abc" };
  const still = complete(Pod, { metadata: { name: "static", uid: "abc", annotations: manifest }, spec: { containers: [{ name: "c" }] } });
  const pods = [still, pod("a", 0), pod("node", 2_000_001_000), pod("low", -5), pod("cluster", 2_000_000_000)].map((one) => ({ pod: one }));
  assert.deepEqual(names(grouped(groups, pods)), [
    ["a", "low"],
    ["static", "node", "cluster"],
  ]);
  const byPriority = [
    { priority: 1000, graceSeconds: 5 },
    { priority: 0, graceSeconds: 60 },
  ];
  assert.deepEqual(
    shutdownGroups({ ...none, byPriority }).map(({ priority }) => priority),
    [0, 1000],
  );
  assert.equal(shutdownProblems({ totalSeconds: 5, criticalSeconds: 10, byPriority }).length, 2);
});

test("SHUTDOWN2 the groups are ended one after another, none later than it may be", async () => {
  const world = simulatedWorld({ seed: 1 });
  const scope = rootScope("test", (error) => assert.fail(error as Error));
  const told: string[] = [];
  const startedAt = world.clock.monotonic();
  const one = (spec: Pod, takesSeconds: number) => {
    let endsAt = Number.POSITIVE_INFINITY;
    return {
      pod: spec,
      get hasEnded() {
        return world.clock.monotonic() >= endsAt;
      },
      fail({ reason, graceSeconds }: { reason: string; graceSeconds: number }) {
        const at = Math.round((world.clock.monotonic() - startedAt) / 1_000);
        told.push(`${spec.metadata.name} ${reason} at ${at} with ${graceSeconds}`);
        endsAt = world.clock.monotonic() + takesSeconds * 1_000;
      },
    };
  };
  const pods = [one(pod("quick", 0, 2), 2), one(pod("stuck", 0), 1_000), one(pod("critical", 2_000_000_000), 3)];
  const groups = shutdownGroups({ ...none, totalSeconds: 30, criticalSeconds: 10 });
  await world.run(async () => endPods(scope, world, { groups, pods: () => pods }));
  assert.deepEqual(told, ["quick Terminated at 0 with 2", "stuck Terminated at 0 with 20", "critical Terminated at 20 with 10"]);
  assert.equal(Math.round((world.clock.monotonic() - startedAt) / 1_000), 23);
  await scope.stop();
});

test("SHUTDOWN3 only logind's word counts", () => {
  const line = (member: string, data: unknown) => JSON.stringify({ type: "signal", member, payload: { type: "b", data } });
  assert.equal(announcement(line("PrepareForShutdown", [true])), true);
  assert.equal(announcement(line("PrepareForShutdown", [false])), false);
  assert.equal(announcement(line("PrepareForSleep", [true])), undefined);
  assert.equal(announcement("Monitoring bus message stream."), undefined);
});
