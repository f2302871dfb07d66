// The control plane in one process: store, API server, controllers, scheduler and simulated nodes, meeting by function calls.
import type { Node } from "#api/core/node/node.ts";
import { serviceAccountIssuer } from "#apiserver/authentication/service-accounts/issuer.ts";
import type { Scope } from "#base/scope.ts";
import { applyAddOns } from "#bootstrap/add-ons.ts";
import { localPathClass } from "#bootstrap/local-path.ts";
import type { DevCluster, DevOptions } from "#cli/command.ts";
import { sharedInformers } from "#client/informers.ts";
import { allControllers } from "#controllers/all.ts";
import type { ClusterFacts } from "#controllers/controller.ts";
import { startControllers } from "#controllers/manager.ts";
import { metricsServiceName, startMetricsServer } from "#metrics-server/metrics-server.ts";
import type { World } from "#platform/world.ts";
import { startScheduler } from "#scheduler/scheduler.ts";
import type { Store } from "#store/store.ts";
import type { HttpHandler } from "#wire/http/message.ts";
import { assembleApiServer, connectInProcess } from "../api-server.ts";
import { rolesOf } from "../controller-roles.ts";
import { devCertificates } from "./certificates.ts";

const host = "127.0.0.1";
const kubelets = {
  addressTypes: ["InternalIP", "Hostname"],
  without: { label: "keelson.dev/simulated", why: "is simulated: its Pods run no containers, which would have logs or take commands" },
};

export async function start(scope: Scope, world: World, { port, dataFolder, etcd, nodes }: DevOptions): Promise<DevCluster> {
  if (dataFolder !== undefined) await world.files.makeFolder(dataFolder, { mode: 0o700 });
  const [store, certificates] = await Promise.all([
    etcd ? openEtcd(scope, world, etcd) : openStore(scope, world, dataFolder),
    devCertificates(world, dataFolder),
  ]);
  const issuer = serviceAccountIssuer(world, {
    issuers: ["https://kubernetes.default.svc.cluster.local"],
    signingKey: certificates.serviceAccountKey,
  });
  // Simulated nodes have numbers, but nothing that serves them: they are asked for within the process.
  const numbers = new Map<string, () => Promise<string>>();
  let metrics: HttpHandler | undefined;
  const metricsOf: HttpHandler = async (request) => metrics?.(request) ?? { status: 503, headers: {} };
  const api = await assembleApiServer(scope, world, {
    store,
    issuer,
    controllers: rolesOf(allControllers),
    options: { storedMedia: etcd ? "protobuf" : "json" },
    kubelets,
    aggregation: { toEndpoints: true, ...(nodes > 0 && { inProcess: { [metricsServiceName]: metricsOf } }) },
  });
  const listener = await world.network.serve(
    scope,
    { host, port, tls: { ...certificates.serving, clientCa: certificates.ca } },
    api.handle,
  );
  await api.started;

  const groups = ["system:masters", "system:authenticated"];
  const as = (name: string) => connectInProcess(api.handleAs({ name, groups }), name);
  const manager = as("kube-controller-manager");
  scope.start("kube-controller-manager", async (task) => {
    const facts: ClusterFacts = {
      clusterDomain: "cluster.local",
      clusterCidrs: [{ range: "10.244.0.0/16", nodeMaskSize: 24 }],
      serviceClusterIpRange: "10.96.0.0/12",
      rootCa: certificates.ca,
      signer: { certificate: certificates.ca, key: certificates.caKey },
    };
    await startControllers(task, world, { client: manager, facts });
    await stopped(task);
  });
  const scheduler = as("kube-scheduler");
  scope.start("kube-scheduler", async (task) => {
    const informers = sharedInformers(task, world, scheduler);
    await startScheduler(task, world, { client: scheduler, informers });
    await stopped(task);
  });
  if (nodes > 0) {
    const { shareInformers, simulatedMemoryBytes, simulatedNode, startSimulatedNode } = await import("./simulated-node.ts");
    const { numbersOf } = await import("./node-numbers.ts");
    const scrape = async ({ metadata: { name } }: Node): Promise<string> => {
      const own = numbers.get(name);
      if (!own) throw new Error("it is none of the simulated ones, and has nothing to ask here");
      return own();
    };
    metrics = startMetricsServer(scope, world, { client: as("metrics-server"), scrape, resolutionMilliseconds: 15_000 });
    const shared = shareInformers(scope, world, as("kubelet"));
    await applyAddOns(as("keelson"), [localPathClass]);
    for (let index = 0; index < nodes; index += 1) {
      const client = as("kubelet");
      const node = simulatedNode(world, index);
      numbers.set(node.name, numbersOf(node, simulatedMemoryBytes));
      scope.start(`node ${index + 1}`, async (task) => {
        await startSimulatedNode(task, node, { client, shared });
        await stopped(task);
      });
    }
  }
  return {
    url: `https://${host}:${listener.port}`,
    ca: certificates.ca,
    clientCertificate: certificates.admin.certificate,
    clientKey: certificates.admin.key,
  };
}

async function openStore(scope: Scope, world: World, folder: string | undefined): Promise<Store> {
  if (folder === undefined) return (await import("#store/memory/memory-store.ts")).openMemoryStore(scope, world);
  const store = await (await import("#store/disk/disk-store.ts")).openDiskStore(scope, world, { path: `${folder}/store` });
  const { serveSnapshots } = await import("../store-tools/serve-snapshots.ts");
  await serveSnapshots(scope, world, store, folder);
  return store;
}

async function openEtcd(scope: Scope, world: World, etcd: NonNullable<DevOptions["etcd"]>): Promise<Store> {
  const { openEtcd: open } = await import("../api-server-store.ts");
  return open(scope, world, etcd);
}

/** Resolves when the scope stops: a task that only holds others lives as long. */
function stopped(scope: Scope): Promise<void> {
  return new Promise((resolve) => {
    if (scope.stopped) resolve();
    else scope.signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
