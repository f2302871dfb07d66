// API versions that other servers serve: an APIService names the Service behind one, requests are handed on to it with word of who asks, and
// what it serves is told in discovery.
//
// - What this server serves itself it goes on serving, whatever an APIService of that version says.
// - Whether a server can be reached is found out by asking it, again and again; until it was, its version is not available.
import { APIService } from "#api/apiregistration.k8s.io/api-service/api-service.ts";
import { conditionOf, withCondition } from "#api/meta/conditions.ts";
import { isReason } from "#api/meta/status-error.ts";
import { ScopeStopped, type Scope } from "#base/scope.ts";
import type { Client } from "#client/client.ts";
import { type Change, startInformer } from "#client/informer.ts";
import type { World } from "#platform/world.ts";
import { formatTime } from "#schema/time.ts";
import type { HttpHandler, HttpResponse } from "#wire/http/message.ts";
import type { ParsedRequest } from "../request-info.ts";
import type { ApiRequest } from "../request.ts";
import type { Registry } from "../registry/resource.ts";
import { keepAuthenticationConfigMap, type RequestHeaderOptions } from "./authentication-config-map.ts";
import { type Availability, checkAvailability } from "./availability.ts";
import { forwardInProcess, forwardTo } from "./forward.ts";
import { keepLocalServices } from "./local-services.ts";
import { type RemoteResource, readVersion, type Told } from "./remote-discovery.ts";
import { Servers } from "./servers.ts";

export interface AggregationOptions {
  /** Shown to servers, who believe what its owner says about users: --proxy-client-cert-file and its key. */
  readonly proxyCertificate?: string;
  readonly proxyKey?: string;
  /** Published for servers, so that they know this one. */
  readonly requestHeader?: RequestHeaderOptions;
  /** Whether a Service's endpoints are asked instead of its cluster address. */
  readonly toEndpoints?: boolean;
  /** Whether there are APIServices for what this server serves itself. */
  readonly listLocal?: boolean;
  /** Versions that other parts of this process serve, by the name of their APIService: "v1beta1.metrics.k8s.io". */
  readonly inProcess?: Readonly<Record<string, HttpHandler>>;
}

/** A version as discovery tells of it. */
export interface RemoteVersion {
  readonly group: string;
  readonly version: string;
  readonly groupPriority: number;
  readonly versionPriority: number;
  readonly isFresh: boolean;
  readonly resources: readonly RemoteResource[];
  /** Where its OpenAPI document is, as its server says; undefined where it has none. */
  readonly openapi: string | undefined;
}

export interface Aggregation {
  /** Answers for the version a request is about; undefined when nobody else serves it. */
  handlerOf(info: ParsedRequest): ((request: ApiRequest) => Promise<HttpResponse>) | undefined;
  /** Versions that others serve. A new list when anything changed. */
  readonly versions: readonly RemoteVersion[];
  /** To be run when the server serves. */
  afterStart(): Promise<void>;
}

export interface AggregationParts {
  readonly scope: Scope;
  readonly world: World;
  readonly registry: Registry;
  /** May be asked for once the server serves, not before. */
  readonly client: Client;
}

interface Known {
  readonly service: APIService;
  readonly task: Scope;
  availability: Availability;
  told: Told;
}

const nothingTold: Told = { resources: [], openapi: undefined };

const availableMilliseconds = 30_000;
const unavailableFirstMilliseconds = 500;
const unavailableMaxMilliseconds = 8_000;

export function aggregation(parts: AggregationParts, options: AggregationOptions): Aggregation {
  const { scope, world, registry } = parts;
  const servers = new Servers(world, registry, options);
  const known = new Map<string, Known>();
  let versions: readonly RemoteVersion[] = [];

  return {
    handlerOf(info) {
      const name = serviceNameOf(info);
      const found = name === undefined ? undefined : known.get(name);
      return found && ((request) => forward(found, request));
    },
    get versions() {
      return versions;
    },
    async afterStart() {
      await keepAuthenticationConfigMap(registry, options.requestHeader);
      for (const name of Object.keys(options.inProcess ?? {})) await makeInProcessService(name);
      const informer = startInformer<APIService>(scope, world, parts.client, APIService);
      informer.onChange(changed);
      await informer.synced;
      if (options.listLocal)
        scope.start("local APIServices", (task) => keepLocalServices(task, world, { registry, informer, remote: isElsewhere }));
    },
  };

  /** Whether somebody else serves it: another server, or another part of this process. */
  function isElsewhere({ metadata: { name }, spec: { service } }: APIService): boolean {
    return service !== undefined || Object.hasOwn(options.inProcess ?? {}, name);
  }

  function changed({ type, object, old }: Change<APIService>): void {
    const { name, generation } = object.metadata;
    const isSame = old && old.metadata.uid === object.metadata.uid && old.metadata.generation === generation;
    if (type === "changed" && isSame) return;
    const before = known.get(name);
    known.delete(name);
    if (before) void before.task.stop();
    if (type !== "deleted" && isElsewhere(object)) {
      const task = scope.child(`APIService ${name}`);
      const found: Known = { service: object, task, availability: { status: "False", reason: "", message: "" }, told: nothingTold };
      known.set(name, found);
      task.start("check", (checks) => keepChecking(checks, found));
    }
    tell();
  }

  async function keepChecking(task: Scope, found: Known): Promise<void> {
    for (let pause = unavailableFirstMilliseconds; ; ) {
      const availability = await look(found).catch((error: unknown): Availability => {
        if (error instanceof ScopeStopped) throw error;
        return { status: "False", reason: "FailedDiscoveryCheck", message: (error as Error).message };
      });
      if (task.stopped) return;
      const isThere = availability.status === "True";
      found.availability = availability;
      tell();
      await tellCondition(found).catch((error: unknown) => {
        if (error instanceof ScopeStopped) throw error;
        world.log.warn("the availability of an APIService cannot be written", { name: found.service.metadata.name, error: String(error) });
      });
      await world.clock.sleep(task, isThere ? availableMilliseconds : pause);
      pause = isThere ? unavailableFirstMilliseconds : Math.min(pause * 2, unavailableMaxMilliseconds);
    }
  }

  async function look(found: Known): Promise<Availability> {
    const { service } = found;
    const handler = inProcessHandler(service);
    if (handler) {
      try {
        found.told = await readVersion(service.spec, (path) => forwardInProcess(handler, path));
      } catch (error) {
        return { status: "False", reason: "FailedDiscoveryCheck", message: (error as Error).message };
      }
      return { status: "True", reason: "Local", message: "Local APIServices are always available" };
    }
    return checkAvailability(world, servers, service, (told) => {
      found.told = told;
    });
  }

  async function tellCondition({ service: { metadata }, availability }: Known): Promise<void> {
    const condition = { type: "Available", ...availability };
    try {
      await registry.of(APIService).update(
        "",
        metadata.name,
        (current) => {
          const told = conditionOf(current.status.conditions, "Available");
          const isSame = told?.status === condition.status && told.reason === condition.reason && told.message === condition.message;
          if (current.metadata.uid !== metadata.uid || isSame) return current;
          const conditions = withCondition(current.status.conditions, condition, formatTime(world.clock.now()));
          return { ...current, status: { ...current.status, conditions } };
        },
        { subresource: "status" },
      );
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
    }
  }

  function inProcessHandler({ metadata: { name }, spec: { service } }: APIService): HttpHandler | undefined {
    const handlers = options.inProcess ?? {};
    return service === undefined && Object.hasOwn(handlers, name) ? handlers[name] : undefined;
  }

  async function makeInProcessService(name: string): Promise<void> {
    const at = name.indexOf(".");
    const rest = registry.of(APIService);
    if (await rest.peek("", name)) return;
    const spec = { version: name.slice(0, at), group: name.slice(at + 1), groupPriorityMinimum: 100, versionPriority: 100 };
    await rest.create({ metadata: { name }, spec }).catch((error: unknown) => {
      if (!isReason(error, "AlreadyExists")) throw error;
    });
  }

  async function forward({ service, availability }: Known, request: ApiRequest): Promise<HttpResponse> {
    const handler = inProcessHandler(service);
    if (handler) return handler(request.http);
    return forwardTo(world, servers, { service, isAvailable: availability.status === "True" }, request);
  }

  function tell(): void {
    versions = [...known.values()].map(({ service: { spec }, availability, told }) => ({
      group: spec.group ?? "",
      version: spec.version ?? "",
      groupPriority: spec.groupPriorityMinimum,
      versionPriority: spec.versionPriority,
      isFresh: availability.status === "True",
      ...told,
    }));
  }
}

/** "v1beta1.metrics.k8s.io" for what lies at or below /apis/metrics.k8s.io/v1beta1, and for its OpenAPI document. */
function serviceNameOf({ isResourceRequest, group, version, path }: ParsedRequest): string | undefined {
  if (isResourceRequest) return group === "" ? undefined : `${version}.${group}`;
  const [, , asked, wanted] = /^(\/openapi\/v3)?\/apis\/([^/]+)\/([^/]+)\/?$/.exec(path) ?? [];
  return asked === undefined ? undefined : `${wanted}.${asked}`;
}
