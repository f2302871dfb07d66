// Port-forward of clients that know no SPDY: each port has two channels, one for data and one for what went wrong, and both begin by
// saying the port in two bytes.
import type { ByteStream } from "../http/stream.ts";
import { SpdyConnection, type SpdyStream } from "../spdy/spdy-connection.ts";
import { channelMessage, encodingOf, sendOn } from "./channels.ts";
import { closeCodes } from "./frames.ts";
import { WebSocket } from "./web-socket.ts";

/** Best first; without a word a client speaks the first. */
export const portForwardChannelProtocols = ["v4.channel.k8s.io", "v4.base64.channel.k8s.io"] as const;

export interface PortForwardOptions {
  readonly protocol: string;
  readonly ports: readonly number[];
  /** Bytes that came right behind the WebSocket's upgrade. */
  readonly head: Uint8Array;
  /** For how long the client may take to close after our goodbye; then its connection is dropped. */
  readonly patience: () => Promise<void>;
}

/** Carries the ports' data until all of them ended. `runtime` is a SPDY connection that settled on portforward.k8s.io. */
export async function bridgePortForward(client: ByteStream, runtime: ByteStream, options: PortForwardOptions): Promise<void> {
  const { protocol, ports, head, patience } = options;
  const encoding = encodingOf(protocol);
  const socket = new WebSocket(client, { side: "server", head });
  const spdy = new SpdyConnection(runtime);
  const data: SpdyStream[] = [];
  const done = Promise.withResolvers<void>();
  let open = ports.length;
  const running = spdy.run().catch(() => {});
  try {
    for (const [index, port] of ports.entries()) {
      const own = { port: String(port), requestid: String(index) };
      const portBytes = Uint8Array.of(port & 0xff, port >> 8);
      const on = (channel: number) => (bytes: Uint8Array) => sendOn(socket, channel, bytes, encoding);
      await on(2 * index)(portBytes);
      await on(2 * index + 1)(portBytes);
      const error = await spdy.open({ streamtype: "error", ...own }, { data: on(2 * index + 1), ended: () => {} });
      await error.end();
      const ended = () => {
        if (--open === 0) done.resolve();
      };
      data.push(await spdy.open({ streamtype: "data", ...own }, { data: on(2 * index), ended }));
    }
    const hear = async () => {
      for await (const { bytes } of socket.messages()) {
        const message = channelMessage(bytes, encoding);
        if (message && message.channel % 2 === 0) await data[message.channel / 2]?.write(message.bytes);
      }
    };
    const hearing = hear();
    hearing.catch(() => {});
    await Promise.race([done.promise, running, hearing, client.closed]);
    await socket.close(closeCodes.normal, "");
    await Promise.race([client.closed, patience()]);
  } finally {
    spdy.destroy();
    await running;
    client.destroy();
  }
}
