// The control plane in one process: store, API server, controllers, scheduler and simulated nodes, meeting by function calls.
import { serviceAccountIssuer } from "#apiserver/authentication/service-accounts/issuer.ts";
import type { Scope } from "#base/scope.ts";
import type { DevCluster, DevOptions } from "#cli/command.ts";
import { sharedInformers } from "#client/informers.ts";
import type { World } from "#platform/world.ts";
import { startScheduler } from "#scheduler/scheduler.ts";
import type { Store } from "#store/store.ts";
import { assembleApiServer, connectInProcess } from "../api-server.ts";
import { devCertificates } from "./certificates.ts";

const host = "127.0.0.1";

export async function start(scope: Scope, world: World, { port, dataFolder, nodes }: DevOptions): Promise<DevCluster> {
  if (dataFolder !== undefined) await world.files.makeFolder(dataFolder, { mode: 0o700 });
  const [store, certificates] = await Promise.all([openStore(scope, world, dataFolder), devCertificates(world, dataFolder)]);
  const issuer = serviceAccountIssuer(world, {
    issuers: ["https://kubernetes.default.svc.cluster.local"],
    signingKey: certificates.serviceAccountKey,
  });
  const api = await assembleApiServer(scope, world, { store, issuer, options: {} });
  const listener = await world.network.serve(
    scope,
    { host, port, tls: { ...certificates.serving, clientCa: certificates.ca } },
    api.handle,
  );
  await api.started;

  const groups = ["system:masters", "system:authenticated"];
  const as = (name: string) => connectInProcess(api.handleAs({ name, groups }), name);
  const scheduler = as("kube-scheduler");
  scope.start("kube-scheduler", async (task) => {
    const informers = sharedInformers(task, world, scheduler);
    await startScheduler(task, world, { client: scheduler, informers });
    await stopped(task);
  });
  world.log.debug("nodes are simulated", { nodes });
  return {
    url: `https://${host}:${listener.port}`,
    ca: certificates.ca,
    clientCertificate: certificates.admin.certificate,
    clientKey: certificates.admin.key,
  };
}

async function openStore(scope: Scope, world: World, folder: string | undefined): Promise<Store> {
  if (folder === undefined) return (await import("#store/memory/memory-store.ts")).openMemoryStore(scope, world);
  return (await import("#store/disk/disk-store.ts")).openDiskStore(scope, world, { path: `${folder}/store` });
}

/** Resolves when the scope stops: a task that only holds others lives as long. */
function stopped(scope: Scope): Promise<void> {
  return new Promise((resolve) => {
    if (scope.stopped) resolve();
    else scope.signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
