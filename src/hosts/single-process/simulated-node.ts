// A node whose containers are simulated: the real kubelet on a runtime, files and a machine that exist in memory only.
import type { Scope } from "#base/scope.ts";
import type { Client } from "#client/client.ts";
import { startEventRecorder } from "#client/event-recorder.ts";
import { simulatedRuntime } from "#cri/simulated/simulated-runtime.ts";
import { startKubelet } from "#kubelet/kubelet.ts";
import type { Machine } from "#kubelet/node-status/machine.ts";
import { startNodeStatus } from "#kubelet/node-status/node-status.ts";
import type { StartProber } from "#kubelet/probes.ts";
import { SimulatedFiles } from "#platform/simulated/files.ts";
import type { World } from "#platform/world.ts";

/** What each simulated node has to offer. */
const machine: Machine = {
  cpus: 32,
  memoryBytes: 256 * 2 ** 30,
  swapBytes: 0,
  machineId: "",
  systemUuid: "",
  bootId: "",
  kernelVersion: "simulated",
  osImage: "Keelson (simulated)",
  operatingSystem: "linux",
  architecture: "amd64",
  hugepages: {},
  cgroupVersion: undefined,
};
const rootFolder = "/var/lib/kubelet";
const maxPods = 250;

/** Nothing listens in simulated containers: they are started and ready as soon as they run. */
const readyAtOnce: StartProber = () => ({ start() {}, stop() {}, state: () => ({ started: true, ready: true }) });

export async function startSimulatedNode(
  scope: Scope,
  world: World,
  { client, index }: { readonly client: Client; readonly index: number },
): Promise<void> {
  const nodeName = `node-${index + 1}`;
  const nodeIP = `10.${200 + Math.floor(index / 65_536)}.${Math.floor(index / 256) % 256}.${(index % 256) + 1}`;
  const inMemory: World = { ...world, files: new SimulatedFiles(world.clock, world.random), log: world.log.with({ node: nodeName }) };
  const runtime = simulatedRuntime(inMemory, { subnet: `10.244.${index % 256}` });
  const reporter = await startNodeStatus(scope, inMemory, {
    client,
    runtime,
    recorder: startEventRecorder(scope, world, client, { component: "kubelet", host: nodeName }),
    machine,
    options: {
      nodeName,
      hostname: nodeName,
      nodeIP,
      port: 10_250,
      labels: { "keelson.dev/simulated": "true" },
      taints: [],
      externalCloud: false,
      register: true,
      maxPods,
      maxImages: 0,
      rootFolder,
      systemReserved: {},
      kubeReserved: {},
      thresholds: {},
      leaseSeconds: 40,
      updateMilliseconds: 60_000,
      reportMilliseconds: 300_000,
    },
  });
  await startKubelet(scope, inMemory, {
    nodeName,
    runtime,
    client,
    options: {
      rootFolder,
      podLogsFolder: "/var/log/pods",
      containerLogsFolder: "/var/log/containers",
      clusterDns: ["10.96.0.10"],
      clusterDomain: "cluster.local",
      resolverFile: "",
      cgroupRoot: undefined,
      maxPods,
      containerLogMaxBytes: 1 << 20,
      containerLogMaxFiles: 2,
      memoryBytes: machine.memoryBytes,
      withoutMounts: true,
    },
    startProber: readyAtOnce,
    hostIPs: () => reporter.hostIPs(),
    node: () => reporter.node(),
  });
}
