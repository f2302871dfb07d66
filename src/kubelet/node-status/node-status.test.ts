import assert from "node:assert/strict";
import { test } from "node:test";
import { rootScope } from "#base/scope.ts";
import { conditionOf } from "#api/meta/conditions.ts";
import { Lease } from "#api/coordination.k8s.io/lease/lease.ts";
import { Node } from "#api/core/node/node.ts";
import { simulatedRuntime } from "#cri/simulated/simulated-runtime.ts";
import type { RuntimeEvent, RuntimeStatus } from "#cri/runtime.ts";
import { simulatedWorld } from "#platform/simulated/world.ts";
import { FakeCluster } from "../../../test/support/fake-cluster.ts";
import { evictionDefaults } from "../config/kubelet-configuration.ts";
import { defaultInterface, ownAddresses, withMissing } from "./addresses.ts";
import { whyNotReady } from "./conditions.ts";
import { readMachine } from "./machine.ts";
import { type NodeStatusOptions, startNodeStatus } from "./node-status.ts";

const networkDown = {
  type: "NetworkReady",
  status: false,
  reason: "NetworkPluginNotReady",
  message: "Network plugin returns error: cni plugin not initialized",
};
const runtimeUp = { type: "RuntimeReady", status: true, reason: "", message: "" };

async function setUp(more: Partial<NodeStatusOptions> = {}) {
  const world = simulatedWorld({ seed: 1 });
  const scope = rootScope("test", (error) => {
    throw error;
  });
  const cluster = new FakeCluster();
  const events: string[] = [];
  let status: RuntimeStatus | undefined = { conditions: [runtimeUp, { ...networkDown, status: true }] };
  let told: ((event: RuntimeEvent) => void) | undefined;
  for (const [path, text] of Object.entries({
    "/proc/meminfo": "MemTotal:        4194304 kB\nMemAvailable:    2097152 kB\nSwapTotal:             0 kB\n",
    "/etc/machine-id": "m1\n",
    "/proc/sys/kernel/random/boot_id": "b1\n",
    "/proc/sys/kernel/osrelease": "6.1.0\n",
    "/etc/os-release": 'NAME=x\nPRETTY_NAME="Some Linux 1"\n',
    "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages": "0\n",
  })) {
    await world.files.makeFolder(path.slice(0, path.lastIndexOf("/")));
    await world.files.write(path, text);
  }
  await world.files.makeFolder("/var/lib/kubelet");
  const runtime = {
    ...simulatedRuntime(world),
    status: async () => {
      if (!status) throw new Error("down");
      return status;
    },
    version: async () => ({ runtimeName: "containerd", runtimeVersion: "1.6.20", apiVersion: "v1" }),
    watch: (_: unknown, call: (event: RuntimeEvent) => void) => void (told = call),
  };
  const options: NodeStatusOptions = {
    nodeName: "node-1",
    hostname: "node-1",
    port: 10_250,
    labels: { zone: "a" },
    taints: [],
    externalCloud: false,
    register: true,
    maxPods: 110,
    maxImages: 50,
    rootFolder: "/var/lib/kubelet",
    systemReserved: {},
    kubeReserved: { cpu: "100m" },
    thresholds: evictionDefaults,
    leaseSeconds: 40,
    updateMilliseconds: 10_000,
    reportMilliseconds: 300_000,
    ...more,
  };
  const start = async () =>
    startNodeStatus(scope, world, {
      client: cluster.client(world),
      runtime,
      recorder: { record: (_subject, type, reason, message) => events.push(`${type} ${reason} ${message}`) },
      machine: await readMachine(world),
      options,
    });
  return {
    world,
    scope,
    cluster,
    events,
    start,
    say: (next: RuntimeStatus | undefined) => (status = next),
    tell: (event: RuntimeEvent) => told?.(event),
    node: () => cluster.get(Node, "node-1"),
    ready: () => conditionOf(cluster.get(Node, "node-1")?.status.conditions, "Ready"),
  };
}

test("NODE1 registers the Node with its labels, resources, addresses and conditions", async () => {
  const { world, start, node, events } = await setUp();
  const reporter = await start();
  await world.advance(50);
  const { metadata, status } = node() as Node;
  assert.deepEqual(metadata.labels, {
    "beta.kubernetes.io/arch": "amd64",
    "beta.kubernetes.io/os": "linux",
    "kubernetes.io/arch": "amd64",
    "kubernetes.io/hostname": "node-1",
    "kubernetes.io/os": "linux",
    zone: "a",
  });
  assert.deepEqual(status.capacity, {
    cpu: "2",
    "ephemeral-storage": `${64 * 2 ** 20}Ki`,
    "hugepages-2Mi": "0",
    memory: "4194304Ki",
    pods: "110",
  });
  assert.equal(status.allocatable?.["cpu"], "1900m");
  assert.equal(status.allocatable?.["memory"], `${4194304 - 102400}Ki`);
  assert.deepEqual(status.addresses, [
    { type: "InternalIP", address: reporter.hostIPs()[0] },
    { type: "Hostname", address: "node-1" },
  ]);
  assert.deepEqual(
    status.conditions?.map(({ type, status: is, reason }) => `${type}=${is} ${reason}`),
    [
      "MemoryPressure=False KubeletHasSufficientMemory",
      "DiskPressure=False KubeletHasNoDiskPressure",
      "PIDPressure=False KubeletHasSufficientPID",
      "Ready=True KubeletReady",
    ],
  );
  assert.equal(status.nodeInfo.containerRuntimeVersion, "containerd://1.6.20");
  assert.equal(status.nodeInfo.osImage, "Some Linux 1");
  assert.equal(status.daemonEndpoints.kubeletEndpoint.Port, 10_250);
  assert.ok(events.includes("Normal NodeReady Node node-1 status is now: NodeReady"));
  assert.ok(events.includes("Normal Starting Starting kubelet."));
});

test("NODE2 becomes Ready within 200 ms of the network, and says before why it is not", async () => {
  const { world, start, say, ready } = await setUp();
  say({ conditions: [runtimeUp, networkDown] });
  await start();
  await world.advance(3_000);
  assert.equal(ready()?.status, "False");
  assert.equal(
    ready()?.message,
    "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized",
  );
  say({ conditions: [runtimeUp, { ...networkDown, status: true }] });
  await world.advance(200);
  assert.equal(ready()?.status, "True");
  assert.equal(ready()?.message, "kubelet is posting ready status");
});

test("NODE3 posts changes at once, and nothing but a report every five minutes otherwise", async () => {
  const { world, start, say, tell, ready, cluster } = await setUp();
  await start();
  await world.advance(60_000);
  const patches = () => cluster.calls.filter((call) => call === "patch Node node-1").length;
  assert.equal(patches(), 0);
  await world.advance(260_000);
  assert.equal(patches(), 1);
  say(undefined);
  tell({ type: "resync" });
  await world.advance(25_000);
  assert.equal(ready()?.status, "True", "NODE-305: a runtime that starts anew makes no Node unready");
  await world.advance(25_000);
  assert.equal(ready()?.status, "False");
  assert.equal(ready()?.message, "container runtime is down");
});

test("NODE1 a Node that exists keeps what others gave it; one that is deleted comes back", async () => {
  const { world, start, cluster, node, events } = await setUp();
  const others = { type: "NetworkUnavailable", status: "False" };
  cluster.put(Node, {
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: "node-1", labels: { role: "db" } },
    spec: { unschedulable: true },
    status: { nodeInfo: { bootID: "b0" }, conditions: [others] },
  });
  await start();
  await world.advance(100);
  assert.equal(node()?.metadata.labels?.["role"], "db");
  assert.equal(node()?.metadata.labels?.["kubernetes.io/hostname"], "node-1");
  assert.equal(node()?.spec.unschedulable, true);
  assert.ok(events.includes("Warning Rebooted Node node-1 has been rebooted, boot id: b1"));
  cluster.remove(Node, "node-1");
  await world.advance(200);
  assert.equal(conditionOf(node()?.status.conditions, "Ready")?.status, "True");
});

test("NODE3 registers as soon as the API server answers, and renews the Lease every ten seconds", async () => {
  const { world, start, cluster, node } = await setUp();
  let isDown = true;
  cluster.before = () => {
    if (isDown) throw new Error("connection refused");
  };
  await start();
  await world.advance(30_000);
  assert.equal(node(), undefined);
  isDown = false;
  await world.advance(1_100);
  assert.ok(node());
  const lease = () => cluster.get(Lease, "kube-node-lease/node-1");
  await world.advance(1_000);
  const first = lease()?.spec.renewTime as string;
  assert.equal(lease()?.spec.holderIdentity, "node-1");
  assert.equal(lease()?.spec.leaseDurationSeconds, 40);
  await world.advance(10_000);
  assert.equal(Date.parse(lease()?.spec.renewTime as string) - Date.parse(first), 10_000);
});

test("the reasons of several things that are not ready stand in brackets", () => {
  const both = whyNotReady({ conditions: [{ type: "RuntimeReady", status: false, reason: "R", message: "r" }, networkDown] });
  assert.match(both ?? "", /^\[container runtime not ready: RuntimeReady=false reason:R message:r, container runtime network not ready: /);
});

test("the Node's address is that of the interface with the default route, unless one is given", async () => {
  const header = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\n";
  assert.equal(
    defaultInterface(`${header}eth1\t00000000\t01\t3\t0\t0\t100\t00000000\t0\neth0\t00000000\t01\t3\t0\t0\t0\t00000000\t0\n`),
    "eth0",
  );
  assert.equal(defaultInterface(`${header}eth0\t000200C0\t00\t1\t0\t0\t0\t00FFFFFF\t0\n`), undefined);
  const world = simulatedWorld({ seed: 1, address: "192.168.50.7" });
  assert.deepEqual(await ownAddresses(world, undefined, []), ["192.168.50.7"]);
  assert.deepEqual(await ownAddresses(world, undefined, ["10.244.0.0/16"]), ["192.168.50.7"]);
  assert.deepEqual(await ownAddresses(world, "10.1.2.3", []), ["10.1.2.3"]);
  assert.deepEqual(await ownAddresses(world, "10.1.2.3,fd00::3", []), ["10.1.2.3", "fd00::3"]);
});

test("where Pods have addresses of both families, so has the Node, in the same order", async () => {
  const world = simulatedWorld({ seed: 1, address: "192.168.50.7" });
  const v4 = "10.42.0.0/16";
  const v6 = "fd00:42::/56";
  assert.deepEqual(await ownAddresses(world, undefined, [v4, v6]), ["192.168.50.7"], "one that it does not have is not told");
  await world.files.makeFolder("/proc/net");
  await world.files.write("/proc/net/if_inet6", "fd000050000000000000000000000007 02 40 00 80     eth0\n");
  assert.deepEqual(await ownAddresses(world, undefined, [v4, v6]), ["192.168.50.7", "fd00:50::7"]);
  assert.deepEqual(await ownAddresses(world, undefined, [v6, v4]), ["fd00:50::7", "192.168.50.7"]);
  assert.deepEqual(await ownAddresses(world, "10.1.2.3", [v4, v6]), ["10.1.2.3"]);
  assert.deepEqual(withMissing(["192.168.50.8"], ["fd00:50::7", "192.168.50.7"]), ["fd00:50::7", "192.168.50.8"]);
});

test("a Node keeps an address of each family when its status is told again", async () => {
  const { world, start, node } = await setUp({ nodeIP: "10.1.2.3,fd00::3", reportMilliseconds: 10_000 });
  await start();
  await world.advance(25_000);
  assert.deepEqual(node()?.status.addresses, [
    { type: "InternalIP", address: "10.1.2.3" },
    { type: "InternalIP", address: "fd00::3" },
    { type: "Hostname", address: "node-1" },
  ]);
});

test("NODE-358: a Node that others gave up while it was not heard says at once how it is; NODE-361: it tells when it is cordoned", async () => {
  const { world, start, cluster, node, events, ready } = await setUp();
  await start();
  await world.advance(5_000);
  assert.equal(ready()?.status, "True");
  const before = node() as Node;
  const conditions = before.status.conditions?.map((condition) => ({ ...condition, status: "Unknown", reason: "NodeStatusUnknown" }));
  cluster.put(Node, { ...before, spec: { ...before.spec, unschedulable: true }, status: { ...before.status, conditions } } as Node);
  await world.advance(1_000);
  assert.equal(ready()?.status, "True");
  assert.ok(events.includes("Normal NodeNotSchedulable Node node-1 status is now: NodeNotSchedulable"), events.join("\n"));
  cluster.put(Node, { ...(node() as Node), spec: before.spec });
  await world.advance(1_000);
  assert.ok(events.includes("Normal NodeSchedulable Node node-1 status is now: NodeSchedulable"));
});
