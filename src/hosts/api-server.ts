// The API server put together from its parts: who may come in, what they may do, what is checked before a write. Both hosts build theirs here.
import { allKinds } from "#api/all.ts";
import { allAdmissionPlugins } from "#apiserver/admission/all.ts";
import { bearerTokenAuthenticator } from "#apiserver/authentication/bearer-token.ts";
import { clientCertificateAuthenticator } from "#apiserver/authentication/client-certificate.ts";
import type { ServiceAccountIssuer } from "#apiserver/authentication/service-accounts/issuer.ts";
import { serviceAccountTokens } from "#apiserver/authentication/service-accounts/service-account-tokens.ts";
import { cachedTokens } from "#apiserver/authentication/token-cache.ts";
import { authorizerChain } from "#apiserver/authorization/authorization.ts";
import { livePodsOfNodes, nodeAuthorizer } from "#apiserver/authorization/node/node-authorizer.ts";
import { rbacAuthorizer } from "#apiserver/authorization/rbac/rbac-authorizer.ts";
import { liveRoles } from "#apiserver/authorization/rbac/roles.ts";
import type { User } from "#apiserver/request.ts";
import { type ApiServer, type ApiServerOptions, startApiServer } from "#apiserver/start.ts";
import { assert } from "#base/assert.ts";
import type { Scope } from "#base/scope.ts";
import type { Client } from "#client/client.ts";
import { inProcessTransport } from "#client/in-process/transport.ts";
import { restClient } from "#client/rest-client.ts";
import type { World } from "#platform/world.ts";
import type { Store } from "#store/store.ts";
import type { HttpHandler } from "#wire/http/message.ts";

export const loopback: User = { name: "system:apiserver", groups: ["system:masters", "system:authenticated"] };

/** A client for callers in this process; `handle` already knows who they are. */
export function connectInProcess(handle: HttpHandler, name: string): Client {
  const transport = inProcessTransport(handle, { identity: { user: name, groups: [] }, userAgent: name });
  return restClient(transport, { fieldManager: name });
}

export interface AssembleOptions {
  readonly store: Store;
  readonly issuer: ServiceAccountIssuer;
  readonly options: ApiServerOptions;
  /** Whether requests without credentials come in as system:anonymous. Default true. */
  readonly anonymous?: boolean;
  /** Admission plugins to leave out, by name. */
  readonly disabledAdmission?: readonly string[];
  /** How kubelets are reached for logs and exec; without it there are none. */
  readonly kubelets?: KubeletAccess;
}

export interface KubeletAccess {
  readonly addressTypes: readonly string[];
  readonly certificate?: string;
  readonly key?: string;
  readonly ca?: string;
}

export async function assembleApiServer(
  scope: Scope,
  world: World,
  { store, issuer, options, disabledAdmission = [] }: AssembleOptions,
): Promise<ApiServer> {
  let started: ApiServer | undefined;
  const api = () => {
    assert(started, "the API server was asked before it started");
    return started;
  };
  // Authorisers read roles and Pods through the very server they serve, as its own user.
  const client = connectInProcess((request) => api().handleAs(loopback)(request), loopback.name);
  const tokens = cachedTokens(world, serviceAccountTokens(world, { of: (kind) => api().registry.of(kind) }, issuer));
  started = await startApiServer(scope, world, {
    store,
    kinds: allKinds,
    authenticators: [clientCertificateAuthenticator(world), bearerTokenAuthenticator(tokens, issuer.audiences)],
    authorizers: [
      authorizerChain([nodeAuthorizer(livePodsOfNodes(scope, world, { client })), rbacAuthorizer(liveRoles(scope, world, { client }))]),
    ],
    admission: allAdmissionPlugins.filter(({ name }) => !disabledAdmission.includes(name)),
    connect: (handle) => connectInProcess(handle, loopback.name),
    options,
  });
  return started;
}
