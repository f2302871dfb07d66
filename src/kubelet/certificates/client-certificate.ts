// Who the kubelet is to the API server: a kubeconfig, one made with a bootstrap token when there is none yet, and a certificate that is
// replaced before it ends.
import type { Scope } from "#base/scope.ts";
import type { Client } from "#client/client.ts";
import { clientFor } from "#component/cluster-client.ts";
import { ConfigError } from "#component/component.ts";
import { type ClusterAccess, readKubeconfig } from "#component/kubeconfig.ts";
import type { World } from "#platform/world.ts";
import { writeYaml } from "#wire/yaml/yaml.ts";
import { type IssuedCertificate, requestCertificate } from "./certificate-request.ts";
import { currentPath, readCurrent, renewalMoment, storeCurrent, storePatiently } from "./certificate-store.ts";

export interface ClientCertificateOptions {
  readonly nodeName: string;
  readonly kubeconfig: string;
  readonly bootstrapKubeconfig?: string | undefined;
  readonly certificateFolder: string;
  readonly rotate: boolean;
}

/** A client that is the node, whichever certificate that takes. Waits for the cluster only when there is no certificate at all. */
export async function nodeClient(scope: Scope, world: World, options: ClientCertificateOptions): Promise<Client> {
  const access = await establishAccess(scope, world, options);
  if (!options.rotate || !access.certificate) return clientFor(scope, world, access, "kubelet");

  let connections = scope.child("API client");
  let current = clientFor(connections, world, access, "kubelet");
  const client = switching(() => current);
  let due = renewalMoment(world, access.certificate);
  scope.start("client certificate rotation", async (task) => {
    for (;;) {
      await sleepUntil(task, world, due);
      const issued = await requestCertificate(task, world, client, {
        nodeName: options.nodeName,
        signerName: "kubernetes.io/kube-apiserver-client-kubelet",
      });
      due = renewalMoment(world, issued.certificate);
      const old = connections;
      connections = scope.child("API client");
      current = clientFor(connections, world, { ...access, ...issued }, "kubelet");
      await old.stop();
      await storePatiently(task, world, due, async () => {
        await storeCurrent(world, options.certificateFolder, "kubelet-client", issued);
        await writeKubeconfig(world, options, access);
        world.log.info("replaced the client certificate", { file: currentPath(options.certificateFolder, "kubelet-client") });
      });
    }
  });
  return client;
}

/** Longer than a timer holds, in steps. */
async function sleepUntil(scope: Scope, world: World, moment: number): Promise<void> {
  const dayMilliseconds = 24 * 3_600_000;
  for (let left = moment - world.clock.now(); left > 0; left = moment - world.clock.now())
    await world.clock.sleep(scope, Math.min(left, dayMilliseconds));
}

async function establishAccess(scope: Scope, world: World, options: ClientCertificateOptions): Promise<ClusterAccess> {
  const { kubeconfig, bootstrapKubeconfig } = options;
  if (await world.files.stat(kubeconfig, { follow: true })) {
    const access = await readKubeconfig(world, kubeconfig);
    if (!bootstrapKubeconfig || !access.certificate || world.crypto.readCertificate(access.certificate).notAfter > world.clock.now())
      return access;
  } else if (!bootstrapKubeconfig)
    throw new ConfigError(`kubeconfig ${kubeconfig}: there is no such file, and no --bootstrap-kubeconfig is given to make it with`);
  const bootstrap = await readKubeconfig(world, bootstrapKubeconfig);
  const issued =
    (await readCurrent(world, options.certificateFolder, "kubelet-client")) ??
    (await bootstrapCertificate(scope, world, options, bootstrap));
  await writeKubeconfig(world, options, bootstrap);
  const { server, ca, serverName, insecure } = bootstrap;
  return { server, ...(ca && { ca }), ...(serverName && { serverName }), ...(insecure && { insecure }), ...issued };
}

async function bootstrapCertificate(
  scope: Scope,
  world: World,
  { nodeName, certificateFolder }: ClientCertificateOptions,
  bootstrap: ClusterAccess,
): Promise<IssuedCertificate> {
  world.log.info("asking the cluster for a client certificate", { server: bootstrap.server, node: nodeName });
  const connections = scope.child("bootstrap client");
  try {
    const client = clientFor(connections, world, bootstrap, "kubelet-bootstrap");
    const issued = await requestCertificate(connections, world, client, {
      nodeName,
      signerName: "kubernetes.io/kube-apiserver-client-kubelet",
    });
    await storeCurrent(world, certificateFolder, "kubelet-client", issued);
    return issued;
  } finally {
    await connections.stop();
  }
}

/** A kubeconfig that points at the newest certificate, so that it need not change when that one does. */
async function writeKubeconfig(
  world: World,
  { kubeconfig, certificateFolder }: ClientCertificateOptions,
  access: ClusterAccess,
): Promise<void> {
  const path = currentPath(certificateFolder, "kubelet-client");
  const { server, ca, serverName, insecure } = access;
  const cluster = {
    server,
    ...(ca && { "certificate-authority-data": btoa(ca) }),
    ...(serverName && { "tls-server-name": serverName }),
    ...(insecure && { "insecure-skip-tls-verify": true }),
  };
  const text = writeYaml({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "default-cluster", cluster }],
    users: [{ name: "default-auth", user: { "client-certificate": path, "client-key": path } }],
    contexts: [{ name: "default-context", context: { cluster: "default-cluster", namespace: "default", user: "default-auth" } }],
    "current-context": "default-context",
  });
  await world.files.replace(kubeconfig, text, { mode: 0o600 });
}

/** Each call goes to the client of the moment. */
function switching(current: () => Client): Client {
  return {
    get: (...call) => current().get(...call),
    list: (...call) => current().list(...call),
    watch: (...call) => current().watch(...call),
    create: (...call) => current().create(...call),
    update: (...call) => current().update(...call),
    updateStatus: (...call) => current().updateStatus(...call),
    patch: (...call) => current().patch(...call),
    delete: (...call) => current().delete(...call),
    deleteCollection: (...call) => current().deleteCollection(...call),
    createSubresource: (...call) => current().createSubresource(...call),
    getSubresource: (...call) => current().getSubresource(...call),
    updateSubresource: (...call) => current().updateSubresource(...call),
    raw: (...call) => current().raw(...call),
  };
}
