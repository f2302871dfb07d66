// A log as the messages of a WebSocket, one for each piece that comes: for clients that can open nothing else.
import { encodeBase64 } from "#base/base64.ts";
import type { ClientResponse } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import type { HttpRequest } from "#wire/http/message.ts";
import type { ByteStream } from "#wire/http/stream.ts";
import { closeCodes } from "#wire/websocket/frames.ts";
import { acceptHeaders, chooseProtocol } from "#wire/websocket/handshake.ts";
import { WebSocket } from "#wire/websocket/web-socket.ts";
import { badRequest } from "../errors.ts";
import type { Answer } from "../resource.ts";

/** Best first; a client that names none gets bytes. */
const protocols = ["binary.k8s.io", "base64.binary.k8s.io"] as const;
/** Pings and goodbyes are all that is heard. */
const heardMax = 64 * 1024;
/** How long the client may take to close after our goodbye. */
const patienceMilliseconds = 10_000;

/** The headers to say yes with. Throws BadRequest where the client asks for what is not spoken here. */
export function logSocketHeaders({ headers }: HttpRequest) {
  const offered = headers["sec-websocket-protocol"] ?? "";
  const protocol = chooseProtocol(headers, protocols);
  const accepted = acceptHeaders(headers, protocol);
  if (!accepted) throw badRequest("this is not a WebSocket handshake of version 13");
  if (offered !== "" && protocol === undefined) throw badRequest(`none of the subprotocols is supported: ${offered.slice(0, 256)}`);
  return { accepted, isBase64: protocol === "base64.binary.k8s.io" };
}

/** Takes the client's connection over and carries the log into it, until it ends or the client is gone. */
export function sendLog(
  { clock }: Pick<World, "clock">,
  upgrade: NonNullable<HttpRequest["upgrade"]>,
  { accepted, isBase64 }: ReturnType<typeof logSocketHeaders>,
  log: ClientResponse["body"],
): Answer {
  const { stream, head } = upgrade(accepted);
  const socket = new WebSocket(stream, { side: "server", head, messageMax: heardMax });
  void carry().catch(() => stream.destroy());
  return { response: { status: 101, headers: {}, upgraded: true } };

  async function carry(): Promise<void> {
    const pieces = log[Symbol.asyncIterator]();
    // Told once, whatever comes: each piece that raced against a promise that outlives it would be kept as long as that.
    let isOver = false;
    let wake = (): void => {};
    void Promise.race([hear(socket), stream.closed]).then(() => {
      isOver = true;
      wake();
    });
    /** Undefined when the client is gone, or whoever wrote the log: the client then sees the end of what there was. */
    const nextPiece = () =>
      new Promise<IteratorResult<Uint8Array> | undefined>((resolve) => {
        if (isOver) return resolve(undefined);
        wake = () => resolve(undefined);
        pieces.next().then(resolve, wake);
      });
    try {
      // Upstream begins so, to see whether anybody is there.
      await send(new Uint8Array(0));
      for (;;) {
        const next = await nextPiece();
        if (!next || next.done) break;
        await send(next.value);
      }
      await socket.close(closeCodes.normal, "");
      await gone(stream);
    } finally {
      void pieces.return?.().catch(() => {});
      stream.destroy();
    }
  }

  function send(bytes: Uint8Array): Promise<void> {
    return isBase64 ? socket.send(new TextEncoder().encode(encodeBase64(bytes)), "text") : socket.send(bytes);
  }

  async function gone({ closed }: ByteStream): Promise<void> {
    const { promise: patience, resolve } = Promise.withResolvers<void>();
    const timer = clock.timer(patienceMilliseconds, resolve);
    await Promise.race([closed, patience]);
    timer.cancel();
  }
}

/** What the client says is heard for its pings and its goodbye only. */
async function hear(socket: WebSocket): Promise<undefined> {
  try {
    for await (const _ of socket.messages());
  } catch {
    // It broke the rules, or vanished: either way it is gone.
  }
}
