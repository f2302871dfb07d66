import assert from "node:assert/strict";
import { test } from "node:test";
import { rootScope } from "#base/scope.ts";
import { Pod } from "#api/core/pod/pod.ts";
import type { Attributes, Delegated } from "#component/delegated.ts";
import { Metrics } from "#component/metrics.ts";
import { simulatedRuntime } from "#cri/simulated/simulated-runtime.ts";
import { simulatedWorld } from "#platform/simulated/world.ts";
import { complete } from "#schema/derive/defaults.ts";
import { readConfiguration } from "../config/read-configuration.ts";
import type { Kubelet } from "../kubelet.ts";
import { subresourcesFor } from "./authorization.ts";
import { ProbeMetrics } from "./probe-metrics.ts";
import { startKubeletServer } from "./server.ts";

const logPath = "/var/log/pods/p/main/0.log";

async function setUp({ may = () => true, anonymous = false }: { may?: (attributes: Attributes) => boolean; anonymous?: boolean } = {}) {
  const world = simulatedWorld({ seed: 1 });
  const scope = rootScope("test", (error) => {
    throw error;
  });
  const now = world.clock.now();
  const key = await world.crypto.generateKey("ecdsa-p256");
  const certificate = await world.crypto.issueCertificate({
    subject: { commonName: "node-1" },
    publicKey: key.publicKey,
    signingKey: key.privateKey,
    dnsNames: ["node-1"],
    notBefore: now - 1_000,
    notAfter: now + 1e9,
  });
  const pod = complete(Pod, {
    metadata: { name: "web", namespace: "a", uid: "u" },
    spec: {
      containers: [{ name: "main" }, { name: "late" }],
      volumes: [{ name: "data", persistentVolumeClaim: { claimName: "claimed" } }],
    },
    status: {
      containerStatuses: [
        { name: "main", containerID: "containerd://c", state: { running: {} } },
        { name: "late", state: { waiting: { reason: "ContainerCreating" } } },
      ],
    },
  });
  const kubelet: Kubelet = {
    pods: () => [pod],
    pod: (namespace, name) => (namespace === "a" && name === "web" ? pod : undefined),
    container: (_namespace, _pod, name, options) =>
      name === "main" && (options?.id ?? "c") === "c"
        ? { pod, spec: pod.spec.containers[0] as never, id: "c", running: false, logPath }
        : undefined,
    sandboxId: () => undefined,
    volumePath: () => "/var",
    ready: true,
  };
  await world.files.makeFolder("/var/log/pods/p/main");
  await world.files.write(logPath, "2026-01-01T00:00:00Z stdout F hello\n");
  const asked: Attributes[] = [];
  const delegated: Delegated = {
    authenticate: async ({ headers }) => (headers["authorization"] === "Bearer good" ? { user: "ann", groups: ["g"] } : undefined),
    authorize: async (_caller, attributes) => {
      asked.push(attributes);
      return may(attributes);
    },
  };
  const configuration = await readConfiguration(world, { flags: { authentication: { anonymous: { enabled: anonymous } } } });
  const needs = {
    nodeName: "node-1",
    kubelet,
    runtime: simulatedRuntime(world),
    configuration,
    rootFolder: "/var",
    metrics: new Metrics(),
    probes: new ProbeMetrics(),
    checks: [],
    delegated,
    tls: { certificate, key: key.privateKey },
  };
  await world.run(() => startKubeletServer(scope, world, needs));
  const client = world.network.client({ url: "https://127.0.0.1:10250", insecure: true });
  const ask = async (path: string, { token = "good", method = "GET" } = {}) =>
    world.run(async () => {
      const response = await client.request({ method, path, headers: token ? { authorization: `Bearer ${token}` } : {} });
      return { status: response.status, text: new TextDecoder().decode(await response.bytes()) };
    });
  return { ask, asked };
}

test("nothing is served to callers who are not known", async () => {
  const { ask, asked } = await setUp();
  assert.deepEqual(await ask("/pods", { token: "" }), { status: 401, text: "Unauthorized" });
  assert.equal((await ask("/healthz", { token: "bad" })).status, 401);
  assert.deepEqual(asked, []);
});

test("anonymous callers, where they are let in, need the same rights; bad tokens are not anonymous", async () => {
  const { ask } = await setUp({ anonymous: true, may: () => false });
  const { status, text } = await ask("/pods", { token: "" });
  assert.equal(status, 403);
  assert.equal(text, "Forbidden (user=system:anonymous, verb=get, resource=nodes, subresource(s)=[pods proxy])\n");
  assert.equal((await ask("/pods", { token: "bad" })).status, 401);
});

test("the finer right is asked for first, then the one to everything", async () => {
  const { ask, asked } = await setUp({ may: ({ resource }) => resource?.subresource === "proxy" });
  assert.equal((await ask("/pods")).status, 200);
  assert.deepEqual(
    asked.map(({ verb, resource }) => `${verb} ${resource?.resource}/${resource?.subresource} ${resource?.name}`),
    ["get nodes/pods node-1", "get nodes/proxy node-1"],
  );
  assert.equal((await ask("/stats/summary")).status, 403);
  assert.deepEqual(subresourcesFor("/metrics/cadvisor"), ["metrics"]);
  assert.deepEqual(subresourcesFor("/containerLogs/a/b/c"), ["proxy"]);
  assert.deepEqual(subresourcesFor("/podsandmore"), ["proxy"]);
});

test("running something in a container needs the right to create, whatever the method", async () => {
  const { ask, asked } = await setUp({ may: ({ verb }) => verb === "get" });
  for (const path of [
    "/exec/a/web/main?command=ls&output=1",
    "/run/a/web/main?cmd=ls",
    "/attach/a/web/main",
    "/portForward/a/web",
    "//%65xec/a/web/main",
  ]) {
    assert.equal((await ask(path)).status, 403, path);
  }
  assert.deepEqual([...new Set(asked.map(({ verb }) => verb))], ["create"]);
  assert.equal((await ask("/containerLogs/a/web/main")).status, 200);
});

test("logs, and clear words where there are none", async () => {
  const { ask } = await setUp();
  assert.deepEqual(await ask("/containerLogs/a/web/main"), { status: 200, text: "hello\n" });
  assert.deepEqual(await ask("/containerLogs/a/web/late"), {
    status: 400,
    text: 'container "late" in pod "web" is waiting to start: ContainerCreating',
  });
  assert.deepEqual(await ask("/containerLogs/a/web/main?previous=true"), {
    status: 400,
    text: 'previous terminated container "main" in pod "web" not found',
  });
  assert.equal((await ask("/containerLogs/a/none/main")).status, 404);
  assert.equal((await ask("/containerLogs/a/web/none")).status, 404);
  const problem = async (query: string) => Object.values(await ask(`/containerLogs/a/web/main?${query}`)).join(" ");
  assert.equal(await problem("tailLines=x"), '400 {"message": "Unable to decode query."}');
  assert.equal(await problem("sinceTime=yesterday"), '400 {"message": "Unable to decode query."}');
  for (const query of [
    "tailLines=-1",
    "limitBytes=0",
    "sinceSeconds=0",
    "stream=Both",
    "stream=Stdout&tailLines=1",
    "sinceSeconds=1&sinceTime=2026-01-01T00:00:00Z",
  ])
    assert.equal(await problem(query), '422 {"message": "Invalid request."}', query);
});

test("what does not exist, is not encoded or not allowed is refused", async () => {
  const { ask } = await setUp();
  assert.equal((await ask("/nothing")).status, 404);
  assert.equal((await ask("/logs/")).status, 404);
  assert.equal((await ask("/containerLogs/%zz/a/b")).status, 400);
  assert.equal((await ask("/pods", { method: "DELETE" })).status, 405);
  assert.equal((await ask("/exec/a/web/main?command=ls&output=1")).status, 404, "it does not run");
});

test("pods, configuration and statistics are documents", async () => {
  const { ask } = await setUp();
  assert.equal(JSON.parse((await ask("/pods")).text).items[0].metadata.name, "web");
  assert.equal(JSON.parse((await ask("/configz")).text).kubeletconfig.port, 10_250);
  assert.equal(JSON.parse((await ask("/stats/summary")).text).node.nodeName, "node-1");
  assert.match((await ask("/metrics")).text, /^kubelet_volume_stats_capacity_bytes\{namespace="a",persistentvolumeclaim="claimed"\} \d+$/m);
  assert.match((await ask("/metrics/resource")).text, /^node_memory_working_set_bytes 0 \d+$/m);
});
