import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node } from "#api/core/node/node.ts";
import { countZones, defaultRates, EvictionQueue, evictionRate, isAllLost, zoneOf, zoneState } from "./zones.ts";

const node = (name: string, labels: Readonly<Record<string, string>> = {}): Node => ({ metadata: { name, labels } }) as unknown as Node;
const state = (ready: number, lost: number) => zoneState({ ready, lost }, defaultRates);
const rate = (ready: number, lost: number) => evictionRate({ ready, lost }, defaultRates);

test("a zone is unhealthy when more than half of it and at least three are lost, and lost when nobody answers", () => {
  assert.equal(state(10, 2), "Normal");
  assert.equal(state(1, 2), "Normal");
  assert.equal(state(2, 3), "PartialDisruption");
  assert.equal(state(45, 54), "Normal");
  assert.equal(state(45, 55), "PartialDisruption");
  assert.equal(state(0, 1), "FullDisruption");
});

test("a small zone that is mostly lost keeps its Pods, a large one loses them slowly", () => {
  assert.equal(rate(10, 1), 0.1);
  assert.equal(rate(2, 48), 0);
  assert.equal(rate(2, 49), 0.01);
  assert.equal(rate(0, 49), 0.1);
});

test("Nodes are counted by region and zone, but for those that ask not to be", () => {
  const east = { "topology.kubernetes.io/zone": "east" };
  const nodes = [node("a", east), node("b", east), node("c"), node("d", { "node.kubernetes.io/exclude-disruption": "" })];
  const zones = countZones(nodes, ({ metadata }) => metadata.name === "a");
  assert.deepEqual(
    [...zones],
    [
      [":\0:east", { ready: 1, lost: 1 }],
      ["", { ready: 0, lost: 1 }],
    ],
  );
  assert.equal(zoneOf(node("x", { "failure-domain.beta.kubernetes.io/region": "r" })), "r:\0:");
  assert.equal(isAllLost(zones, defaultRates), false);
  assert.equal(
    isAllLost(
      countZones(nodes, () => false),
      defaultRates,
    ),
    true,
  );
  assert.equal(isAllLost(new Map(), defaultRates), false, "no Nodes are not lost Nodes");
});

test("a zone gives up its first Node at once and the next ones at its pace; zones do not wait for each other", () => {
  const queue = new EvictionQueue();
  queue.setRates(
    new Map([
      ["east", 0.1],
      ["west", 0],
    ]),
  );
  for (const name of ["a", "b", "c"]) queue.add("east", name);
  queue.add("west", "d");
  assert.deepEqual(queue.due(0), { names: ["a"], nextAt: 10_000 });
  assert.deepEqual(queue.due(9_999), { names: [], nextAt: 10_000 });
  queue.remove("b");
  assert.deepEqual(queue.due(10_000), { names: ["c"], nextAt: undefined });
  queue.setRates(new Map([["west", 0.1]]));
  assert.deepEqual(queue.due(10_001), { names: ["d"], nextAt: undefined });
  queue.add("west", "e");
  queue.clear();
  assert.deepEqual(queue.due(100_000), { names: [], nextAt: undefined });
});
