import assert from "node:assert/strict";
import { test } from "node:test";
import { Node } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { StatusError } from "#api/meta/status-error.ts";
import { rootScope } from "#base/scope.ts";
import type { Client } from "#client/client.ts";
import { simulatedWorld } from "#platform/simulated/world.ts";
import { complete } from "#schema/derive/defaults.ts";
import { attributesOf } from "./component.ts";
import { spokenFor } from "./front-proxy.ts";
import { startMetricsServer } from "./metrics-server.ts";
import { readResourceMetrics } from "./resource-metrics.ts";
import { cpuQuantity, usageOf } from "./usage.ts";

const container = (name: string, cpu: number, memory: number, at: number) => {
  const of = `{container="${name}",namespace="a",pod="web"}`;
  return `container_cpu_usage_seconds_total${of} ${cpu} ${at}\ncontainer_memory_working_set_bytes${of} ${memory} ${at}\n`;
};

function setUp() {
  const world = simulatedWorld({ seed: 1 });
  const scope = rootScope("test", (error) => {
    throw error;
  });
  const node = complete(Node, { metadata: { name: "n1", labels: { zone: "a" } } });
  const pod = complete(Pod, {
    metadata: { name: "web", namespace: "a", labels: { app: "web" } },
    spec: { containers: [{ name: "main" }] },
  });
  const asked: unknown[] = [];
  const client = {
    async list(kind: unknown, options: unknown) {
      asked.push(options);
      return { items: [kind === Node ? node : pod], resourceVersion: "1" };
    },
    async get(kind: unknown, { name }: { name: string }) {
      const found = [node, pod].find(({ metadata }) => metadata.name === name);
      if (!found) throw new StatusError("NotFound", `${kind === Node ? "nodes" : "pods"} ${JSON.stringify(name)} not found`);
      return found;
    },
  } as unknown as Client;
  const began = world.clock.now();
  let scrapes = 0;
  const scrape = async () => {
    scrapes += 1;
    const at = world.clock.now();
    const ran = (at - began) / 1_000;
    return `# HELP x\nnode_cpu_usage_seconds_total ${ran * 0.5} ${at}\nnode_memory_working_set_bytes 2097152 ${at}\n${container("main", ran * 0.25, 1_048_577, at)}${container("side", 0, 1024, at)}`;
  };
  const handle = startMetricsServer(scope, world, { client, scrape, resolutionMilliseconds: 15_000 });
  const ask = async (path: string, { query = "", accept = "application/json", method = "GET" } = {}) => {
    const response = await world.run(() =>
      handle({
        method,
        path: `/apis/metrics.k8s.io/v1beta1${path}`,
        query,
        headers: { accept },
        peer: { address: "test" },
        body: async () => new Uint8Array(0),
        signal: new AbortController().signal,
      }),
    );
    return { status: response.status, json: JSON.parse(new TextDecoder().decode(response.body as Uint8Array)) };
  };
  return { world, ask, asked, scrapes: () => scrapes };
}

test("nodes and Pods tell what they use, over the time between two readings", async () => {
  const { ask, asked } = setUp();
  const nodes = await ask("/nodes");
  assert.equal(nodes.json.kind, "NodeMetricsList");
  const [node] = nodes.json.items;
  assert.deepEqual([node.metadata.name, node.metadata.labels, node.window], ["n1", { zone: "a" }, "1s"]);
  assert.deepEqual(node.usage, { cpu: "500m", memory: "2048Ki" });
  const { json: pod } = await ask("/namespaces/a/pods/web");
  assert.deepEqual(pod.containers, [
    { name: "main", usage: { cpu: "250m", memory: "1025Ki" } },
    { name: "side", usage: { cpu: "0", memory: "1Ki" } },
  ]);
  await ask("/namespaces/a/pods", { query: "labelSelector=app%3Dweb" });
  assert.deepEqual(asked.at(-1), { namespace: "a", labelSelector: "app=web", resourceVersion: "0" });
  const { json: table } = await ask("/pods", { accept: "application/json;as=Table;v=v1;g=meta.k8s.io,application/json" });
  assert.deepEqual(table.rows[0].cells, ["web", "250m", "1Mi", "1s"]);
});

test("what is not there, or not read, is refused in the API's words", async () => {
  const { ask } = setUp();
  assert.equal((await ask("/nodes/none")).status, 404);
  assert.equal((await ask("/cups")).status, 404);
  assert.equal((await ask("/nodes", { method: "DELETE" })).status, 405);
  assert.deepEqual(
    (await ask("")).json.resources.map(({ name }: { name: string }) => name),
    ["nodes", "pods"],
  );
});

test("nodes are read while somebody asks, and left alone when nobody does", async () => {
  const { world, ask, scrapes } = setUp();
  assert.equal(scrapes(), 0);
  await ask("/nodes");
  assert.equal(scrapes(), 2);
  await world.advance(60_000);
  const counted = scrapes();
  assert.ok(counted >= 5, `${counted} readings in a minute`);
  await world.advance(300_000);
  const last = scrapes();
  await world.advance(300_000);
  assert.equal(scrapes(), last);
  assert.equal((await ask("/nodes")).json.items.length, 1);
});

test("readings of different runs make no usage; strange lines are passed over", () => {
  const reading = { at: 1_000, cpuSeconds: 5, memoryBytes: 1, startedAt: 1 };
  assert.equal(usageOf(reading, { ...reading, at: 2_000, startedAt: 1_500 }), undefined, "it has only just begun");
  assert.equal(usageOf(reading, { ...reading, at: 12_000, startedAt: 2_000 })?.nanoCores, 500_000_000, "from its beginning");
  assert.equal(usageOf(undefined, { ...reading, at: 200_000 }), undefined);
  assert.equal(usageOf(reading, { ...reading, at: 2_000, cpuSeconds: 4 }), undefined);
  assert.equal(usageOf(reading, reading), undefined);
  assert.equal(usageOf(reading, { ...reading, at: 3_000, cpuSeconds: 6 })?.nanoCores, 500_000_000);
  const text =
    'container_cpu_usage_seconds_total{container="a",namespace="n",pod="__proto__"} 1 5\nnonsense\nnode_cpu_usage_seconds_total x\n';
  const { node, containers } = readResourceMetrics(`${text}${container('q\\"', 1, 2, 3)}`, 9);
  assert.equal(node, undefined);
  assert.deepEqual(
    [...containers.values()].map((one) => one.container),
    ['q"'],
  );
  assert.deepEqual([0, 1_000, 12_345_678, 3e9].map(cpuQuantity), ["0", "1u", "12345678n", "3"]);
});

test("a front proxy is believed by its certificate's name only", () => {
  const proxy = { clientCa: "", allowedNames: ["front"], userHeaders: ["X-Remote-User"], groupHeaders: ["X-Remote-Group"] };
  const headers = { "x-remote-user": "ann", "x-remote-group": "a, b" };
  const request = (commonName?: string) =>
    ({ headers, peer: { address: "", ...(commonName && { certificate: { commonName, organizations: [], notAfter: 0 } }) } }) as never;
  assert.deepEqual(spokenFor(proxy, request("front")), { user: "ann", groups: ["a", "b"] });
  assert.equal(spokenFor(proxy, request("other")), undefined);
  assert.equal(spokenFor(proxy, request()), undefined);
});

test("who asks needs the right to what is answered, however the path is written", () => {
  const path = "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods";
  const { resource } = attributesOf("GET", path);
  assert.deepEqual(resource, { group: "metrics.k8s.io", version: "v1beta1", resource: "pods", namespace: "shop" });
  for (const same of [path.replace("/namespaces", "//namespaces"), `/${path}`, `${path}//`])
    assert.deepEqual(attributesOf("GET", same), attributesOf("GET", path));
});
