// A kubelet with a simulated runtime, on a simulated machine, before an API server in memory.
import type { Node } from "#api/core/node/node.ts";
import type { Scope } from "#base/scope.ts";
import { inProcessTransport } from "#client/in-process/transport.ts";
import { restClient } from "#client/rest-client.ts";
import type { Client } from "#client/client.ts";
import { type SimulatedRuntime, type SimulatedRuntimeOptions, simulatedRuntime } from "#cri/simulated/simulated-runtime.ts";
import type { World } from "#platform/world.ts";
import { type Kubelet, type KubeletOptions, startKubelet } from "#kubelet/kubelet.ts";
import type { StartProber } from "#kubelet/probes.ts";
import type { Harness } from "./api-server.ts";
import { proberThatIsPleased } from "./prober.ts";

export const kubeletOptions: KubeletOptions = {
  rootFolder: "/var/lib/kubelet",
  podLogsFolder: "/var/log/pods",
  containerLogsFolder: "/var/log/containers",
  staticPodFolder: "/etc/kubernetes/manifests",
  clusterDns: ["10.96.0.10"],
  clusterDomain: "cluster.local",
  resolverFile: "",
  cgroupRoot: undefined,
  maxPods: 110,
  containerLogMaxBytes: 10_000_000,
  containerLogMaxFiles: 5,
  memoryBytes: 8_000_000_000,
  withoutMounts: true,
};

export interface TestKubelet {
  readonly kubelet: Kubelet;
  readonly runtime: SimulatedRuntime;
  readonly client: Client;
}

export function adminClient({ api }: Harness): Client {
  const identity = { user: "admin", groups: ["system:masters"] };
  const handle = api.handleAs({ name: "admin", groups: ["system:masters"] });
  return restClient(inProcessTransport(handle, { identity, userAgent: "test" }), { fieldManager: "test" });
}

function refusedClient(): Client {
  const refuse = () => Promise.reject(new Error("connection refused"));
  return restClient(inProcessTransport(refuse, { identity: { user: "nobody", groups: [] }, userAgent: "test" }), { fieldManager: "test" });
}

export interface TestKubeletOptions extends SimulatedRuntimeOptions {
  readonly startProber?: StartProber;
  readonly node?: () => Node | undefined;
  /** A runtime of an earlier kubelet. */
  readonly runtime?: SimulatedRuntime;
  /** Stops this kubelet before the harness does. */
  readonly scope?: Scope;
  readonly cgroupRoot?: string;
  /** Instead of the harness's. */
  readonly world?: World;
  /** The API server does not answer. */
  readonly isAlone?: boolean;
}

export async function startTestKubelet(harness: Harness, options: TestKubeletOptions = {}): Promise<TestKubelet> {
  const { startProber = proberThatIsPleased, node = () => undefined, scope = harness.scope, world = harness.world } = options;
  const client = options.isAlone ? refusedClient() : adminClient(harness);
  const runtime = options.runtime ?? simulatedRuntime(world, options);
  const needs = {
    nodeName: "node-1",
    runtime,
    client,
    options: { ...kubeletOptions, cgroupRoot: options.cgroupRoot },
    startProber,
    hostIPs: () => ["10.0.0.1"],
    node,
  };
  return { kubelet: await startKubelet(scope, world, needs), runtime, client };
}
