// The API server put together from its parts. Both hosts build theirs here.
import { allKinds } from "#api/all.ts";
import { allAdmissionPlugins } from "#apiserver/admission/all.ts";
import type { ServiceAccountIssuer } from "#apiserver/authentication/service-accounts/issuer.ts";
import type { User } from "#apiserver/request.ts";
import { type ControllerRole, type KubeletAccess, security, type SecurityOptions } from "#apiserver/security.ts";
import { type AggregationOptions, type ApiServer, type ApiServerOptions, startApiServer } from "#apiserver/start.ts";
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
  readonly tokens?: SecurityOptions["tokens"];
  readonly bootstrapTokens?: boolean;
  /** What the controllers may do, as roles of theirs. */
  readonly controllers: readonly ControllerRole[];
  /** Admission plugins to leave out, by name. */
  readonly disabledAdmission?: readonly string[];
  /** How kubelets are reached for logs and exec; without it there are none. */
  readonly kubelets?: KubeletAccess;
  /** How other servers serve versions of the API. */
  readonly aggregation?: AggregationOptions;
}

export async function assembleApiServer(scope: Scope, world: World, needs: AssembleOptions): Promise<ApiServer> {
  const { store, issuer, options, tokens, bootstrapTokens = false, controllers, kubelets, aggregation, disabledAdmission = [] } = needs;
  return startApiServer(scope, world, {
    store,
    kinds: allKinds,
    security: security({ issuer, controllers, bootstrapTokens, ...(tokens && { tokens }), ...(kubelets && { kubelets }) }),
    admission: allAdmissionPlugins.filter(({ name }) => !disabledAdmission.includes(name)),
    connect: (handle) => connectInProcess(handle, loopback.name),
    options,
    aggregation: { ...aggregation, listLocal: true },
  });
}
