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
import { bridgePortForward, portForwardChannelProtocols } from "#wire/websocket/port-forward.ts";
import { droppedWhenIdle, openRuntimeStream, takeOver } from "./streams.ts";

export interface WantedStreams {
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

/** How long the caller may take for the last of what it was sent, and to close its side. */
const patienceMilliseconds = 30_000;

export type WantedUpgrade =
  | { readonly type: "command"; readonly streams: WantedStreams }
  | { readonly type: "port-forward"; readonly ports: readonly number[] };

/** What `wanted` can be had by, best first. */
function protocolsFor({ type }: WantedUpgrade): readonly string[] {
  return type === "command" ? remoteCommandProtocols : [portForwardProtocol, ...portForwardChannelProtocols];
}

export async function joinWebSocket(
  world: World,
  request: HttpRequest,
  url: string,
  wanted: WantedUpgrade,
  idleMilliseconds: number,
): Promise<HttpResponse> {
  const offered = request.headers["sec-websocket-protocol"] ?? "";
  const protocol = offered === "" ? "" : chooseProtocol(request.headers, protocolsFor(wanted));
  const headers = acceptHeaders(request.headers, protocol || undefined);
  if (!request.upgrade || !headers) return textResponse(400, "this is not a WebSocket handshake of version 13\n");
  if (protocol === undefined)
    return textResponse(400, `unable to upgrade: none of the subprotocols is supported: ${offered.slice(0, 256)}\n`);
  const spdyProtocol = wanted.type === "command" ? "v4.channel.k8s.io" : "portforward.k8s.io";
  const runtime = await openRuntimeStream(world, url, [spdyProtocol], request.signal);
  const { stream, head } = takeOver(request.upgrade, runtime, headers);
  const caller = droppedWhenIdle(world, stream, idleMilliseconds);
  const patience = () => new Promise<void>((resolve) => void world.clock.timer(patienceMilliseconds, resolve));
  void bridge()
    .catch((error: Error) => world.log.debug("a stream broke", { path: request.path, error: error.message }))
    .finally(() => {
      runtime.stream.destroy();
      runtime.close();
    });
  return { status: 101, headers: {}, upgraded: true };

  function bridge(): Promise<void> {
    if (wanted.type === "command")
      return bridgeRemoteCommand(caller, runtime.stream, {
        protocol: protocol as RemoteCommandProtocol,
        ...wanted.streams,
        head,
        patience,
      });
    if (protocol === portForwardProtocol) return bridgeTunnel(caller, runtime.stream, { head, patience });
    return bridgePortForward(caller, runtime.stream, { protocol: protocol ?? "", ports: wanted.ports, head, patience });
  }
}
