import assert from "node:assert/strict";
import { test } from "node:test";
import { Pod } from "#api/core/pod/pod.ts";
import { rootScope } from "#base/scope.ts";
import { simulatedRuntime } from "#cri/simulated/simulated-runtime.ts";
import { simulatedWorld } from "#platform/simulated/world.ts";
import { complete } from "#schema/derive/defaults.ts";
import { type EvictablePod, startEviction } from "./eviction.ts";
import { pressureMessage } from "./messages.ts";
import { rank } from "./ranking.ts";
import { hasStorageLimits, storageProblem } from "./storage-limits.ts";
import { assess, atEase, type Observations, thresholdProblems, thresholdsOf } from "./thresholds.ts";

const none = { hard: {}, soft: {}, softGrace: {}, minimumReclaim: {}, enforcesAllocatable: false };
const memory = (available: number): Observations => new Map([["memory.available", { available, capacity: 1000 }]]);

function pod(
  name: string,
  { memory: request, ...spec }: { memory?: string; priority?: number; volumes?: object[]; limits?: object } = {},
): Pod {
  const { limits, ...rest } = spec;
  const resources = { ...(request && { requests: { memory: request } }), ...(limits && { limits }) };
  return complete(Pod, {
    metadata: { name, namespace: "default", uid: name },
    spec: { containers: [{ name: "main", image: "i", resources }], ...rest } as never,
  });
}

test("EVICT1 a hard threshold is crossed at once, a soft one after its grace; the condition outlasts its cause", () => {
  const thresholds = thresholdsOf({
    ...none,
    hard: { "memory.available": "10%" },
    soft: { "memory.available": "300" },
    softGrace: { "memory.available": "1m" },
    minimumReclaim: { "memory.available": "50" },
  });
  const at = (now: number, available: number, before = atEase) =>
    assess(before, thresholds, memory(available), { now, transitionMilliseconds: 300_000 });
  assert.deepEqual([...at(0, 400).pressures], []);
  const soft = at(1_000, 200);
  assert.deepEqual([[...soft.pressures], soft.due.length], [["MemoryPressure"], 0]);
  assert.equal(at(61_000, 200, soft.state).due.length, 1);
  const reclaimed = at(62_000, 320, soft.state);
  assert.equal(reclaimed.state.met.length, 1, "a little more than the threshold is not enough");
  const eased = at(63_000, 351, reclaimed.state);
  assert.deepEqual([eased.state.met.length, [...eased.pressures]], [0, ["MemoryPressure"]]);
  assert.deepEqual([...at(362_000, 351, eased.state).pressures], []);
  assert.equal(at(0, 99).due.length, 1);
});

test("EVICT1 thresholds of nothing are off; unknown signals and missing graces are said", () => {
  assert.deepEqual(thresholdsOf({ ...none, hard: { "memory.available": "0%", "nodefs.available": "0" } }), []);
  const both = thresholdsOf({ ...none, hard: { "memory.available": "100Mi" }, enforcesAllocatable: true });
  assert.deepEqual(
    both.map(({ signal }) => signal),
    ["memory.available", "allocatableMemory.available"],
  );
  assert.deepEqual(thresholdProblems({ ...none, hard: { "disk.free": "1" }, soft: { "pid.available": "10" } }), [
    "unsupported eviction signal disk.free",
    "grace period must be specified for the soft eviction threshold pid.available",
  ]);
});

test("EVICT2 first goes who uses more than it asked for, then the lowest priority, then the greatest use", () => {
  const pods = [
    pod("within", { memory: "1Gi" }),
    pod("important", { priority: 1000 }),
    pod("small", { memory: "10Mi" }),
    pod("large", { memory: "10Mi" }),
  ];
  const used: Record<string, number> = { within: 900 * 2 ** 20, important: 2 ** 30, small: 20 * 2 ** 20, large: 200 * 2 ** 20 };
  const order = rank(pods, "memory.available", ({ metadata }) => ({ memoryBytes: used[metadata.name] }));
  assert.deepEqual(
    order.map(({ metadata }) => metadata.name),
    ["large", "small", "important", "within"],
  );
});

test("EVICT3 the message names what is short and who used more than it asked for", () => {
  const usage = { containers: new Map([["main", { memoryBytes: 200 * 2 ** 20 }]]) };
  const [threshold] = thresholdsOf({ ...none, hard: { "memory.available": "100Mi" } });
  assert.ok(threshold);
  const observations: Observations = new Map([["memory.available", { available: 50 * 2 ** 20, capacity: 2 ** 30 }]]);
  assert.equal(
    pressureMessage(pod("a", { memory: "10Mi" }), usage, threshold, observations),
    "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. Container main was using 200Mi, request is 10Mi, has larger consumption of memory. ",
  );
});

test("EVICT4 Pods keep to the sizes of their emptyDirs and to their ephemeral storage", () => {
  const limited = pod("a", { limits: { "ephemeral-storage": "1Mi" }, volumes: [{ name: "v", emptyDir: { sizeLimit: "1Ki" } }] });
  const disk = (container: number, volume: number) => ({
    containers: new Map([["main", container]]),
    volumes: new Map([["v", volume]]),
    bytes: container + volume,
    inodes: 0,
  });
  assert.equal(hasStorageLimits(limited), true);
  assert.equal(hasStorageLimits(pod("b", { volumes: [{ name: "v", emptyDir: {} }] })), false);
  assert.equal(storageProblem(limited, disk(1000, 1000)), undefined);
  assert.equal(storageProblem(limited, disk(0, 1025)), 'Usage of EmptyDir volume "v" exceeds the limit "1Ki". ');
  assert.equal(
    storageProblem(limited, disk(2 ** 20, 1000)),
    "Pod ephemeral local storage usage exceeds the total limit of containers 1Mi. ",
  );
});

test("EVICT5 one Pod at a time is evicted, the next when it has ended, critical ones never", async () => {
  const world = simulatedWorld({ seed: 1 });
  const scope = rootScope("test", (error) => assert.fail(error as Error));
  const told: string[] = [];
  const changes: string[] = [];
  const gone = new Set<string>();
  const ends = new Map<string, number>();
  const evictable = (spec: Pod): EvictablePod => ({
    pod: spec,
    get hasEnded() {
      return (ends.get(spec.metadata.name) ?? Number.POSITIVE_INFINITY) <= world.clock.now();
    },
    fail({ reason, graceSeconds }) {
      told.push(`${spec.metadata.name} ${reason} ${graceSeconds}`);
      gone.add(spec.metadata.name);
      ends.set(spec.metadata.name, world.clock.now() + 5_000);
    },
  });
  const pods = [pod("critical", { priority: 2_000_000_000 }), pod("first"), pod("second")].map(evictable);
  const use: Record<string, number> = { critical: 900, first: 500, second: 40 };
  const stats = () =>
    Object.entries(use).map(([name, bytes]) => {
      const labels = { "io.kubernetes.pod.uid": name, "io.kubernetes.container.name": "main" };
      return { id: name, name: "main", labels, at: 0, memoryWorkingSetBytes: bytes };
    });
  const eviction = startEviction(scope, world, {
    runtime: { ...simulatedRuntime(world), containerStats: async () => stats() },
    recorder: { record: () => {} },
    nodeName: "node-1",
    options: {
      thresholds: thresholdsOf({ ...none, hard: { "memory.available": "450" } }),
      transitionMilliseconds: 30_000,
      graceSecondsMax: 0,
      limitsStorage: true,
    },
    pods: () => pods.filter(({ pod: { metadata } }) => !gone.has(metadata.name)),
    observe: async () => {
      const isIn = (name: string) => (ends.get(name) ?? Number.POSITIVE_INFINITY) > world.clock.now();
      const used = Object.entries(use).reduce((sum, [name, bytes]) => sum + (isIn(name) ? bytes : 0), 0);
      return memory(1_000 - Math.max(0, used - 900));
    },
    disks: { podLogsFolder: "/var/log/pods", pathOf: () => "/" },
    freeDisk: async () => {},
    changed: () => changes.push([...eviction.pressures].join()),
  });
  await world.run(async () => {
    await world.clock.sleep(scope, 9_000);
    assert.deepEqual(told, []);
    await world.clock.sleep(scope, 3_000);
    assert.deepEqual(told, []);
    use["second"] = 300;
    await world.clock.sleep(scope, 12_000);
    assert.deepEqual(told, ["first Evicted 1"]);
    assert.equal(eviction.refuses(pod("new")), "The node had condition: [MemoryPressure]. ");
    assert.equal(eviction.refuses(pod("asking", { memory: "1Mi" })), undefined);
    await world.clock.sleep(scope, 60_000);
    assert.deepEqual([told.length, [...eviction.pressures]], [1, []]);
  });
  assert.deepEqual(changes, ["MemoryPressure", ""]);
  await scope.stop();
});
