// From request to response, stage by stage: take apart, authenticate, impersonate, authorise, count, serve. Nothing gets past it unanswered:
// whatever is thrown becomes a Status.
import { StatusError } from "#api/meta/status-error.ts";
import { ScopeStopped } from "#base/scope.ts";
import type { World } from "#platform/world.ts";
import { StoreUnavailable, TransactionTooLarge } from "#store/store.ts";
import type { Headers, HttpHandler, HttpRequest, HttpResponse, Sink } from "#wire/http/message.ts";
import type { Aggregation } from "./aggregation/aggregation.ts";
import type { Authenticator } from "./authentication/authenticator.ts";
import type { Authorizer } from "./authorization/authorizer.ts";
import type { Deadlines } from "./deadlines.ts";
import { anonymousUser, authenticatorChain } from "./authentication/authentication.ts";
import { authorizerChain } from "./authorization/authorization.ts";
import { forbiddenError } from "./forbidden.ts";
import { asksForAnother, impersonated } from "./impersonation.ts";
import { InFlight, type InFlightLimits } from "./in-flight.ts";
import { parseRequest, type ParsedRequest } from "./request-info.ts";
import type { ApiRequest, User } from "./request.ts";
import type { RequestMetrics } from "./request-metrics.ts";
import { badRequest, pathNotFound } from "./registry/errors.ts";
import { jsonForm, negotiate } from "./registry/negotiation.ts";
import { respondError } from "./registry/respond.ts";
import type { ApiRegistry } from "./registry/registry.ts";
import type { Resource } from "./registry/resource.ts";
import { serveResource, type ServeNeeds, type ServedRequest } from "./registry/serve.ts";

export interface ChainNeeds {
  readonly world: World;
  readonly registry: ApiRegistry;
  readonly serve: ServeNeeds;
  readonly authenticators: readonly Authenticator[];
  readonly authorizers: readonly Authorizer[];
  /** Whether requests without credentials come in as system:anonymous. */
  readonly anonymous: boolean;
  readonly limits: InFlightLimits;
  readonly metrics: RequestMetrics;
  readonly deadlines: Deadlines;
  readonly requestTimeoutMilliseconds: number;
  /** Versions that other servers serve; undefined where there are none. */
  readonly aggregation?: Pick<Aggregation, "handlerOf"> | undefined;
  /** Answers paths outside the resource tree; undefined for those it does not know. */
  readonly servePath: (request: ApiRequest) => Promise<HttpResponse | undefined>;
}

const noQuery = new URLSearchParams();

export interface Chain {
  readonly handle: HttpHandler;
  /** The same for a caller whose name is known without credentials. */
  handleAs(user: User): HttpHandler;
}

export function makeChain(needs: ChainNeeds): Chain {
  const { world, limits, metrics } = needs;
  const authenticator = authenticatorChain({ authenticators: needs.authenticators, anonymous: needs.anonymous });
  const authorizer = authorizerChain(needs.authorizers);
  const reading = new InFlight(limits.reading, limits.waiting);
  const mutating = new InFlight(limits.mutating, limits.waiting);
  metrics.watchInFlight(() => ({ readOnly: reading.running, mutating: mutating.running }));
  return { handle: (http) => answer(http, undefined), handleAs: (user) => (http) => answer(http, user) };

  async function answer(http: HttpRequest, known: User | undefined): Promise<HttpResponse> {
    const started = world.clock.monotonic();
    const warnings: string[] = [];
    let info: ParsedRequest | undefined;
    let response: HttpResponse;
    try {
      const query = http.query === "" ? noQuery : new URLSearchParams(http.query);
      info = parsed(http, query);
      const self = known ?? (await authenticator.authenticate(http)) ?? anonymousUser;
      const user = asksForAnother(http.headers) ? await impersonated(self, http.headers, authorizer) : self;
      const asked = info;
      await demand(user, asked);
      response = await serve({ http, info, query, user, warnings, demandCreate: () => demand(user, { ...asked, verb: "create" }) });
    } catch (error) {
      response = respondError(http, statusErrorOf(needs, http, error), formOf(http));
    }
    metrics.answered(http.method, info, info && servedOf(info), response.status, (world.clock.monotonic() - started) / 1000);
    return withHeaders(response, warnings, http.headers["audit-id"] ?? world.crypto.uuid());
  }

  async function demand(user: User, info: ParsedRequest): Promise<void> {
    const { decision, reason } = await authorizer.authorize(user, info);
    if (decision !== "allow") throw forbiddenError(user, info, reason);
  }

  function servedOf({ isResourceRequest, group, version, resource }: ParsedRequest): Resource | undefined {
    return isResourceRequest ? needs.registry.kinds.find(group, version, resource) : undefined;
  }

  async function serve(request: ServedRequest): Promise<HttpResponse> {
    const { info } = request;
    const resource = servedOf(info);
    if (resource && isLongRunning(request, resource)) {
      const over = metrics.longRunning(info);
      request.http.signal.addEventListener("abort", over, { once: true });
      try {
        return untilEnded(await route(request, resource), over);
      } catch (error) {
        over();
        throw error;
      }
    }
    const elsewhere = resource ? undefined : needs.aggregation?.handlerOf(info);
    if (elsewhere && (info.isWatch || request.http.upgrade)) return elsewhere(request);
    const flight = info.verb === "get" || info.verb === "list" || info.verb === "head" ? reading : mutating;
    const turn = flight.enter();
    if (turn) await turn;
    // What another server works at ends with the wait for it: nobody would read its answer, nor give its connection back.
    const late = elsewhere || (resource && customOf(info, resource)?.relayed) ? new AbortController() : undefined;
    const asked = late ? endingWith(request, late) : request;
    try {
      return await needs.deadlines.within(needs.requestTimeoutMilliseconds, elsewhere ? elsewhere(asked) : route(asked, resource));
    } catch (error) {
      late?.abort(error);
      throw error;
    } finally {
      flight.leave();
    }
  }

  async function route(request: ServedRequest, resource: Resource | undefined): Promise<HttpResponse> {
    if (resource) return serveResource(needs.serve, { ...request, kind: resource.kind }, resource);
    const response = await needs.servePath(request);
    if (!response) throw pathNotFound();
    return response;
  }
}

/** The same request, which ends with the caller's going and with `late`. */
function endingWith(request: ServedRequest, late: AbortController): ServedRequest {
  const { http } = request;
  if (http.signal.aborted) late.abort();
  else http.signal.addEventListener("abort", () => late.abort(), { once: true });
  return { ...request, http: { ...http, signal: late.signal } };
}

/** Calls `over` when the response's stream ends; at once when it has none, unless the connection was taken over. */
function untilEnded(response: HttpResponse, over: () => void): HttpResponse {
  const { body } = response;
  if (response.upgraded) return response;
  if (!body || !("stream" in body)) {
    over();
    return response;
  }
  const stream = (sink: Sink): void =>
    body.stream({
      write: (bytes) => sink.write(bytes),
      end() {
        over();
        sink.end();
      },
      ...(sink.cut && {
        cut() {
          over();
          sink.cut?.();
        },
      }),
      get bufferedBytes() {
        return sink.bufferedBytes;
      },
      signal: sink.signal,
      ...(sink.push && { push: (item: unknown) => sink.push?.(item) }),
    });
  return { ...response, body: { stream } };
}

function parsed(http: HttpRequest, query: URLSearchParams): ParsedRequest {
  try {
    return parseRequest(http.method, http.path, query);
  } catch {
    throw badRequest("the path is not well-formed");
  }
}

function isLongRunning(request: ServedRequest, resource: Resource): boolean {
  if (request.info.isWatch) return true;
  const own = customOf(request.info, resource);
  return typeof own?.longRunning === "function" ? own.longRunning(request) : (own?.longRunning ?? false);
}

/** The part of the resource that is asked for, where it is served in a way of its own. */
function customOf({ subresource }: ParsedRequest, { subresources }: Resource) {
  const own = Object.hasOwn(subresources, subresource) ? subresources[subresource] : undefined;
  return own?.type === "custom" ? own : undefined;
}

function formOf(http: HttpRequest): typeof jsonForm {
  try {
    return negotiate(http.headers.accept);
  } catch {
    return jsonForm;
  }
}

function statusErrorOf({ world }: ChainNeeds, http: HttpRequest, error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  if (error instanceof ScopeStopped) return new StatusError("ServiceUnavailable", "the server is shutting down", { retryAfterSeconds: 1 });
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof TransactionTooLarge) return new StatusError("RequestEntityTooLarge", message, {});
  if (error instanceof StoreUnavailable) {
    return new StatusError("ServiceUnavailable", `the store is not available: ${message}`, { retryAfterSeconds: 1 });
  }
  const stack = error instanceof Error ? error.stack : undefined;
  world.log.error("a request failed", { method: http.method, path: http.path, error: message, stack });
  return new StatusError("InternalError", `Internal error occurred: ${message}`, { causes: [{ message }] });
}

function withHeaders(response: HttpResponse, warnings: readonly string[], auditId: string): HttpResponse {
  if (response.upgraded) return response;
  const headers: Headers = {
    "audit-id": auditId,
    ...response.headers,
    ...(warnings.length > 0 && { warning: [...new Set(warnings)].slice(0, 100).map(warningText).join(", ") }),
  };
  return { ...response, headers };
}

/** `299 - "text"`, with what a header may not hold taken out. */
function warningText(text: string): string {
  const plain = text.slice(0, 1_024).replace(/[^\x20-\x7e]/g, "?");
  return `299 - ${JSON.stringify(plain)}`;
}
