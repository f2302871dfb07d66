import assert from "node:assert/strict";
import { test } from "node:test";
import { Node } from "#api/core/node/node.ts";
import { Service } from "#api/core/service/service.ts";
import { EndpointSlice } from "#api/discovery.k8s.io/endpoint-slice/endpoint-slice.ts";
import { rootScope } from "#base/scope.ts";
import { sharedInformers } from "#client/informers.ts";
import type { World } from "#platform/world.ts";
import { simulatedWorld } from "#platform/simulated/world.ts";
import { complete } from "#schema/derive/defaults.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import type { Draft } from "#schema/message.ts";
import { FakeCluster } from "../../test/support/fake-cluster.ts";
import { proxyMetrics } from "./proxy-metrics.ts";
import { type RunningProxy, startProxy } from "./proxy.ts";

interface Given {
  readonly cluster: FakeCluster;
  readonly proxy: RunningProxy;
  /** What nft was given since it was last asked about. */
  loaded(): string;
  /** How often nft refuses from now on. */
  refuse(times: number): void;
  pass(milliseconds: number): Promise<void>;
  readonly metrics: () => string;
}

const metadata = { name: "web", namespace: "default" };
const slice = (ips: readonly string[]) => ({
  metadata: { ...metadata, name: "web-1", labels: { "kubernetes.io/service-name": "web" } },
  addressType: "IPv4" as const,
  ports: [{ name: "", port: 8080, protocol: "TCP" as const }],
  endpoints: ips.map((ip) => ({ addresses: [ip], conditions: { ready: true } })),
});

function put<T extends KubernetesObject>(cluster: FakeCluster, kind: Kind<T>, object: Draft<T>): void {
  cluster.put(kind, complete(kind, object));
}

function withProxy(body: (given: Given) => Promise<void>): Promise<void> {
  const simulated = simulatedWorld({ seed: 1 });
  const scope = rootScope("test", (error) => {
    throw error;
  });
  let texts: string[] = [];
  let refusals = 0;
  const run = async (program: string, _: readonly string[], { input = "" }: { readonly input?: string } = {}) => {
    if (program !== "nft" || input.startsWith("list ")) return { code: 0, stdout: "", stderr: "" };
    if (refusals > 0) {
      refusals -= 1;
      return { code: 1, stdout: "", stderr: "no" };
    }
    texts.push(input);
    return { code: 0, stdout: "", stderr: "" };
  };
  const world = { ...simulated, processes: { ...simulated.processes, run } } as unknown as World;
  const cluster = new FakeCluster();
  put(cluster, Node, { metadata: { name: "here" }, status: { addresses: [{ type: "InternalIP", address: "192.168.1.1" }] } });
  put(cluster, Service, {
    metadata,
    spec: {
      type: "NodePort",
      clusterIP: "10.96.0.9",
      clusterIPs: ["10.96.0.9"],
      ports: [{ port: 80, protocol: "TCP", nodePort: 30_080 }],
    },
  });
  put(cluster, EndpointSlice, slice(["10.244.0.5"]));
  return simulated.run(async () => {
    const metrics = proxyMetrics();
    const proxy = await startProxy(scope, world, {
      informers: sharedInformers(scope, world, cluster.client(simulated)),
      node: "here",
      families: ["IPv4"],
      table: { clusterCidrs: ["10.244.0.0/16"], masqueradesAll: false, masqueradeBit: 14 },
      nodePortAddresses: ["primary"],
      allowsExternalIps: false,
      metrics,
    });
    await simulated.clock.sleep(scope, 100);
    await body({
      cluster,
      proxy,
      metrics: () => metrics.text(),
      loaded: () => texts.splice(0).join("\n---\n"),
      refuse: (times) => {
        refusals = times;
      },
      pass: (milliseconds) => simulated.clock.sleep(scope, milliseconds),
    });
    texts = [];
    await scope.stop();
  });
}

test("all rules are loaded at first, then what changes, and now and then all of them again", () =>
  withProxy(async ({ cluster, proxy, loaded, pass }) => {
    assert.match(
      loaded(),
      /^add table ip kube-proxy\ndelete table[\s\S]*dnat to 10\.244\.0\.5:8080[\s\S]*ip daddr 192\.168\.1\.1 fib daddr type local/,
    );
    assert.ok(proxy.isSynced && proxy.isHealthy);
    put(cluster, EndpointSlice, slice(["10.244.0.6"]));
    await pass(100);
    const change = loaded();
    assert.match(
      change,
      /add chain ip kube-proxy endpoint-\S+-10-244-0-6-8080[\s\S]*delete chain ip kube-proxy endpoint-\S+-10-244-0-5-8080/,
    );
    assert.doesNotMatch(change, /masquerade-marked/);
    await pass(20_000);
    assert.equal(loaded(), "");
    await pass(11_000);
    assert.match(loaded(), /^flush table ip kube-proxy/);
  }));

test("what cannot be loaded is tried again; when that goes on for long, the proxy says that it is not well", () =>
  withProxy(async ({ cluster, proxy, loaded, refuse, pass, metrics }) => {
    loaded();
    refuse(3);
    put(cluster, EndpointSlice, slice([]));
    await pass(2_500);
    assert.match(loaded(), /goto refuse/);
    assert.ok(proxy.isHealthy);
    refuse(Number.POSITIVE_INFINITY);
    put(cluster, EndpointSlice, slice(["10.244.0.7"]));
    await pass(30_000);
    assert.ok(proxy.isHealthy, "not at once");
    await pass(40_000);
    assert.ok(!proxy.isHealthy);
    refuse(0);
    await pass(2_000);
    assert.ok(proxy.isHealthy);
    assert.match(metrics(), /nftables_sync_failures_total [1-9]/);
  }));

test("the Node's address and whether it is to go are followed", () =>
  withProxy(async ({ cluster, proxy, loaded, pass }) => {
    loaded();
    put(cluster, Node, { metadata: { name: "here" }, status: { addresses: [{ type: "InternalIP", address: "192.168.1.2" }] } });
    await pass(100);
    assert.match(loaded(), /ip daddr 192\.168\.1\.2 fib daddr type local/);
    assert.ok(proxy.isNodeEligible);
    put(cluster, Node, { metadata: { name: "here" }, spec: { taints: [{ key: "ToBeDeletedByClusterAutoscaler", effect: "NoSchedule" }] } });
    await pass(100);
    assert.ok(!proxy.isNodeEligible);
  }));
