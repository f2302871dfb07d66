// Passes a request on to another server and its answer back, connections that change their protocol included.
//
// - Only a backend that answers 101 gets the client's connection; whatever else it answers is an ordinary answer, and its connection ends.
// - Redirects are never followed: a backend must not choose what the server's own credentials are shown to.
// - The client's credentials stay here.
import { StatusError } from "#api/meta/status-error.ts";
import type { ClientResponse, HttpClient, ManyHeaders } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import type { Headers, HttpRequest, HttpResponse, Sink } from "#wire/http/message.ts";
import type { ByteStream } from "#wire/http/stream.ts";
import { withoutTokenProtocol } from "../../authentication/bearer-token.ts";
import type { Answer } from "../resource.ts";
import { unreachable } from "./kubelet-connection.ts";

/** Held in memory until it is sent on. */
const bodyMax = 64 * 1024 * 1024;
const bufferedMax = 1024 * 1024;
const pauseMilliseconds = 5;
const lingerMilliseconds = 10_000;

export interface Target {
  readonly client: HttpClient;
  /** "http://10.244.0.7:8080". */
  readonly url: string;
  /** With query. */
  readonly path: string;
  /** What stands for `url` in the path the client asked: redirects within the target are told so. Absent: redirects are refused. */
  readonly prefix?: string;
  /** Said to the target beside what the client says. */
  readonly headers?: ManyHeaders;
  /** Called once nothing is asked of the client any more. */
  readonly done?: () => void;
}

const hopHeaders: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "host",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Whatever the client asked, asked of the target. Redirects are told or refused, never followed. */
export async function relay(world: Pick<World, "clock">, http: HttpRequest, target: Target): Promise<Answer> {
  if (http.upgrade) return relayUpgrade(world, http, target);
  try {
    const response = await ask(http, target, { headers: { ...passedHeaders(http.headers), ...target.headers }, body: await bodyOf(http) });
    const headers = withRedirect(response, target);
    if (http.method !== "HEAD" && !isBodiless(response)) return { response: streamed(world, response, headers, target.done) };
    await response.bytes();
    target.done?.();
    const length = response.headers["content-length"];
    return { response: { status: response.status, headers: { ...headers, ...(length !== undefined && { "content-length": length }) } } };
  } catch (error) {
    target.done?.();
    throw error;
  }
}

/** A connection that changes its protocol: exec, attach, port-forward, WebSockets of applications. */
export async function relayUpgrade(world: Pick<World, "clock">, http: HttpRequest, target: Target): Promise<Answer> {
  const { upgrade, method, signal } = http;
  const done = () => target.done?.();
  try {
    if (!upgrade) throw new StatusError("BadRequest", "Upgrade request required");
    const protocol = http.headers["upgrade"] ?? "";
    const headers = { ...passedHeaders(http.headers), ...target.headers, connection: "Upgrade", upgrade: protocol };
    const answer = await upgradeTarget(method, headers, signal, target);
    if ("refused" in answer) {
      if (isRedirect(answer.refused)) {
        dropBody(answer.refused);
        throw redirectRefused();
      }
      if (!isBodiless(answer.refused)) return { response: streamed(world, answer.refused, undefined, target.done) };
      dropBody(answer.refused);
      done();
      return { response: { status: answer.refused.status, headers: withoutHopHeaders(answer.refused.headers) } };
    }
    let client: ReturnType<typeof upgrade>;
    try {
      client = upgrade({
        ...withoutHopHeaders(answer.headers),
        connection: "Upgrade",
        upgrade: answer.headers["upgrade"] ?? protocol,
      });
    } catch (error) {
      answer.stream.destroy();
      throw error;
    }
    void join(world, client.stream, answer.stream, client.head).finally(done);
    return { response: { status: 101, headers: {}, upgraded: true } };
  } catch (error) {
    done();
    throw error;
  }
}

async function upgradeTarget(method: string, headers: ManyHeaders, signal: AbortSignal, { client, url, path }: Target) {
  try {
    return await client.upgrade({ method, path, headers, signal });
  } catch (error) {
    throw unreachable(method, url + path, error);
  }
}

/** Both directions, until the backend is through or the client is gone. What was written to the client may still be on its way: it gets time. */
async function join(world: Pick<World, "clock">, client: ByteStream, backend: ByteStream, head: Uint8Array): Promise<void> {
  void client.closed.then(() => backend.destroy());
  void pump(client, backend, head);
  await pump(backend, client);
  const { promise: patience, resolve } = Promise.withResolvers<void>();
  const timer = world.clock.timer(lingerMilliseconds, resolve);
  await Promise.race([client.closed, patience]);
  timer.cancel();
  client.destroy();
  backend.destroy();
}

async function pump(from: ByteStream, to: ByteStream, head?: Uint8Array): Promise<void> {
  try {
    if (head && head.length > 0) await to.write(head);
    for await (const chunk of from.incoming) await to.write(chunk);
    to.end();
  } catch {
    from.destroy();
    to.destroy();
  }
}

async function ask(
  http: HttpRequest,
  { client, url, path }: Target,
  options: { headers: ManyHeaders; body: Uint8Array },
): Promise<ClientResponse> {
  const { headers, body } = options;
  try {
    return await client.request({
      method: http.method,
      path,
      headers,
      ...(body.length > 0 && { body }),
      signal: http.signal,
      timeoutMilliseconds: 0,
    });
  } catch (error) {
    throw unreachable(http.method, url + path, error);
  }
}

async function bodyOf(http: HttpRequest): Promise<Uint8Array> {
  return http.method === "GET" || http.method === "HEAD" ? new Uint8Array(0) : http.body(bodyMax);
}

/** Nothing follows, and nobody would read it: its connection is let go of at once. */
function isBodiless({ status }: ClientResponse): boolean {
  return status === 204 || status === 304;
}

function isRedirect({ status }: ClientResponse): boolean {
  return status >= 300 && status < 400 && status !== 304;
}

function redirectRefused(): StatusError {
  return new StatusError("", "the backend attempted to redirect this request, which is not permitted", {}, 502);
}

/** The answer's headers; where it redirects within the target, the place is named as the client reaches it. */
function withRedirect(response: ClientResponse, { url, path, prefix }: Target): Headers {
  const headers = withoutHopHeaders(response.headers);
  if (!isRedirect(response)) return headers;
  if (prefix === undefined) {
    dropBody(response);
    throw redirectRefused();
  }
  const { location } = headers;
  if (location === undefined) return headers;
  const place = placeOf(location, url + path);
  const { protocol, host } = new URL(url);
  if (place?.protocol !== protocol || place.host !== host) return headers;
  return { ...headers, location: prefix + place.pathname + place.search };
}

function placeOf(location: string, base: string): URL | undefined {
  try {
    return new URL(location, base);
  } catch {
    return undefined;
  }
}

/** What nobody will read is not waited for. */
function dropBody({ body }: ClientResponse): void {
  void body[Symbol.asyncIterator]()
    .return?.()
    .catch(() => {});
}

function passedHeaders(headers: Headers): Headers {
  const passed: Record<string, string> = {};
  for (const [name, value] of Object.entries(withoutHopHeaders(headers))) {
    if (name === "authorization" || name === "cookie" || name.startsWith("impersonate-") || name.startsWith("x-remote-")) continue;
    passed[name] = name === "sec-websocket-protocol" ? withoutTokenProtocol(value) : value;
  }
  if (passed["sec-websocket-protocol"] === "") delete passed["sec-websocket-protocol"];
  return passed;
}

function withoutHopHeaders(headers: Headers): Headers {
  const named = new Set((headers["connection"] ?? "").split(",").map((name) => name.trim().toLowerCase()));
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !hopHeaders.has(name) && !named.has(name)));
}

/** The answer as it comes, no faster than the client takes it. */
export function streamed(
  { clock }: Pick<World, "clock">,
  response: ClientResponse,
  headers = withoutHopHeaders(response.headers),
  done: () => void = () => {},
): HttpResponse {
  const drained = () => new Promise<void>((resolve) => clock.timer(pauseMilliseconds, resolve));
  async function copy(sink: Sink): Promise<void> {
    try {
      for await (const chunk of response.body) {
        if (sink.signal.aborted) return;
        sink.write(chunk);
        while (sink.bufferedBytes > bufferedMax && !sink.signal.aborted) await drained();
      }
    } catch {
      // The backend went away in the middle; the client sees the end of what there was.
    } finally {
      sink.end();
      done();
    }
  }
  return { status: response.status, headers, body: { stream: (sink) => void copy(sink) } };
}
