// The supervisor's end of its socket. Only root may open it.
import type { Scope } from "#base/scope.ts";
import type { World } from "#platform/world.ts";
import type { ByteStream } from "#wire/http/stream.ts";
import { type Supervisor, SupervisorError } from "./contract.ts";
import { type Answer, lines, type Request } from "./protocol.ts";

const longestRequest = 64 * 1024;
const mostConnections = 64;
const mostBuffered = 4 * 1024 * 1024;

/** Claims the socket at once; requests wait until `ready`. */
export async function serveControl(
  scope: Scope,
  world: World,
  { path, supervisor, ready }: { path: string; supervisor: Supervisor; ready: Promise<void> },
): Promise<void> {
  if (await isServed(world, path)) throw new SupervisorError(`a supervisor is already running: ${path} answers`);
  await world.files.remove(path);
  let connections = 0;
  await world.network.listen(scope, { path }, (stream) => {
    if (connections >= mostConnections) return stream.destroy();
    connections += 1;
    scope.start("control connection", async (task) => {
      task.defer("connection", () => stream.destroy());
      await ready;
      await answer(task, world, stream, supervisor).catch(() => {});
      connections -= 1;
    });
  });
  if (await world.files.stat(path)) await world.files.changeMode(path, 0o600);
}

async function isServed(world: World, path: string): Promise<boolean> {
  try {
    const stream = await world.network.connect({ path }, { timeoutMilliseconds: 2_000 });
    stream.destroy();
    return true;
  } catch {
    return false;
  }
}

async function answer(scope: Scope, world: World, stream: ByteStream, supervisor: Supervisor): Promise<void> {
  const encoder = new TextEncoder();
  const send = (message: Answer) => stream.write(encoder.encode(`${JSON.stringify(message)}\n`));
  for await (const text of lines(stream, longestRequest)) {
    try {
      const request = readRequest(text);
      if (request.ask === "journal") await sendJournal(scope, stream, supervisor, request, send);
      else await send(await perform(supervisor, request));
      if (request.ask === "exit") await leave(scope, world, stream, supervisor);
    } catch (error) {
      await send({ error: error instanceof Error ? error.message : String(error) });
    }
    break;
  }
  stream.end();
}

/** Whoever asked for the end is to have the answer before the process goes. */
async function leave(scope: Scope, world: World, stream: ByteStream, supervisor: Supervisor): Promise<void> {
  stream.end();
  await Promise.race([stream.closed, world.clock.sleep(scope, 1_000)]);
  await supervisor.exit();
}

function readRequest(text: string): Request {
  const value: unknown = JSON.parse(text);
  if (typeof value !== "object" || value === null) throw new SupervisorError("a request is a JSON object");
  const { ask, unit, lines: count, follow } = value as Record<string, unknown>;
  switch (ask) {
    case "status":
    case "reload-files":
    case "stop-all":
    case "exit":
      return { ask };
    case "start":
    case "stop":
    case "restart":
    case "reload":
      if (typeof unit === "string") return { ask, unit };
      break;
    case "journal":
      if (typeof unit === "string")
        return { ask, unit, lines: typeof count === "number" && count >= 0 ? Math.min(count, 1_000_000) : 100, follow: follow === true };
      break;
  }
  throw new SupervisorError(`unknown request ${JSON.stringify(ask)}, or no unit given`);
}

async function perform(supervisor: Supervisor, request: Exclude<Request, { ask: "journal" }>): Promise<Answer> {
  switch (request.ask) {
    case "status":
      return { ok: true, status: supervisor.status() };
    case "reload-files":
      await supervisor.reloadFiles();
      return { ok: true };
    case "stop-all":
    case "exit":
      await supervisor.stopAll();
      return { ok: true };
    case "start":
    case "stop":
    case "restart":
    case "reload":
      await supervisor[request.ask](request.unit);
      return { ok: true };
  }
}

/** A follower that does not read is cut off once too much waits for it. */
async function sendJournal(
  scope: Scope,
  stream: ByteStream,
  supervisor: Supervisor,
  request: { unit: string; lines: number; follow: boolean },
  send: (message: Answer) => Promise<void>,
): Promise<void> {
  const journal = supervisor.journal(request.unit);
  for (const line of request.lines === 0 ? [] : await journal.tail(request.lines)) await send({ line });
  if (!request.follow) return;
  let buffered = 0;
  const unfollow = journal.follow((line) => {
    buffered += line.length;
    if (buffered > mostBuffered) return stream.destroy();
    send({ line }).then(
      () => {
        buffered -= line.length;
      },
      () => stream.destroy(),
    );
  });
  scope.defer("follower", () => unfollow());
  await stream.closed;
}
