// kubectl's WebSocket on one side, a runtime's SPDY on the other: the channels of exec and attach, carried over frame by frame.
//
// A message's first byte names its channel. Version 5 can also say that a channel ends, which is how a command sees the end of its input.
import type { ByteStream } from "../http/stream.ts";
import { SpdyConnection, type SpdyStream } from "../spdy/spdy-connection.ts";
import { channelMessage, encodingOf, sendOn } from "./channels.ts";
import { closeCodes, WebSocketError } from "./frames.ts";
import { WebSocket } from "./web-socket.ts";

/** Best first. */
export const remoteCommandProtocols = [
  "v5.channel.k8s.io",
  "v4.channel.k8s.io",
  "v4.base64.channel.k8s.io",
  "channel.k8s.io",
  "base64.channel.k8s.io",
] as const;
/** "" is spoken by who names no protocol. */
export type RemoteCommandProtocol = (typeof remoteCommandProtocols)[number] | "";

export const portForwardProtocol = "SPDY/3.1+portforward.k8s.io";

const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;
type Channel = "stdin" | "stdout" | "stderr" | "error" | "resize";

export interface RemoteCommandOptions {
  readonly protocol: RemoteCommandProtocol;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
  /** Bytes that came right behind the WebSocket's upgrade. */
  readonly head: Uint8Array;
  /** For how long the client may take to close after our goodbye; then its connection is dropped. */
  readonly patience: () => Promise<void>;
}

/** Carries a command's streams until it ended and everything was said. `runtime` is a SPDY connection that settled on v4.channel.k8s.io. */
export async function bridgeRemoteCommand(client: ByteStream, runtime: ByteStream, options: RemoteCommandOptions): Promise<void> {
  const socket = new WebSocket(client, { side: "server", head: options.head });
  const spdy = new SpdyConnection(runtime);
  const encoding = encodingOf(options.protocol);
  const streams = new Map<number, SpdyStream>();
  let open = 0;
  let isGone = false;
  let broken: WebSocketError | undefined;
  let over: () => void = () => {};
  const done = new Promise<void>((resolve) => {
    over = resolve;
  });

  /** `out`: the runtime speaks on it, and the command is not over before it stops. */
  async function start(channel: Channel, out: boolean): Promise<void> {
    if (out) open++;
    const stream = await spdy.open(
      { streamtype: channel },
      {
        data: (bytes) => (out ? say(channel, bytes) : undefined),
        ended: () => {
          if (out && --open === 0) over();
        },
      },
    );
    streams.set(channels[channel], stream);
  }

  /** Before version 4 the error channel held words, and nothing when all was well. */
  async function say(channel: Channel, bytes: Uint8Array): Promise<void> {
    if (isGone) return;
    const words = channel === "error" && !options.protocol.startsWith("v") ? wordsOf(bytes) : bytes;
    if (words.length === 0) return;
    await sendOn(socket, channels[channel], words, encoding).catch(() => {
      isGone = true;
    });
  }

  const running = spdy.run().catch(() => {});
  try {
    await start("error", true);
    if (options.stdin) await start("stdin", false);
    if (options.stdout) await start("stdout", true);
    if (options.stderr && !options.tty) await start("stderr", true);
    if (options.tty) await start("resize", false);
    // A connection that breaks is a client that has gone.
    const hearing = hear(socket, streams, options.protocol).catch((error: unknown) => {
      if (!(error instanceof WebSocketError)) return;
      broken = error;
      throw error;
    });
    hearing.catch(() => {});
    // A client that goes while the command does not take its input is not heard going.
    const gone = client.closed.then(() => Promise.race([hearing, options.patience()]));
    await Promise.race([done, running, hearing, gone]);
    // Where the client has gone, the command is told that its input is over, and what it still says is read and dropped for a while:
    // one that is left with output nobody reads would never end.
    isGone = true;
    const inputEnded = streams
      .get(channels.stdin)
      ?.end()
      .catch(() => {});
    await Promise.race([inputEnded, options.patience()]);
    await Promise.race([done, running, options.patience()]);
    if (broken) throw broken;
    await socket.close(closeCodes.normal, "").catch(() => {});
    await Promise.race([client.closed, options.patience()]);
  } catch (error) {
    await socket.close(closeCodes.internal, "the command's streams broke").catch(() => {});
    throw error;
  } finally {
    spdy.destroy();
    await running;
    client.destroy();
  }
}

async function hear(socket: WebSocket, streams: ReadonlyMap<number, SpdyStream>, protocol: RemoteCommandProtocol): Promise<void> {
  for await (const { bytes } of socket.messages()) {
    const message = channelMessage(bytes, encodingOf(protocol));
    if (!message) continue;
    const { channel, bytes: said } = message;
    if (channel === channels.close && protocol === "v5.channel.k8s.io") {
      await streams.get(said[0] ?? channels.close)?.end();
      continue;
    }
    // What the runtime speaks on is not the client's to write.
    if ((channel !== channels.stdin && channel !== channels.resize) || said.length === 0) continue;
    await streams.get(channel)?.write(said);
  }
}

/** What a Status says went wrong, as text; nothing where all went well. */
function wordsOf(bytes: Uint8Array): Uint8Array {
  try {
    const { status, message } = JSON.parse(new TextDecoder().decode(bytes)) as { status?: unknown; message?: unknown };
    return status === "Success" ? new Uint8Array(0) : new TextEncoder().encode(typeof message === "string" ? message : "");
  } catch {
    return bytes;
  }
}

/** Port-forward's SPDY connection, carried in binary messages. */
export async function bridgeTunnel(
  client: ByteStream,
  runtime: ByteStream,
  { head, patience }: Pick<RemoteCommandOptions, "head" | "patience">,
): Promise<void> {
  const socket = new WebSocket(client, { side: "server", head });
  const outward = async () => {
    for await (const chunk of runtime.incoming) await socket.send(chunk);
    await socket.close(closeCodes.normal, "");
  };
  const inward = async () => {
    for await (const { bytes } of socket.messages()) await runtime.write(bytes);
    runtime.end();
  };
  const ways = [outward(), inward()];
  for (const way of ways) way.catch(() => {});
  try {
    await Promise.race([...ways, client.closed]);
    await Promise.race([client.closed, patience()]);
  } finally {
    runtime.destroy();
    client.destroy();
  }
}
