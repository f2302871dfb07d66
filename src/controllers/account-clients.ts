// A client for each controller, with the rights of its own service account: what one may do, the others need not be able to.
import type { Scope } from "#base/scope.ts";
import { TokenRequest } from "#api/authentication.k8s.io/token-request/token-request.ts";
import { ServiceAccount } from "#api/core/service-account/service-account.ts";
import { isReason } from "#api/meta/status-error.ts";
import type { Client } from "#client/client.ts";
import { httpTransport } from "#client/http/transport.ts";
import { restClient } from "#client/rest-client.ts";
import { farewell } from "#component/farewell.ts";
import type { ClusterAccess } from "#component/kubeconfig.ts";
import type { World } from "#platform/world.ts";

const namespace = "kube-system";
const expirationSeconds = 3_600;
const renewAfterMilliseconds = expirationSeconds * 800;

/** Makes clients by controllers' names. Tokens are asked for with `manager`, when first needed; the connections are shared. */
export function accountClients(
  scope: Scope,
  world: World,
  { server, ca, serverName, insecure }: ClusterAccess,
  manager: Client,
): (name: string) => Client {
  const http = world.network.client({ url: server, ...(ca && { ca }), ...(serverName && { serverName }), ...(insecure && { insecure }) });
  scope.defer("connections of accounts", () => http.close());
  const signal = farewell(scope, world);
  const { version } = world.processes.self;
  return (name) => {
    const token = renewedToken(world, manager, name);
    return restClient(httpTransport(http, { userAgent: `kube-controller-manager/${version} ${name}`, token, signal }), {
      fieldManager: "kube-controller-manager",
    });
  };
}

function renewedToken(world: World, manager: Client, name: string): () => Promise<string> {
  let known: { readonly token: Promise<string>; readonly until: number } | undefined;
  return async () => {
    const now = world.clock.monotonic();
    if (known && now < known.until) return known.token;
    const next = { token: newToken(manager, name), until: now + renewAfterMilliseconds };
    known = next;
    try {
      return await next.token;
    } catch (error) {
      if (known === next) known = undefined;
      throw error;
    }
  };
}

async function newToken(manager: Client, name: string): Promise<string> {
  const ask = () => manager.createSubresource(ServiceAccount, { namespace, name }, "token", TokenRequest, { spec: { expirationSeconds } });
  try {
    return (await ask()).status.token;
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
  }
  try {
    await manager.create(ServiceAccount, { metadata: { namespace, name } });
  } catch (error) {
    if (!isReason(error, "AlreadyExists")) throw error;
  }
  return (await ask()).status.token;
}
