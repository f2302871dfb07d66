// A node whose containers are simulated: the real kubelet on a runtime, files and a machine that exist in memory only.
import type { Scope } from "#base/scope.ts";
import { Node } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { Service } from "#api/core/service/service.ts";
import type { Client } from "#client/client.ts";
import { startEventRecorder } from "#client/event-recorder.ts";
import { type Informer, startInformer } from "#client/informer.ts";
import type { Runtime } from "#cri/runtime.ts";
import { type SimulatedRuntime, type SimulatedRuntimeOptions, simulatedRuntime } from "#cri/simulated/simulated-runtime.ts";
import { startKubelet } from "#kubelet/kubelet.ts";
import type { NodePods } from "#kubelet/node-pods.ts";
import type { Machine } from "#kubelet/node-status/machine.ts";
import { startNodeStatus } from "#kubelet/node-status/node-status.ts";
import type { StartProber } from "#kubelet/probes.ts";
import { SimulatedFiles } from "#platform/simulated/files.ts";
import type { World } from "#platform/world.ts";
import { podsByNode } from "./pods-by-node.ts";

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
export const simulatedMemoryBytes = machine.memoryBytes;
const rootFolder = "/var/lib/kubelet";
const maxPods = 250;

/** Nothing listens in simulated containers: they are started and ready as soon as they run. */
const readyAtOnce: StartProber = () => ({ start() {}, stop() {}, stopRestarts() {}, state: () => ({ started: true, ready: true }) });

/** What all nodes of the process read from one copy. */
export interface SharedInformers {
  readonly nodes: Informer<Node>;
  readonly services: Informer<Service>;
  readonly podsOf: (nodeName: string) => NodePods;
}

export function shareInformers(scope: Scope, world: World, client: Client): SharedInformers {
  return {
    nodes: startInformer(scope, world, client, Node),
    services: startInformer(scope, world, client, Service),
    podsOf: podsByNode(startInformer(scope, world, client, Pod)),
  };
}

/** A machine in memory: it is there while its kubelet is not. */
export interface SimulatedNode {
  readonly name: string;
  readonly ip: string;
  readonly world: World;
  readonly runtime: SimulatedRuntime;
}

export function simulatedNode(world: World, index: number, options: SimulatedRuntimeOptions = {}): SimulatedNode {
  const name = `node-${index + 1}`;
  const ip = `10.${200 + Math.floor(index / 65_536)}.${Math.floor(index / 256) % 256}.${(index % 256) + 1}`;
  const own: World = { ...world, files: new SimulatedFiles(world.clock, world.random), log: world.log.with({ kubelet: name }) };
  return { name, ip, world: own, runtime: simulatedRuntime(own, { subnet: `10.244.${index % 256}`, ...options }) };
}

export interface SimulatedNodeNeeds {
  readonly client: Client;
  readonly shared?: SharedInformers;
  /** The folder of static Pods' manifests, among the node's own files; none when absent. */
  readonly staticPodFolder?: string;
}

/** Starts a node's kubelet, which finds whatever its machine holds. */
export async function startSimulatedNode(
  scope: Scope,
  { name: nodeName, ip: nodeIP, world, runtime }: Omit<SimulatedNode, "runtime"> & { readonly runtime: Runtime },
  { client, shared, staticPodFolder }: SimulatedNodeNeeds,
): Promise<void> {
  const reporter = await startNodeStatus(scope, world, {
    client,
    nodes: shared?.nodes,
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
  await startKubelet(scope, world, {
    nodeName,
    runtime,
    client,
    pods: shared?.podsOf(nodeName),
    services: shared?.services,
    options: {
      rootFolder,
      podLogsFolder: "/var/log/pods",
      containerLogsFolder: "/var/log/containers",
      staticPodFolder,
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
