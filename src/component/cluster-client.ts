// How a component reaches the cluster: by a kubeconfig, or from inside a Pod by its service account.
import type { Scope } from "#base/scope.ts";
import { httpTransport } from "#client/http/transport.ts";
import type { Client } from "#client/client.ts";
import { restClient } from "#client/rest-client.ts";
import type { World } from "#platform/world.ts";
import { type ClusterAccess, readKubeconfig } from "./kubeconfig.ts";
import { ConfigError } from "./component.ts";
import { farewell } from "./farewell.ts";

const accountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";
/** A rotated token is used at the latest after this long. */
const tokenAgeMilliseconds = 60_000;

/** The access a Pod has by its service account. */
export async function inClusterAccess(world: World): Promise<ClusterAccess> {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = world.processes.self.environment;
  if (!host || !port)
    throw new ConfigError(
      "no --kubeconfig is given, and this is not a Pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set",
    );
  const address = host.includes(":") ? `[${host}]` : host;
  return {
    server: `https://${address}:${port}`,
    ca: await world.files.readText(`${accountFolder}/ca.crt`),
    tokenFile: `${accountFolder}/token`,
  };
}

export async function accessFor(world: World, kubeconfig: string | undefined): Promise<ClusterAccess> {
  return kubeconfig ? readKubeconfig(world, kubeconfig) : inClusterAccess(world);
}

/** A client for a component, named `name` to the server. Closed with the scope, whose end waits for no server that does not answer. */
export function clientFor(scope: Scope, world: World, access: ClusterAccess, name: string): Client {
  const { server, ca, certificate, key, serverName, insecure, tokenFile, token } = access;
  const http = world.network.client({
    url: server,
    ...(ca && { ca }),
    ...(certificate && { certificate }),
    ...(key && { key }),
    ...(serverName && { serverName }),
    ...(insecure && { insecure }),
  });
  scope.defer("connections", () => http.close());
  const signal = farewell(scope, world);
  const currentToken = tokenFile ? fileToken(world, tokenFile) : token ? () => token : undefined;
  const { version, platform, architecture } = world.processes.self;
  const userAgent = `${name}/${version} (${platform}/${architecture}) keelson`;
  return restClient(httpTransport(http, { userAgent, signal, ...(currentToken && { token: currentToken }) }), { fieldManager: name });
}

function fileToken(world: World, path: string): () => Promise<string> {
  let known = { token: "", readAt: Number.NEGATIVE_INFINITY };
  return async () => {
    const now = world.clock.monotonic();
    if (now - known.readAt <= tokenAgeMilliseconds) return known.token;
    try {
      known = { token: (await world.files.readText(path)).trim(), readAt: now };
    } catch (error) {
      if (known.token === "") throw error;
    }
    return known.token;
  };
}
