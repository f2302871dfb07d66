// Gives each Node its part of the Pods' address range, or of each of them where Pods have addresses of both families.
import type { Scope } from "#base/scope.ts";
import { Node } from "#api/core/node/node.ts";
import { startWorkQueue } from "#client/work-queue.ts";
import type { World } from "#platform/world.ts";
import { type ControllerNeeds, freeController, may } from "../controller.ts";
import { freeSubnet } from "./subnets.ts";

export const nodeIpamController = freeController({
  name: "node-ipam-controller",
  because: "what one Node gets depends on what all the others have",
  reads: [Node],
  writes: [may(Node, "patch")],
  run,
});

function run(scope: Scope, world: World, { client, informers, events, facts }: ControllerNeeds): void {
  const { clusterCidrs, serviceClusterIpRange } = facts;
  if (clusterCidrs.length === 0) return;
  const nodes = informers.for(Node);
  // One at a time, each seeing what the one before was given.
  const queue = startWorkQueue(
    scope,
    world,
    { workers: 1, backoffFirstMilliseconds: 100, backoffMaxMilliseconds: 60_000 },
    async (name) => {
      const node = nodes.get(name);
      if (!node || node.spec.podCIDR || node.metadata.deletionTimestamp) return;
      const taken = [
        ...nodes.list().flatMap(({ spec }) => [...(spec.podCIDRs ?? []), ...(spec.podCIDR ? [spec.podCIDR] : [])]),
        ...serviceClusterIpRange.split(","),
      ];
      const podCIDRs = clusterCidrs.map(({ range, nodeMaskSize }) => {
        const subnet = freeSubnet(range, nodeMaskSize, taken);
        if (subnet !== undefined) return subnet;
        events.record(node, "Normal", "CIDRNotAvailable", `Node ${name} status is now: CIDRNotAvailable`);
        throw new Error(`no part of ${range} is left for node ${name}`);
      });
      const { resourceVersion } = node.metadata;
      const change = { metadata: { resourceVersion }, spec: { podCIDR: podCIDRs[0] as string, podCIDRs } };
      nodes.observe(await client.patch(Node, { name }, change, { type: "merge" }));
    },
  );
  scope.start("node-ipam-controller", async (task) => {
    await nodes.synced;
    task.throwIfStopped();
    scope.defer(
      "nodes",
      nodes.onChange(({ type, object }) => {
        if (type !== "deleted" && !object.spec.podCIDR) queue.add(object.metadata.name);
      }),
    );
  });
}
