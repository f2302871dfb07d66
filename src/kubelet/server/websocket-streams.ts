// exec, attach and port-forward over WebSocket, carried on to the runtime over SPDY: runtimes know no protocol of WebSockets in which the
// end of standard input can be told, and without that `kubectl exec -i` would never end.
//
// - v5.channel.k8s.io and v4.channel.k8s.io: the first byte of each message names the channel; in v5, 255 and a channel close that channel.
// - SPDY/3.1+portforward.k8s.io: messages are pieces of a SPDY connection, which is the runtime's own.
import { textResponse } from "#component/serving.ts";
import type { World } from "#platform/world.ts";
import type { HttpRequest, HttpResponse } from "#wire/http/message.ts";
import type { ByteStream } from "#wire/http/stream.ts";
import { SpdyClient } from "./spdy-client.ts";
import { openRuntimeStream, type RuntimeStream } from "./streams.ts";
import { acceptKey, closeFrame, frame, type Message, MessageReader, opcodes } from "./websocket.ts";

export interface WantedStreams {
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
}

const commandProtocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"];
const tunnelProtocol = "SPDY/3.1+portforward.k8s.io";
const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;
const normalClosure = 1000;
const protocolError = 1002;
/** How long the caller may take to close its side after we closed ours. */
const lingerMilliseconds = 5_000;
const emptyBytes = new Uint8Array(0);

export function isWebSocket({ headers }: HttpRequest): boolean {
  return (headers["upgrade"] ?? "").toLowerCase() === "websocket";
}

/** `streams` is absent for port-forward. */
export async function joinWebSocket(
  world: World,
  request: HttpRequest,
  url: string,
  streams: WantedStreams | undefined,
): Promise<HttpResponse> {
  const key = request.headers["sec-websocket-key"];
  const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((text) => text.trim());
  const protocol = (streams ? commandProtocols : [tunnelProtocol]).find((one) => offered.includes(one));
  if (!request.upgrade || !key || request.headers["sec-websocket-version"] !== "13")
    return textResponse(400, "this is not a WebSocket handshake of version 13\n");
  if (!protocol)
    return textResponse(400, `unable to upgrade: none of the subprotocols is supported: ${offered.join(", ").slice(0, 256)}\n`);
  const runtime = await openRuntimeStream(world, url, [streams ? "v4.channel.k8s.io" : "portforward.k8s.io"]);
  const { stream, head } = request.upgrade({
    connection: "Upgrade",
    upgrade: "websocket",
    "sec-websocket-accept": acceptKey(key),
    "sec-websocket-protocol": protocol,
  });
  const caller = new Caller(stream, head);
  const carried = streams ? carryCommand(caller, runtime, streams) : carryTunnel(caller, runtime);
  void carried
    .then(
      () => caller.close(normalClosure),
      () => caller.close(protocolError),
    )
    .finally(() => {
      runtime.stream.destroy();
      runtime.close();
      world.clock.timer(lingerMilliseconds, () => stream.destroy());
    });
  return { status: 101, headers: {}, upgraded: true };
}

/** The WebSocket at the caller's side: data messages in, frames out, pings answered in between. */
class Caller {
  readonly #stream: ByteStream;
  readonly #head: Uint8Array;
  readonly #reader = new MessageReader();

  constructor(stream: ByteStream, head: Uint8Array) {
    this.#stream = stream;
    this.#head = head;
  }

  /** Ends when the caller closed. */
  async *messages(): AsyncGenerator<Uint8Array> {
    yield* this.#data(this.#reader.read(this.#head));
    for await (const chunk of this.#stream.incoming) {
      for (const message of this.#reader.read(chunk)) {
        if (message.opcode === opcodes.close) return;
        yield* this.#data([message]);
      }
    }
  }

  async *#data(messages: readonly Message[]): AsyncGenerator<Uint8Array> {
    for (const { opcode, payload } of messages) {
      if (opcode === opcodes.ping) await this.#stream.write(frame(opcodes.pong, payload));
      else if (opcode === opcodes.binary || opcode === opcodes.text) yield payload;
    }
  }

  send(...payload: readonly Uint8Array[]): Promise<void> {
    return this.#stream.write(frame(opcodes.binary, ...payload));
  }

  /** Says why, and ends our side. */
  async close(code: number): Promise<void> {
    try {
      await this.#stream.write(closeFrame(code));
      this.#stream.end();
    } catch {
      this.#stream.destroy();
    }
  }
}

/** Ends when either side is done. */
async function carryTunnel(caller: Caller, { stream }: RuntimeStream): Promise<void> {
  const out = async () => {
    for await (const payload of caller.messages()) await stream.write(payload);
  };
  const back = async () => {
    for await (const chunk of stream.incoming) await caller.send(chunk);
  };
  await Promise.race([out(), back()]);
}

/** Ends when the runtime has closed all that it writes, or the caller went away. */
async function carryCommand(caller: Caller, { stream }: RuntimeStream, wanted: WantedStreams): Promise<void> {
  const spdy = new SpdyClient();
  const streamOf = new Map<number, number>();
  const channelOf = new Map<number, number>();
  const open = async (channel: keyof typeof channels) => {
    const { stream: number, frame: bytes } = spdy.open({ streamtype: channel });
    streamOf.set(channels[channel], number);
    channelOf.set(number, channels[channel]);
    await stream.write(bytes);
  };
  await open("error");
  if (wanted.stdin) await open("stdin");
  if (wanted.stdout) await open("stdout");
  if (wanted.stderr) await open("stderr");
  if (wanted.tty) await open("resize");
  const unfinished = new Set<number>([channels.error]);
  if (wanted.stdout) unfinished.add(channels.stdout);
  if (wanted.stderr) unfinished.add(channels.stderr);
  // An empty message tells the caller that the connection stands.
  await caller.send(new Uint8Array([wanted.stdout ? channels.stdout : wanted.stderr ? channels.stderr : channels.error]));

  const out = async () => {
    for await (const message of caller.messages()) {
      const isClose = message[0] === channels.close;
      const number = streamOf.get((isClose ? message[1] : message[0]) ?? -1);
      if (number === undefined) continue;
      if (isClose) {
        if (number === streamOf.get(channels.stdin)) await stream.write(spdy.data(number, emptyBytes, { isLast: true }));
      } else if (message.length > 1) await stream.write(spdy.data(number, message.subarray(1)));
    }
  };
  const back = async () => {
    for await (const chunk of stream.incoming) {
      for (const event of spdy.read(chunk)) {
        switch (event.type) {
          case "ping":
            await stream.write(event.answer);
            break;
          case "data": {
            const channel = channelOf.get(event.stream);
            if (channel === undefined) break;
            if (event.bytes.length > 0) await caller.send(new Uint8Array([channel]), event.bytes);
            if (event.isLast) unfinished.delete(channel);
            break;
          }
          case "reset":
            unfinished.delete(channelOf.get(event.stream) ?? -1);
            break;
          case "goAway":
            return;
        }
      }
      if (unfinished.size === 0) return;
    }
  };
  await Promise.race([out(), back()]);
}
