// exec, attach and port-forward over SPDY/3.1: the upgraded connection is joined to the runtime's own streaming server, byte for byte, so
// that exit codes, terminals and half-closed streams are exactly what the runtime makes of them.
import { textResponse } from "#component/serving.ts";
import type { Headers, HttpRequest, HttpResponse, Upgrade } from "#wire/http/message.ts";
import type { ByteStream } from "#wire/http/stream.ts";
import type { World } from "#platform/world.ts";
import { InputEnd } from "#wire/spdy/input-end.ts";

const protocolHeader = "x-stream-protocol-version";
/** What runtimes speak, best first; an offer of these is narrowed to the best. */
const remoteCommandProtocols = ["v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io"];
/** The runtime's token in the URL is valid for a minute. */
const upgradeTimeoutMilliseconds = 30_000;
/** How long a caller may take for the last of what it was sent, and to close its side. */
const lingerMilliseconds = 10_000;
/** How long what a vanished caller said may take to reach the command. */
const lastInputMilliseconds = 2_000;

export interface RuntimeStream {
  readonly headers: Headers;
  readonly stream: ByteStream;
  close(): void;
}

/** Upgrades to SPDY at the runtime's streaming URL. Rejects with the runtime's words. */
export async function openRuntimeStream(
  world: World,
  url: string,
  offered: readonly string[],
  signal: AbortSignal,
): Promise<RuntimeStream> {
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
      signal,
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
export async function joinSpdy(world: World, request: HttpRequest, url: string, idleMilliseconds: number): Promise<HttpResponse> {
  if (!request.upgrade || !/^spdy\/3\.1$/i.test(request.headers["upgrade"] ?? ""))
    return textResponse(400, "unable to upgrade: the only protocols are SPDY/3.1 and WebSocket\n");
  const offered = (request.headers[protocolHeader] ?? "")
    .split(",")
    .map((text) => text.trim())
    .filter((text) => text !== "");
  const runtime = await openRuntimeStream(world, url, offered, request.signal);
  const negotiated = runtime.headers[protocolHeader];
  const { stream, head } = takeOver(request.upgrade, runtime, {
    connection: "Upgrade",
    upgrade: "SPDY/3.1",
    ...(negotiated !== undefined && { [protocolHeader]: negotiated }),
  });
  const caller = droppedWhenIdle(world, stream, idleMilliseconds);
  void joinStreams(world, caller, runtime.stream, head).finally(() => runtime.close());
  return { status: 101, headers: {}, upgraded: true };
}

/** The caller's connection; where it is gone already, nothing is left open towards the runtime. */
export function takeOver(upgrade: Upgrade, runtime: RuntimeStream, headers: Headers): ReturnType<Upgrade> {
  try {
    return upgrade(headers);
  } catch (error) {
    runtime.stream.destroy();
    runtime.close();
    throw error;
  }
}

/** Drops a connection on which nothing was said for so long, either way; 0 keeps it for ever. */
export function droppedWhenIdle({ clock }: Pick<World, "clock">, stream: ByteStream, milliseconds: number): ByteStream {
  if (milliseconds <= 0) return stream;
  let last = clock.monotonic();
  const spoke = () => {
    last = clock.monotonic();
  };
  const check = () => {
    const left = last + milliseconds - clock.monotonic();
    if (left <= 0) stream.destroy(new Error(`nothing was said for ${milliseconds} ms`));
    else timer = clock.timer(left, check);
  };
  let timer = clock.timer(milliseconds, check);
  void stream.closed.then(() => timer.cancel());
  return {
    ...stream,
    incoming: noticed(stream.incoming, spoke),
    write: (bytes) => {
      spoke();
      return stream.write(bytes);
    },
  };
}

async function* noticed(incoming: AsyncIterable<Uint8Array>, spoke: () => void): AsyncGenerator<Uint8Array> {
  for await (const chunk of incoming) {
    spoke();
    yield chunk;
  }
}

/**
 * Carries bytes both ways until the runtime said everything. Where the caller is gone before, the command is told that its input is over,
 * and what it still says is read and dropped for a while: one that is left with output nobody reads would never end.
 */
async function joinStreams(world: Pick<World, "clock">, caller: ByteStream, runtime: ByteStream, head: Uint8Array): Promise<void> {
  const input = new InputEnd();
  let isGone = false;
  const inward = async () => {
    if (head.length > 0) await runtime.write(input.push(head));
    for await (const chunk of caller.incoming) {
      const whole = input.push(chunk);
      if (whole.length > 0) await runtime.write(whole);
    }
  };
  const outward = async () => {
    for await (const chunk of runtime.incoming) {
      if (isGone) continue;
      await caller.write(chunk).catch(() => {
        isGone = true;
      });
    }
    caller.end();
  };
  const leave = async () => {
    // Who closes its side of a SPDY connection has nothing more to hear either; nor has one whose connection broke.
    const heard = inward().catch(() => {});
    await Promise.race([caller.closed, heard]);
    isGone = true;
    // What it said before goes first; a command that takes no input does not hold this up.
    await Promise.race([heard, pause(lastInputMilliseconds)]);
    const last = input.end();
    if (last) runtime.write(last).catch(() => {});
    else runtime.destroy();
  };
  const pause = (milliseconds: number) => new Promise<void>((resolve) => void world.clock.timer(milliseconds, resolve));
  const leaving = leave();
  const over = outward().catch(() => {});
  try {
    await Promise.race([over, leaving]);
    await Promise.race([Promise.all([over, caller.closed]), pause(lingerMilliseconds)]);
  } finally {
    caller.destroy();
    runtime.destroy();
  }
}
