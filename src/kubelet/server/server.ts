// What the node serves at port 10250: logs, exec, attach and port-forward for the API server, statistics and metrics for those who may.
// Every path but none asks for a right on the Node; nothing is served to callers who are not known.
import type { Scope } from "#base/scope.ts";
import { type Caller, type Delegated } from "#component/delegated.ts";
import type { Metrics } from "#component/metrics.ts";
import { type HealthCheck, healthResponse, textResponse } from "#component/serving.ts";
import type { Runtime } from "#cri/runtime.ts";
import { GrpcError, type Listener, NetworkError, type ServerTls } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import type { Json } from "#schema/field.ts";
import { durationToMilliseconds } from "#schema/time.ts";
import { writeJson } from "#schema/derive/json.ts";
import type { HttpRequest, HttpResponse } from "#wire/http/message.ts";
import { isWebSocketRequest } from "#wire/websocket/handshake.ts";
import type { KubeletConfiguration } from "../config/kubelet-configuration.ts";
import type { Kubelet } from "../kubelet.ts";
import { labels } from "../layout.ts";
import { streamingPaths, whyForbidden } from "./authorization.ts";
import { isTrue, serveLogs } from "./logs.ts";
import { claimedVolumes, volumeMetrics } from "./claimed-volumes.ts";
import { containerMetrics, type ContainerMetricsNeeds } from "./container-metrics.ts";
import { RequestCounts } from "./kubelet-metrics.ts";
import type { ProbeMetrics } from "./probe-metrics.ts";
import { resourceMetrics } from "./resource-metrics.ts";
import { Summary } from "./summary.ts";
import { joinSpdy } from "./streams.ts";
import { joinWebSocket, type WantedUpgrade } from "./websocket-streams.ts";

export interface KubeletServerNeeds {
  readonly nodeName: string;
  readonly kubelet: Kubelet;
  readonly runtime: Runtime;
  readonly configuration: KubeletConfiguration;
  readonly rootFolder: string;
  readonly metrics: Metrics;
  readonly probes: ProbeMetrics;
  readonly checks: readonly HealthCheck[];
  /** Who callers are and what they may. Undefined without an API server: then nobody may anything. */
  readonly delegated: Delegated | undefined;
  readonly tls: ServerTls;
  /** Where Pods' containers have their cgroups; absent where there are none. */
  readonly cgroups?: ContainerMetricsNeeds["cgroups"];
}

interface Serving extends KubeletServerNeeds {
  readonly summary: Summary;
  readonly counts: RequestCounts;
  readonly usage: ContainerMetricsNeeds;
}

const runTimeoutSeconds = 120;

/** Serves until the scope stops. Rejects with NetworkError when the port is taken. */
export function startKubeletServer(scope: Scope, world: World, needs: KubeletServerNeeds): Promise<Listener> {
  const { configuration, tls, runtime, kubelet, nodeName, rootFolder } = needs;
  const usage = { runtime, pods: () => kubelet.pods(), cgroups: needs.cgroups, cores: world.processes.self.cpus };
  const volumes = { pods: usage.pods, volumePath: kubelet.volumePath };
  const summary = new Summary(world, { ...usage, ...volumes, nodeName, rootFolder, podLogsFolder: configuration.podLogsDir });
  const serving: Serving = { ...needs, usage, summary, counts: new RequestCounts(world, needs.metrics) };
  return world.network.serve(scope, { host: configuration.address, port: configuration.port, tls }, (request) =>
    serving.counts.around(request, () => handle(world, serving, request)),
  );
}

async function handle(world: World, needs: Serving, request: HttpRequest): Promise<HttpResponse> {
  try {
    const refused = await refuse(needs, request);
    return refused ?? (await answer(world, needs, request));
  } catch (error) {
    if (error instanceof GrpcError && error.code === 5) return textResponse(404, `${error.message}\n`);
    const known = error instanceof GrpcError || error instanceof NetworkError;
    world.log.warn("a request failed", {
      method: request.method,
      path: request.path,
      error: known ? error.message : String((error as Error).stack),
    });
    return textResponse(500, `${(error as Error).message}\n`);
  }
}

/** Authentication, then authorisation; undefined when the caller may go on. */
async function refuse({ configuration, delegated, nodeName }: KubeletServerNeeds, request: HttpRequest): Promise<HttpResponse | undefined> {
  const { authentication, authorization } = configuration;
  let caller: Caller | undefined;
  const mayAsk = request.peer.certificate !== undefined || authentication.webhook.enabled !== false;
  try {
    if (mayAsk) caller = delegated ? await delegated.authenticate(request) : certified(request);
  } catch {
    caller = undefined;
  }
  const hasCredentials = request.headers["authorization"] !== undefined || request.peer.untrustedCertificate === true;
  if (!caller && authentication.anonymous.enabled && !hasCredentials)
    caller = { user: "system:anonymous", groups: ["system:unauthenticated"] };
  if (!caller) return textResponse(401, "Unauthorized");
  if (authorization.mode === "AlwaysAllow") return undefined;
  if (!delegated) return textResponse(403, "Forbidden: no API server is configured that could be asked\n");
  try {
    const why = await whyForbidden(delegated, caller, nodeName, request.method, request.path);
    return why === undefined ? undefined : textResponse(403, why);
  } catch (error) {
    const name = `user=${caller.user}, verb=${request.method.toLowerCase()}, resource=nodes`;
    return textResponse(500, `Authorization error (${name}): ${(error as Error).message}\n`);
  }
}

/** Whom the connection's certificate names, where no API server is there to be asked. */
function certified({ peer: { certificate } }: HttpRequest): Caller | undefined {
  return certificate && { user: certificate.commonName, groups: [...certificate.organizations, "system:authenticated"] };
}

async function answer(world: World, needs: Serving, request: HttpRequest): Promise<HttpResponse> {
  const { kubelet, runtime, metrics, configuration } = needs;
  const { method, path } = request;
  const segments = pathSegments(path);
  if (!segments) return textResponse(400, "400 bad request\n");
  const [first = "", ...rest] = segments;
  if (streamingPaths.has(first)) {
    if (configuration.enableDebuggingHandlers === false) return textResponse(405, "Debug endpoints are disabled.\n");
    return serveStream(world, needs, request, first, rest);
  }
  if (method !== "GET" && method !== "HEAD") return textResponse(405, "405: Method Not Allowed\n");
  switch (first) {
    case "healthz":
      return healthResponse(path, new URLSearchParams(request.query), needs.checks);
    case "pods":
      return jsonResponse({ kind: "PodList", apiVersion: "v1", metadata: {}, items: kubelet.pods() as unknown as Json });
    case "runningpods":
      return jsonResponse({ kind: "PodList", apiVersion: "v1", metadata: {}, items: await runningPods(runtime) });
    case "containerLogs":
      if (rest.length !== 3) return notFound();
      return serveLogs(world, { kubelet, runtime }, request, rest as [string, string, string]);
    case "stats":
      if (rest[0] !== "summary" || rest.length !== 1) return notFound();
      return jsonResponse(await needs.summary.read());
    case "metrics":
      if (rest.length === 0) {
        const volumes = await claimedVolumes(world, { pods: () => kubelet.pods(), volumePath: kubelet.volumePath });
        return metricsResponse(metrics.text() + volumeMetrics(volumes));
      }
      if (rest[0] === "resource") return metricsResponse(await resourceMetrics(world, needs.usage));
      if (rest[0] === "probes") return metricsResponse(needs.probes.text(kubelet.pods()));
      if (rest[0] === "cadvisor") return metricsResponse(await containerMetrics(world, needs.usage));
      return notFound();
    case "configz":
      return jsonResponse({ kubeletconfig: configuration as unknown as Json });
    default:
      return notFound();
  }
}

/** /exec|attach|run/{namespace}/{pod}[/{uid}]/{container} and /portForward/{namespace}/{pod}[/{uid}]. */
async function serveStream(
  world: World,
  { kubelet, runtime, configuration }: KubeletServerNeeds,
  request: HttpRequest,
  what: string,
  [namespace = "", name = "", ...rest]: readonly string[],
): Promise<HttpResponse> {
  if (request.method !== "GET" && request.method !== "POST") return textResponse(405, "405: Method Not Allowed\n");
  const query = new URLSearchParams(request.query);
  const pod = kubelet.pod(namespace, name);
  if (!pod) return textResponse(404, "pod does not exist\n");
  if (what === "portForward") {
    const sandboxId = kubelet.sandboxId(namespace, name);
    if (rest.length > 1 || !sandboxId) return textResponse(404, `no running sandbox of pod ${JSON.stringify(name)}\n`);
    const ports = portsOf(query);
    if (typeof ports === "string") return textResponse(400, `${ports}\n`);
    return join({ type: "port-forward", ports }, () => runtime.portForwardUrl(sandboxId, ports));
  }
  const containerName = rest.at(-1);
  if (rest.length === 0 || rest.length > 2 || containerName === undefined) return notFound();
  const found = kubelet.container(namespace, name, containerName);
  if (!found?.running) return textResponse(404, `container not found (${JSON.stringify(containerName)})\n`);
  if (what === "run") {
    if (request.method !== "POST") return textResponse(405, "405: Method Not Allowed\n");
    const command = (query.get("cmd") ?? "").split(" ").filter((word) => word !== "");
    const { stdout, stderr } = await runtime.execSync(found.id, command, runTimeoutSeconds);
    return { status: 200, headers: { "content-type": "text/plain; charset=utf-8" }, body: [stdout, stderr] };
  }
  const streams = {
    tty: isTrue(query.get("tty")),
    stdin: isTrue(query.get("input") ?? query.get("stdin")),
    stdout: isTrue(query.get("output") ?? query.get("stdout")),
    stderr: isTrue(query.get("error") ?? query.get("stderr")),
  };
  if (!streams.stdin && !streams.stdout && !streams.stderr)
    return textResponse(400, "you must specify at least 1 of stdin, stdout, stderr\n");
  if (what === "attach") streams.tty = found.spec.tty ?? false;
  if (streams.tty) streams.stderr = false;
  return join({ type: "command", streams }, () =>
    what === "exec"
      ? runtime.execUrl({ containerId: found.id, command: query.getAll("command"), ...streams })
      : runtime.attachUrl({ containerId: found.id, ...streams }),
  );

  /** Carries the upgraded connection on to the runtime, whichever protocol it is. */
  async function join(wanted: WantedUpgrade, urlOf: () => Promise<string>): Promise<HttpResponse> {
    if (!request.upgrade) return textResponse(400, "Upgrade request required\n");
    const idle = durationToMilliseconds(configuration.streamingConnectionIdleTimeout || "4h");
    return isWebSocketRequest(request.headers)
      ? joinWebSocket(world, request, await urlOf(), wanted, idle)
      : joinSpdy(world, request, await urlOf(), idle);
  }
}

/** None where the query names none: over SPDY each stream names its own. What is wrong with them, otherwise. */
function portsOf(query: URLSearchParams): readonly number[] | string {
  const texts = query.getAll("port").flatMap((text) => text.split(","));
  const wrong = texts.find((text) => !/^\d{1,5}$/.test(text) || Number(text) > 65_535);
  if (wrong !== undefined) return `unable to parse ${JSON.stringify(wrong.slice(0, 64))} as a port`;
  const zero = texts.find((text) => Number(text) === 0);
  return zero === undefined ? texts.map(Number) : `port ${JSON.stringify(zero)} must be > 0`;
}

/** What runs according to the runtime, as Pods with little in them. */
async function runningPods(runtime: Runtime): Promise<Json> {
  const containers = (await runtime.containers()).filter(({ state }) => state === "running");
  const pods = new Map<string, { metadata: Json; containers: Json[] }>();
  for (const { labels: own, name, image } of containers) {
    const uid = own[labels.podUid] ?? "";
    let pod = pods.get(uid);
    if (!pod) {
      pod = { metadata: { name: own[labels.podName] ?? "", namespace: own[labels.podNamespace] ?? "", uid }, containers: [] };
      pods.set(uid, pod);
    }
    pod.containers.push({ name: own[labels.containerName] ?? name, image, resources: {} });
  }
  return [...pods.values()].map(({ metadata, containers: own }) => ({ metadata, spec: { containers: own }, status: {} }));
}

/** Undefined when a segment is not properly encoded. */
function pathSegments(path: string): readonly string[] | undefined {
  try {
    return path
      .split("/")
      .filter((segment) => segment !== "")
      .map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

function jsonResponse(value: Json): HttpResponse {
  return { status: 200, headers: { "content-type": "application/json" }, body: new TextEncoder().encode(writeJson(value)) };
}

function metricsResponse(text: string): HttpResponse {
  return textResponse(200, text, { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
}

function notFound(): HttpResponse {
  return textResponse(404, "404 page not found\n");
}

/** /healthz on the loopback address, for whoever watches the kubelet. */
export async function startHealthServer(
  scope: Scope,
  world: World,
  host: string,
  port: number,
  checks: readonly HealthCheck[],
): Promise<void> {
  await world.network.serve(scope, { host, port }, async ({ path, query, method }) => {
    if (path !== "/healthz" && !path.startsWith("/healthz/")) return notFound();
    if (method !== "GET" && method !== "HEAD") return textResponse(405, "405: Method Not Allowed\n");
    return healthResponse("/healthz", new URLSearchParams(query), checks);
  });
}
