// The API server: a function from request to response. What follows shows the parts in the order a request meets them (chain.ts).
//
// Serving sockets is the caller's: `world.network.serve(scope, { host, port, tls }, api.handle)`.
import { APIService } from "#api/apiregistration.k8s.io/api-service/api-service.ts";
import { CustomResourceDefinition } from "#api/apiextensions.k8s.io/custom-resource-definition/custom-resource-definition.ts";
import type { Client } from "#client/client.ts";
import type { Scope } from "#base/scope.ts";
import type { Metrics } from "#component/metrics.ts";
import type { World } from "#platform/world.ts";
import type { Kind } from "#schema/kind.ts";
import type { Store } from "#store/store.ts";
import type { HttpHandler, HttpResponse } from "#wire/http/message.ts";
import { aggregation, type AggregationOptions } from "./aggregation/aggregation.ts";
import type { AdmissionPlugin } from "./admission/plugin.ts";
import type { Authenticator } from "./authentication/authenticator.ts";
import type { Authorizer } from "./authorization/authorizer.ts";
import { makeChain } from "./chain.ts";
import { Deadlines } from "./deadlines.ts";
import { Discovery } from "./discovery.ts";
import { extension } from "./extension/extension.ts";
import { type HealthCheck, serveHealth } from "./health.ts";
import { defaultInFlightLimits, type InFlightLimits } from "./in-flight.ts";
import { servePaths } from "./paths.ts";
import { startTasks, type StartTasks } from "./post-start/post-start.ts";
import { AdmissionChain } from "./registry/admission.ts";
import { qualifiedPlural } from "./registry/errors.ts";
import { builtInParts } from "./registry/built-in.ts";
import { ApiRegistry } from "./registry/registry.ts";
import type { Registry, ResourcePart } from "./registry/resource.ts";
import type { ServiceRanges } from "./registry/service/ranges.ts";
import type { ApiRequest, User } from "./request.ts";
import type { Security, SecurityParts } from "./security.ts";
import { RequestMetrics } from "./request-metrics.ts";
import type { StoredMedia, Transformer } from "./storage/codec.ts";

export interface ApiServerNeeds {
  readonly store: Store;
  /** Served from the start; CustomResourceDefinitions add to them. */
  readonly kinds: readonly Kind[];
  /** What is special about kinds, beside what registry/built-in.ts knows. */
  readonly resources?: readonly ResourcePart[];
  readonly authenticators?: readonly Authenticator[];
  readonly authorizers?: readonly Authorizer[];
  /** Authentication, authorisation, their kinds and the default roles, as every cluster has them (security.ts). Adds to the lists. */
  readonly security?: (parts: SecurityParts) => Security;
  /** In the order they run. */
  readonly admission: readonly AdmissionPlugin[];
  /** Makes the client that admission and start-up tasks use, of a handler that needs no credentials. */
  readonly connect: (handle: HttpHandler) => Client;
  /** Paths outside the resource tree: "/openid/v1/jwks". */
  readonly paths?: Readonly<Record<string, PathHandler>>;
  /** Further checks for /livez and /readyz. */
  readonly checks?: readonly HealthCheck[];
  readonly options?: ApiServerOptions;
  /** How other servers serve versions of the API. */
  readonly aggregation?: AggregationOptions;
}

export type { AggregationOptions } from "./aggregation/aggregation.ts";

export type PathHandler = (request: ApiRequest) => Promise<HttpResponse>;

export interface ApiServerOptions {
  readonly services?: ServiceRanges;
  /** Where other machines reach this server: becomes the endpoint of the `kubernetes` Service. Without it there is no such Service. */
  readonly advertise?: { readonly address: string; readonly port: number };
  /** Tells several API servers apart: the name of the identity Lease is made of it. Absent: no Lease. */
  readonly identity?: string;
  /** Whether requests without credentials come in as system:anonymous. Default true. */
  readonly anonymous?: boolean;
  readonly limits?: InFlightLimits;
  readonly requestTimeoutMilliseconds?: number;
  /** Encryption at rest, by group and plural. */
  readonly transformerOf?: (group: string, plural: string) => Transformer;
  /** What built-in kinds are stored as. Default JSON. */
  readonly storedMedia?: StoredMedia;
  /** How much of each kind's recent past is kept for watches. */
  readonly window?: { readonly events: number; readonly bytes: number };
}

export interface ApiServer {
  /** Serves anyone: who is asking is told by certificate or token. */
  readonly handle: HttpHandler;
  /** Serves one user, without asking for credentials: for callers in the same process. */
  handleAs(user: User): HttpHandler;
  readonly registry: Registry;
  readonly metrics: Metrics;
  /** Resolves when the objects every cluster has are there. */
  readonly started: Promise<void>;
}

/** Subresources of others: declared as kinds, but not to be had by themselves. */
const onlyBelowOthers: ReadonlySet<string> = new Set(["autoscaling/Scale", "policy/Eviction", "authentication.k8s.io/TokenRequest"]);

const loopback: User = { name: "system:apiserver", groups: ["system:masters", "system:authenticated"] };
const defaultTimeoutMilliseconds = 60_000;

export async function startApiServer(scope: Scope, world: World, needs: ApiServerNeeds): Promise<ApiServer> {
  const { store, options = {} } = needs;
  const metrics = new RequestMetrics(world);
  const deadlines = new Deadlines(world);
  scope.defer("deadlines", () => deadlines.stop());
  const registry = new ApiRegistry(scope, {
    world,
    store,
    transformerOf: options.transformerOf,
    media: options.storedMedia,
    window: options.window,
  });
  let client: Client | undefined;
  const caller = {
    get client(): Client {
      client ??= needs.connect(chain.handleAs(loopback));
      return client;
    },
  };
  const late = {
    scope,
    world,
    registry,
    get client(): Client {
      return caller.client;
    },
  };
  const secured = needs.security?.(late);
  const extended = needs.kinds.includes(CustomResourceDefinition) ? extension(late) : undefined;
  const aggregated = needs.kinds.includes(APIService) ? aggregation(late, needs.aggregation ?? {}) : undefined;
  const parts = [
    ...builtInParts({ services: options.services }),
    ...(secured?.resources ?? []),
    ...(extended?.resources ?? []),
    ...(needs.resources ?? []),
  ];
  for (const kind of needs.kinds) if (!onlyBelowOthers.has(`${kind.group}/${kind.name}`)) registry.kinds.add(kind, parts);

  const admission = new AdmissionChain(needs.admission, {
    world,
    registry,
    get client(): Client {
      return caller.client;
    },
  });
  const tasks: StartTasks = startTasks(scope, {
    registry,
    store,
    options,
    more: [
      ...(secured ? [["rbac/bootstrap-roles", secured.afterStart] as const] : []),
      ...(extended ? [["crd-informer-synced", extended.afterStart] as const] : []),
      ...(aggregated ? [["apiservice-registration-controller", aggregated.afterStart] as const] : []),
    ],
  });
  const servePath = servePaths({
    registry,
    metrics: metrics.metrics,
    discovery: new Discovery(registry.kinds, aggregated, options.advertise ? `${options.advertise.address}:${options.advertise.port}` : ""),
    health: healthPaths(store, tasks, needs.checks ?? []),
    paths: { ...secured?.paths, ...needs.paths },
    serveHealth,
    others: aggregated,
  });
  metrics.metrics.gauge("apiserver_storage_objects", "Objects in the caches, by resource.", ["resource"], () =>
    registry.storages.opened().map(({ kind, cache }) => [[qualifiedPlural(kind)], cache.list("").size]),
  );
  const chain = makeChain({
    world,
    registry,
    serve: { registry, admission },
    authenticators: [...(secured?.authenticators ?? []), ...(needs.authenticators ?? [])],
    authorizers: [...(secured?.authorizers ?? []), ...(needs.authorizers ?? [])],
    anonymous: options.anonymous ?? true,
    limits: options.limits ?? defaultInFlightLimits,
    metrics,
    deadlines,
    requestTimeoutMilliseconds: options.requestTimeoutMilliseconds ?? defaultTimeoutMilliseconds,
    aggregation: aggregated,
    servePath,
  });
  return {
    handle: chain.handle,
    handleAs: (user) => chain.handleAs(user),
    registry,
    metrics: metrics.metrics,
    started: tasks.done,
  };
}

function healthPaths(store: Store, tasks: StartTasks, checks: readonly HealthCheck[]) {
  const ping: HealthCheck = { name: "ping", check: () => {} };
  const storeAnswers: HealthCheck = { name: "etcd", check: () => store.healthy() };
  const started: HealthCheck = { name: "poststarthook/start-kube-apiserver-admission-initializer", check: () => tasks.check() };
  const all = [ping, { name: "log", check: () => {} }, storeAnswers, started, ...checks];
  return { livez: all, readyz: all };
}
