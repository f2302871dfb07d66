import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "#api/core/pod/pod.ts";
import { SeededRandom } from "#platform/simulated/random.ts";
import { aNode, aPod } from "../../test/support/scheduling.ts";
import { SchedulerCache } from "./cache.ts";
import { needsOf } from "./pod-needs.ts";

test("sums equal a recount, whatever happens to Nodes and Pods in whatever order", () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const random = new SeededRandom(seed);
    const cache = new SchedulerCache();
    /** What should count, by name: the Pod and its Node. */
    const truth = new Map<string, { readonly pod: Pod; readonly node: string; readonly isAssumed: boolean }>();
    const nodes = new Set<string>();
    for (let step = 0; step < 400; step += 1) {
      const node = `node-${random.integer(4)}`;
      const name = `pod-${random.integer(12)}`;
      const known = truth.get(name);
      const fresh = () =>
        aPod(name, {
          uid: `${name} ${random.integer(3)}`,
          cpu: `${random.integer(900)}m`,
          memory: `${random.integer(64)}Mi`,
          ...(random.integer(3) === 0 && { port: 8_000 + random.integer(5) }),
        });
      switch (random.integer(9)) {
        case 0:
          cache.setNode(aNode(node, { cpu: `${1 + random.integer(8)}` }));
          nodes.add(node);
          break;
        case 1:
          cache.deleteNode(node);
          nodes.delete(node);
          break;
        case 2:
        case 3: {
          const pod = fresh();
          cache.assume(pod, node);
          truth.set(name, { pod, node, isAssumed: true });
          break;
        }
        case 4: {
          if (!known) break;
          const stranger = random.integer(4) === 0;
          cache.forget(stranger ? aPod(name, { uid: "somebody else" }) : known.pod);
          if (known.isAssumed && !stranger) truth.delete(name);
          break;
        }
        case 5:
          if (!known) break;
          cache.setPod({ ...known.pod, spec: { ...known.pod.spec, nodeName: known.node } });
          truth.set(name, { ...known, isAssumed: false });
          break;
        case 6: {
          const pod = fresh();
          cache.setPod({ ...pod, spec: { ...pod.spec, nodeName: node } });
          truth.set(name, { pod, node, isAssumed: false });
          break;
        }
        case 7:
          if (!known) break;
          cache.setPod({
            ...known.pod,
            spec: { ...known.pod.spec, nodeName: known.node },
            status: { ...known.pod.status, phase: "Succeeded" },
          });
          truth.delete(name);
          break;
        case 8: {
          const stranger = random.integer(4) === 0;
          cache.deletePod(stranger ? aPod(name, { uid: "somebody else" }) : (known?.pod ?? aPod(name)));
          if (!stranger) truth.delete(name);
          break;
        }
      }
      assert.deepEqual(new Set(cache.nodes.keys()), nodes);
      for (const [at, state] of cache.nodes) {
        const here = [...truth.values()].filter(({ node }) => node === at).map(({ pod }) => needsOf(pod));
        const where = `seed ${seed}, step ${step}, ${at}`;
        assert.equal(state.pods.size, here.length, where);
        for (const resource of ["cpu", "memory"])
          assert.equal(
            state.requested.get(resource) ?? 0,
            here.reduce((sum, { requests }) => sum + (requests.get(resource) ?? 0), 0),
            where,
          );
        assert.equal(
          state.likelyCpu,
          here.reduce((sum, { likelyCpu }) => sum + likelyCpu, 0),
          where,
        );
        assert.equal(
          state.likelyMemory,
          here.reduce((sum, { likelyMemory }) => sum + likelyMemory, 0),
          where,
        );
        const ports = (list: typeof state.ports) => list.map(({ port }) => port).sort();
        assert.deepEqual(ports(state.ports), ports(here.flatMap(({ ports }) => ports)), where);
      }
    }
  }
});
