// How the messages of Kubernetes' WebSockets name their channel: by their first byte, or, where the rest is base64, by a first digit.
import { decodeBase64, encodeBase64 } from "#base/base64.ts";
import type { WebSocket } from "./web-socket.ts";

export interface ChannelMessage {
  readonly channel: number;
  readonly bytes: Uint8Array;
}

export type ChannelEncoding = "binary" | "base64";

const digitZero = 0x30;

export function encodingOf(protocol: string): ChannelEncoding {
  return protocol.includes("base64.") ? "base64" : "binary";
}

/** Undefined for messages that name no channel or are not what the encoding says. */
export function channelMessage(bytes: Uint8Array, encoding: ChannelEncoding): ChannelMessage | undefined {
  const [first] = bytes;
  if (first === undefined) return undefined;
  if (encoding === "binary") return { channel: first, bytes: bytes.subarray(1) };
  if (first < digitZero || first > digitZero + 9) return undefined;
  const said = decodeBase64(new TextDecoder().decode(bytes.subarray(1)));
  return typeof said === "number" ? undefined : { channel: first - digitZero, bytes: said };
}

export function sendOn(socket: WebSocket, channel: number, bytes: Uint8Array, encoding: ChannelEncoding): Promise<void> {
  if (encoding === "base64") return socket.send(new TextEncoder().encode(`${channel}${encodeBase64(bytes)}`), "text");
  const message = new Uint8Array(bytes.length + 1);
  message[0] = channel;
  message.set(bytes, 1);
  return socket.send(message);
}
