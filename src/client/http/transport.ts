// Calls to an API server over HTTPS, as JSON.
import type { Scope } from "#base/scope.ts";
import { ScopeStopped } from "#base/scope.ts";
import { statusErrorFrom } from "#api/meta/status-error.ts";
import { Status } from "#api/meta/status.ts";
import type { ClientResponse, HttpClient } from "#platform/network.ts";
import { readJson, readUnknownJson, writeJson } from "#schema/derive/json.ts";
import type { Type } from "#schema/message.ts";
import type { Transport, TransportRequest, WatchItem } from "../transport.ts";

export interface HttpTransportOptions {
  readonly userAgent: string;
  /** Read before each call, so that a rotated token is used at once. */
  readonly token?: () => Promise<string> | string;
  /** Until the head of the answer is there. */
  readonly timeoutMilliseconds?: number;
  /** Ends calls that are under way; watches end with their scopes. */
  readonly signal?: AbortSignal;
}

/** A watched object may be this long; a longer line is a broken server. */
const watchLineBytesMax = 64 * 1024 * 1024;

export function httpTransport(
  client: HttpClient,
  { userAgent, token, timeoutMilliseconds = 30_000, signal }: HttpTransportOptions,
): Transport {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();

  async function request(call: TransportRequest, ends: AbortSignal | undefined): Promise<ClientResponse> {
    return client.request({
      method: call.method,
      path: call.path,
      headers: {
        accept: "application/json",
        "user-agent": userAgent,
        ...(call.contentType && { "content-type": call.contentType }),
        ...(token && { authorization: `Bearer ${await token()}` }),
      },
      ...(call.body !== undefined && { body: encoder.encode(writeJson(call.body)) }),
      ...(ends && { signal: ends }),
      timeoutMilliseconds,
    });
  }

  return {
    async send(call) {
      const response = await request(call, signal);
      return { status: response.status, object: read(response, decoder.decode(await response.bytes()), call.answer) };
    },

    async *watch(scope: Scope, call) {
      scope.throwIfStopped();
      const response = await request(call, scope.signal);
      if (response.status >= 400)
        throw statusErrorFrom(read(response, decoder.decode(await response.bytes()), Status) as {}, response.status);
      try {
        for await (const line of lines(response.body)) yield readWatchItem(line, call.answer);
      } catch (error) {
        if (scope.stopped) throw new ScopeStopped(scope.path);
        throw error;
      }
      if (scope.stopped) throw new ScopeStopped(scope.path);
    },
  };
}

function read(response: ClientResponse, text: string, answer: Type<unknown> | undefined): unknown {
  const isJson = (response.headers["content-type"] ?? "").includes("json");
  if (response.status >= 400) return (isJson && readStatus(text)) || failure(response.status, text);
  if (!isJson) {
    if (answer) throw statusErrorFrom(failure(502, `the server answered ${response.status} with something that is no JSON: ${text}`), 502);
    return text;
  }
  return answer ? readJson(answer, text).value : readUnknownJson(text);
}

/** The Status of a refusal; undefined for what somebody else on the way answered. */
function readStatus(text: string): unknown {
  try {
    const status = readJson(Status, text).value;
    return status.kind === "Status" ? status : undefined;
  } catch {
    return undefined;
  }
}

function failure(code: number, text: string) {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message: text.slice(0, 1024), code } as const;
}

const objectMark = ',"object":';

/** `{"type":"ADDED","object":{…}}`: the envelope is cut off by hand, so that the object is read once, by its type. */
function readWatchItem(line: string, answer: Type<unknown> | undefined): WatchItem {
  const start = '{"type":"';
  const at = line.indexOf(objectMark);
  if (line.startsWith(start) && at > 0 && at < 40) {
    const type = line.slice(start.length, line.indexOf('"', start.length));
    const text = line.slice(at + objectMark.length, line.lastIndexOf("}"));
    return {
      type,
      object: type === "ERROR" ? readJson(Status, text).value : answer ? readJson(answer, text).value : readUnknownJson(text),
    };
  }
  const item = readUnknownJson(line) as unknown as WatchItem;
  const text = writeJson(item.object);
  return {
    type: item.type,
    object: item.type === "ERROR" ? readJson(Status, text).value : answer ? readJson(answer, text).value : item.object,
  };
}

async function* lines(chunks: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const text = decoder.decode(chunk, { stream: true });
    let from = 0;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", from)) {
      const line = rest + text.slice(from, at);
      rest = "";
      from = at + 1;
      if (line !== "") yield line;
    }
    rest += text.slice(from);
    if (rest.length > watchLineBytesMax) throw new Error(`a watched object is longer than ${watchLineBytesMax} bytes`);
  }
}
