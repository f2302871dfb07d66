// exec, attach and port-forward over SPDY/3.1: the upgraded connection is joined to the runtime's own streaming server, byte for byte, so
// that exit codes, terminals and half-closed streams are exactly what the runtime makes of them.
import { textResponse } from "#component/serving.ts";
import type { Headers, HttpRequest, HttpResponse } from "#wire/http/message.ts";
import type { ByteStream } from "#wire/http/stream.ts";
import type { World } from "#platform/world.ts";

const protocolHeader = "x-stream-protocol-version";
/** What runtimes speak, best first; an offer of these is narrowed to the best. */
const remoteCommandProtocols = ["v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io"];
/** The runtime's token in the URL is valid for a minute. */
const upgradeTimeoutMilliseconds = 30_000;

export interface RuntimeStream {
  readonly headers: Headers;
  readonly stream: ByteStream;
  close(): void;
}

/** Upgrades to SPDY at the runtime's streaming URL. Rejects with the runtime's words. */
export async function openRuntimeStream(world: World, url: string, offered: readonly string[]): Promise<RuntimeStream> {
  const { protocol, host, pathname, search } = new URL(url);
  const client = world.network.client({ url: `${protocol}//${host}`, http: "1.1" });
  const best = remoteCommandProtocols.find((one) => offered.includes(one));
  const wanted = best ?? offered.join(", ");
  try {
    const answer = await client.upgrade({
      method: "POST",
      path: `${pathname}${search}`,
      headers: { connection: "Upgrade", upgrade: "SPDY/3.1", ...(wanted && { [protocolHeader]: wanted }) },
      timeoutMilliseconds: upgradeTimeoutMilliseconds,
    });
    if ("refused" in answer) {
      const text = new TextDecoder().decode(await answer.refused.bytes());
      throw new Error(`the container runtime answered ${answer.refused.status}: ${text.trim().slice(0, 1024)}`);
    }
    return { ...answer, close: () => client.close() };
  } catch (error) {
    client.close();
    throw error;
  }
}

/** Joins the caller's SPDY connection to the one at `url`; answers when both are joined. */
export async function joinSpdy(world: World, request: HttpRequest, url: string): Promise<HttpResponse> {
  if (!request.upgrade || !/^spdy\/3\.1$/i.test(request.headers["upgrade"] ?? ""))
    return textResponse(400, "unable to upgrade: the only protocols are SPDY/3.1 and WebSocket\n");
  const offered = (request.headers[protocolHeader] ?? "")
    .split(",")
    .map((text) => text.trim())
    .filter((text) => text !== "");
  const runtime = await openRuntimeStream(world, url, offered);
  const negotiated = runtime.headers[protocolHeader];
  const { stream, head } = request.upgrade({
    connection: "Upgrade",
    upgrade: "SPDY/3.1",
    ...(negotiated !== undefined && { [protocolHeader]: negotiated }),
  });
  void joinStreams(stream, runtime.stream, head).finally(() => runtime.close());
  return { status: 101, headers: {}, upgraded: true };
}

/** Carries bytes both ways until both sides are done; an error on either drops both. */
async function joinStreams(caller: ByteStream, runtime: ByteStream, head: Uint8Array): Promise<void> {
  const carry = async (from: ByteStream, to: ByteStream) => {
    for await (const chunk of from.incoming) await to.write(chunk);
    to.end();
  };
  try {
    if (head.length > 0) await runtime.write(head);
    await Promise.all([carry(caller, runtime), carry(runtime, caller)]);
  } catch (error) {
    caller.destroy(error as Error);
    runtime.destroy(error as Error);
  }
}
