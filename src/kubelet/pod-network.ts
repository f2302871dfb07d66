// The built-in Pod network, where the machine was made a node with one: what the cluster says of its nodes, for those who make the ways.
import type { Scope } from "#base/scope.ts";
import type { Node } from "#api/core/node/node.ts";
import type { Informer } from "#client/informer.ts";
import { ConfigError } from "#component/component.ts";
import type { NetworkNode } from "#pod-network/plan.ts";
import { type PodNetworkConfig, startPodNetwork } from "#pod-network/pod-network.ts";
import type { World } from "#platform/world.ts";

/** The file of --pod-network-config. Rejects with ConfigError. */
export async function readPodNetworkConfig(world: World, path: string): Promise<PodNetworkConfig> {
  try {
    return JSON.parse(await world.files.readText(path)) as PodNetworkConfig;
  } catch (error) {
    throw new ConfigError(`--pod-network-config ${path}: ${(error as Error).message}`);
  }
}

export function followNodes(scope: Scope, world: World, config: PodNetworkConfig, nodeName: string, nodes: Informer<Node>): void {
  startPodNetwork(scope, world, {
    config,
    nodeName,
    synced: nodes.synced,
    nodes: () => nodes.list().map(networkNode),
    onChange: (changed) => nodes.onChange(changed),
  });
}

function networkNode({ metadata, spec, status }: Node): NetworkNode {
  return {
    name: metadata.name,
    addresses: (status.addresses ?? []).flatMap(({ type, address }) => (type === "InternalIP" ? [address] : [])),
    ranges: spec.podCIDRs ?? (spec.podCIDR ? [spec.podCIDR] : []),
  };
}
