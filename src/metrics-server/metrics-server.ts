// What nodes and Pods use now, as an API: the numbers behind `kubectl top` and autoscaling by load.
import type { Node } from "#api/core/node/node.ts";
import type { Scope } from "#base/scope.ts";
import type { Client } from "#client/client.ts";
import type { World } from "#platform/world.ts";
import type { HttpHandler } from "#wire/http/message.ts";
import { metricsApi } from "./metrics-api.ts";
import { startSampler } from "./sampler.ts";

/** The name of the APIService that leads here. */
export const metricsServiceName = "v1beta1.metrics.k8s.io";

export interface MetricsServerNeeds {
  readonly client: Client;
  /** The text of a node's /metrics/resource. */
  readonly scrape: (node: Node) => Promise<string>;
  /** How long lies between readings while somebody asks. */
  readonly resolutionMilliseconds: number;
}

/** Serves who may; whoever hands requests in has asked. */
export function startMetricsServer(
  scope: Scope,
  world: World,
  { client, scrape, resolutionMilliseconds }: MetricsServerNeeds,
): HttpHandler {
  return metricsApi(world, { client, sampler: startSampler(scope, world, { client, scrape, resolutionMilliseconds }) });
}
