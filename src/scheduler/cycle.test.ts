import assert from "node:assert/strict";
import { test } from "node:test";
import { untolerated } from "#api/core/pod/tolerations.ts";
import type { Node } from "#api/core/node/node.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import { SeededRandom } from "#platform/simulated/random.ts";
import { aNode, aPod } from "../../test/support/scheduling.ts";
import { SchedulerCache } from "./cache.ts";
import { schedule } from "./cycle.ts";
import { needsOf } from "./pod-needs.ts";
import { allPlugins } from "./plugins/all.ts";

function cacheOf(nodes: readonly Node[], pods: readonly Pod[] = []): SchedulerCache {
  const cache = new SchedulerCache();
  for (const node of nodes) cache.setNode(node);
  for (const pod of pods) cache.setPod(pod);
  return cache;
}
const decide = (cache: SchedulerCache, pod: Pod, chance = 0) => schedule({ pod, nodes: cache.nodes, plugins: allPlugins, chance });
const refusal = (cache: SchedulerCache, pod: Pod) => {
  const result = decide(cache, pod);
  assert.equal(result.node, undefined);
  return result.message;
};
const tainted = { taints: [{ key: "a", value: "b", effect: "NoSchedule" }] } as const;

test("why a Pod waits is said in upstream's words", () => {
  assert.equal(refusal(cacheOf([]), aPod("p")), "no nodes available to schedule pods");
  assert.equal(
    refusal(
      cacheOf([aNode("1", tainted), aNode("2", tainted), aNode("3")], [aPod("full", { cpu: "3", node: "3" })]),
      aPod("p", { cpu: "2" }),
    ),
    "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s). preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod, 2 Preemption is not helpful for scheduling.",
  );
  assert.equal(
    refusal(cacheOf([aNode("1"), aNode("2")]), aPod("p", { cpu: "200", memory: "1Ti" })),
    "0/2 nodes are available: 2 Insufficient cpu, 2 Insufficient memory. preemption: 0/2 nodes are available: 2 Preemption is not helpful for scheduling.",
  );
  assert.equal(
    refusal(cacheOf([aNode("1")]), aPod("p", { cpu: "200", spec: { preemptionPolicy: "Never" } })),
    "0/1 nodes are available: 1 Insufficient cpu. preemption: not eligible due to preemptionPolicy=Never.",
  );
  const full = aPod("full", { cpu: "3", node: "1", spec: { priority: 1 } });
  assert.equal(
    refusal(cacheOf([aNode("1")], [full]), aPod("p", { cpu: "2", spec: { priority: 2 } })),
    "0/1 nodes are available: 1 Insufficient cpu.",
    "nobody is pushed aside, so nothing is said of victims where there are some",
  );
  const affinity = {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["1"] }] }],
      },
    },
  };
  assert.equal(
    refusal(cacheOf([aNode("1", tainted), aNode("2"), aNode("3")]), aPod("p", { spec: { affinity } })),
    "0/3 nodes are available: 1 node(s) had untolerated taint(s), 2 node(s) didn't satisfy plugin(s) [NodeAffinity]. preemption: 0/3 nodes are available: 3 Preemption is not helpful for scheduling.",
  );
});

test("a Node is chosen exactly when a naive reading of the rules knows one, and it is one of those", () => {
  for (let seed = 1; seed <= 200; seed += 1) {
    const random = new SeededRandom(seed);
    const effects = ["NoSchedule", "NoExecute", "PreferNoSchedule"] as const;
    const nodes = Array.from({ length: 1 + random.integer(5) }, (_, at) =>
      aNode(`n${at}`, {
        cpu: `${1 + random.integer(3)}`,
        memory: `${1 + random.integer(3)}Gi`,
        pods: `${1 + random.integer(6)}`,
        labels: { zone: `z${random.integer(2)}` },
        ...(random.integer(3) === 0 && {
          taints: [{ key: `k${random.integer(2)}`, value: "", effect: effects[random.integer(3)] as "NoSchedule" }],
        }),
      }),
    );
    const cache = cacheOf(nodes);
    const placed: { readonly pod: Pod; readonly node: string }[] = [];
    for (let count = 0; count < 20; count += 1) {
      const pod = aPod(`p${count}`, {
        cpu: `${random.integer(1_500)}m`,
        memory: `${random.integer(1_500)}Mi`,
        ...(random.integer(4) === 0 && { port: 80 + random.integer(2) }),
        spec: {
          ...(random.integer(3) === 0 && { nodeSelector: { zone: `z${random.integer(2)}` } }),
          ...(random.integer(3) === 0 && { tolerations: [{ key: `k${random.integer(2)}`, operator: "Exists" }] }),
        },
      });
      const will = nodes.filter((node) =>
        naivelyFits(
          pod,
          node,
          placed.filter((one) => one.node === node.metadata.name).map((one) => one.pod),
        ),
      );
      const { node } = decide(cache, pod, random.fraction());
      if (node === undefined) assert.deepEqual(will, [], `seed ${seed}, ${pod.metadata.name}`);
      else {
        assert.ok(
          will.some(({ metadata }) => metadata.name === node),
          `seed ${seed}, ${pod.metadata.name} on ${node}`,
        );
        cache.assume(pod, node);
        placed.push({ pod, node });
      }
    }
  }
});

function naivelyFits(pod: Pod, node: Node, there: readonly Pod[]): boolean {
  const all = [...there, pod];
  const sum = (resource: string) => all.reduce((total, one) => total + (needsOf(one).requests.get(resource) ?? 0), 0);
  const { cpu, memory, pods } = node.status.allocatable as { cpu: string; memory: string; pods: string };
  const ports = all.flatMap((one) => needsOf(one).ports.map(({ port }) => port));
  const hard = (node.spec.taints ?? []).filter(({ effect }) => effect !== "PreferNoSchedule");
  return (
    sum("cpu") <= Number(cpu) * 1_000 &&
    sum("memory") <= Number(memory.slice(0, -2)) * 2 ** 30 &&
    all.length <= Number(pods) &&
    new Set(ports).size === ports.length &&
    untolerated(pod.spec.tolerations, hard).length === 0 &&
    Object.entries(pod.spec.nodeSelector ?? {}).every(([key, value]) => node.metadata.labels?.[key] === value)
  );
}

test("Pods spread: the emptier Node is preferred, and taints one would rather not have are avoided", () => {
  assert.equal(
    decide(cacheOf([aNode("1"), aNode("2")], [aPod("other", { cpu: "2", memory: "4Gi", node: "1" })]), aPod("p", { cpu: "1" })).node,
    "2",
  );
  const rather = { taints: [{ key: "a", value: "", effect: "PreferNoSchedule" as const }] };
  assert.equal(decide(cacheOf([aNode("1", rather), aNode("2")]), aPod("p", { cpu: "1" })).node, "2");
});

test("replicas that ask for nothing spread evenly over large Nodes that are alike", () => {
  const cache = cacheOf(["a", "b", "c"].map((name) => aNode(name, { cpu: "32", memory: "256Gi" })));
  const counts = new Map<string, number>();
  for (let at = 0; at < 9; at += 1) {
    const pod = aPod(`web-${at}`);
    const { node } = decide(cache, pod, 0.99);
    assert.ok(node);
    cache.assume(pod, node);
    counts.set(node, (counts.get(node) ?? 0) + 1);
  }
  assert.deepEqual(Object.fromEntries([...counts].sort()), { a: 3, b: 3, c: 3 });
});
