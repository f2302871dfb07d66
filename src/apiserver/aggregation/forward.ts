// A request handed on to the server behind an APIService. It is told who asks in headers, which it believes because of the certificate this
// server shows; the caller's own credentials stay here.
import type { APIService } from "#api/apiregistration.k8s.io/api-service/api-service.ts";
import { StatusError } from "#api/meta/status-error.ts";
import type { ManyHeaders } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import { writeJson } from "#schema/derive/json.ts";
import type { Json } from "#schema/field.ts";
import type { HttpHandler, HttpRequest, HttpResponse, Sink } from "#wire/http/message.ts";
import { relay } from "../registry/kubelet/relay.ts";
import type { ApiRequest, User } from "../request.ts";
import type { Answered } from "./remote-discovery.ts";
import type { Servers } from "./servers.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();
/** Lines of a watch that a caller in this process reads. */
const lineBytesMax = 8 * 1024 * 1024;

export async function forwardTo(
  world: World,
  servers: Servers,
  { service, isAvailable }: { readonly service: APIService; readonly isAvailable: boolean },
  { http, user, info }: ApiRequest,
): Promise<HttpResponse> {
  const place = isAvailable && service.spec.service ? await servers.placeOf(service.spec.service) : undefined;
  if (!place || "reason" in place) return unavailable(http);
  const { client, url } = servers.clientTo(place, service);
  const path = http.query === "" ? http.path : `${http.path}?${http.query}`;
  const asked = http.wantsObjects ? withBytes(http) : http;
  const answer = await relay(world, asked, { client, url, path, headers: userHeaders(user) });
  if (!("response" in answer)) throw new StatusError("InternalError", "a relayed request was not answered");
  return http.wantsObjects ? withObjects(answer.response, info.verb === "watch") : answer.response;
}

function unavailable({ wantsObjects }: HttpRequest): HttpResponse {
  if (wantsObjects) throw new StatusError("ServiceUnavailable", "the server is currently unable to handle the request");
  return { status: 503, headers: { "content-type": "text/plain; charset=utf-8" }, body: encoder.encode("service unavailable\n") };
}

export function userHeaders({ name, uid, groups, extra = {} }: User): ManyHeaders {
  return {
    "x-remote-user": name,
    ...(uid && { "x-remote-uid": uid }),
    ...(groups.length > 0 && { "x-remote-group": groups }),
    ...Object.fromEntries(
      Object.entries(extra).map(([key, values]) => [`x-remote-extra-${encodeURIComponent(key).toLowerCase()}`, values]),
    ),
  };
}

/** What a part of this process answers to a GET. */
export async function forwardInProcess(handler: HttpHandler, path: string): Promise<Answered> {
  const { status, body } = await handler({
    method: "GET",
    path,
    query: "",
    headers: { accept: "application/json" },
    peer: { address: "in-process" },
    body: async () => new Uint8Array(0),
    signal: new AbortController().signal,
  });
  if (!(body instanceof Uint8Array)) throw new Error(`no whole answer to ${path}`);
  return { status, bytes: body };
}

/** A caller in this process sends objects, and another server reads bytes. */
function withBytes(http: HttpRequest): HttpRequest {
  const bytes = http.object === undefined ? new Uint8Array(0) : encoder.encode(writeJson(http.object as Json));
  return { ...http, body: async () => bytes };
}

/** And the other way round: an object, or the events of a watch one by one. */
async function withObjects({ status, headers, body }: HttpResponse, isWatch: boolean): Promise<HttpResponse> {
  if (!body || !("stream" in body)) return { status, headers };
  const { stream } = body;
  if (!isWatch || status >= 400) return { status, headers, object: objectOf(await wholeOf(stream)) };
  const events = (sink: Sink): void => {
    let rest = "";
    stream({
      write(bytes) {
        rest += decoder.decode(bytes, { stream: true });
        for (let end = rest.indexOf("\n"); end >= 0; end = rest.indexOf("\n")) {
          sink.push?.(objectOf(rest.slice(0, end)));
          rest = rest.slice(end + 1);
        }
        if (rest.length > lineBytesMax) sink.end();
      },
      end: () => sink.end(),
      bufferedBytes: 0,
      signal: sink.signal,
    });
  };
  return { status, headers, body: { stream: events } };
}

function objectOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message: text.slice(0, 1_024) };
  }
}

function wholeOf(stream: (sink: Sink) => void): Promise<string> {
  return new Promise((resolve) => {
    let text = "";
    const { signal } = new AbortController();
    stream({
      write: (bytes) => void (text += decoder.decode(bytes, { stream: true })),
      end: () => resolve(text),
      bufferedBytes: 0,
      signal,
    });
  });
}
