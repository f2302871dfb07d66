// How a server says yes to a WebSocket.
import { encodeBase64 } from "#base/base64.ts";
import type { Headers } from "../http/message.ts";
import { sha1 } from "./sha1.ts";

const keySuffix = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

export function isWebSocketRequest(headers: Headers): boolean {
  return headers["upgrade"]?.toLowerCase() === "websocket";
}

/** The first of ours that the client offers; undefined when there is none. */
export function chooseProtocol(headers: Headers, ours: readonly string[]): string | undefined {
  const offered = (headers["sec-websocket-protocol"] ?? "").split(",").map((protocol) => protocol.trim());
  return ours.find((protocol) => offered.includes(protocol));
}

/** The headers of the 101 answer; undefined when the request is not a proper one. */
export function acceptHeaders(headers: Headers, protocol: string | undefined): Headers | undefined {
  const key = headers["sec-websocket-key"];
  if (!isWebSocketRequest(headers) || headers["sec-websocket-version"] !== "13" || !key) return undefined;
  return {
    upgrade: "websocket",
    connection: "Upgrade",
    "sec-websocket-accept": encodeBase64(sha1(new TextEncoder().encode(key + keySuffix))),
    ...(protocol !== undefined && { "sec-websocket-protocol": protocol }),
  };
}
