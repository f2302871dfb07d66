// exec, attach and port-forward over WebSocket, carried on to the runtime over SPDY: runtimes know no protocol of WebSockets in which the
// end of standard input can be told, and without that `kubectl exec -i` would never end.
import { textResponse } from "#component/serving.ts";
import type { World } from "#platform/world.ts";
import type { HttpRequest, HttpResponse } from "#wire/http/message.ts";
import { acceptHeaders, chooseProtocol } from "#wire/websocket/handshake.ts";
import {
  bridgeRemoteCommand,
  bridgeTunnel,
  portForwardProtocol,
  type RemoteCommandProtocol,
  remoteCommandProtocols,
} from "#wire/websocket/remote-command.ts";
import { openRuntimeStream } from "./streams.ts";

export interface WantedStreams {
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** How long the caller may take for the last of what it was sent, and to close its side. */
const patienceMilliseconds = 30_000;

/** `streams` is absent for port-forward. */
export async function joinWebSocket(
  world: World,
  request: HttpRequest,
  url: string,
  streams: WantedStreams | undefined,
): Promise<HttpResponse> {
  const protocol = chooseProtocol(request.headers, streams ? remoteCommandProtocols : [portForwardProtocol]);
  const headers = acceptHeaders(request.headers, protocol);
  if (!request.upgrade || !headers) return textResponse(400, "this is not a WebSocket handshake of version 13\n");
  if (!protocol) {
    const offered = (request.headers["sec-websocket-protocol"] ?? "").slice(0, 256);
    return textResponse(400, `unable to upgrade: none of the subprotocols is supported: ${offered}\n`);
  }
  const runtime = await openRuntimeStream(world, url, [streams ? "v4.channel.k8s.io" : "portforward.k8s.io"]);
  const { stream, head } = request.upgrade(headers);
  const patience = () => new Promise<void>((resolve) => void world.clock.timer(patienceMilliseconds, resolve));
  const carried = streams
    ? bridgeRemoteCommand(stream, runtime.stream, { protocol: protocol as RemoteCommandProtocol, ...streams, head, patience })
    : bridgeTunnel(stream, runtime.stream, { head, patience });
  void carried
    .catch((error: Error) => world.log.debug("a stream broke", { path: request.path, error: error.message }))
    .finally(() => runtime.close());
  return { status: 101, headers: {}, upgraded: true };
}
