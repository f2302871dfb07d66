// The way from a port of the holding machine to the API server of a lab machine: one half inside, one outside, a unix socket between.
import type { Scope } from "#base/scope.ts";
import type { World } from "#platform/world.ts";
import type { ByteStream } from "#wire/http/stream.ts";
import { exchangeInside, placesOf } from "./layout.ts";

const apiServerPort = 6443;
const socketName = "api.sock";
const mostConnections = 10_000;

/** Runs in the machine, kept up by its first process. Does not return until the scope stops. */
export async function forwardInside(scope: Scope, world: World): Promise<void> {
  const path = `${exchangeInside}/${socketName}`;
  await world.files.remove(path);
  await forward(scope, world, { path }, { host: "127.0.0.1", port: apiServerPort });
  await untilStopped(scope);
}

/** Runs on the holding machine, until it is ended with the machine. Notes the port it got. */
export async function forwardOutside(scope: Scope, world: World, name: string, port: number): Promise<void> {
  const { exchange, folder } = placesOf(name);
  const listener = await forward(scope, world, { host: "127.0.0.1", port }, { path: `${exchange}/${socketName}` });
  await world.files.replace(`${folder}/port`, String(listener.port));
  await untilStopped(scope);
}

type Place = { host: string; port: number } | { path: string };

async function forward(scope: Scope, world: World, from: Place, to: Place): Promise<{ port: number }> {
  let connections = 0;
  return world.network.listen(scope, from, (incoming) => {
    if (connections >= mostConnections) return incoming.destroy();
    connections += 1;
    scope.start("connection", async (task) => {
      task.defer("incoming", () => incoming.destroy());
      try {
        const outgoing = await world.network.connect(to, { timeoutMilliseconds: 10_000 });
        task.defer("outgoing", () => outgoing.destroy());
        await Promise.all([copy(incoming, outgoing), copy(outgoing, incoming)]);
      } catch {
        // The other side is not there, or one of the two went away: the caller sees its connection end.
      } finally {
        connections -= 1;
      }
    });
  });
}

async function copy(from: ByteStream, to: ByteStream): Promise<void> {
  for await (const chunk of from.incoming) await to.write(chunk);
  to.end();
}

function untilStopped(scope: Scope): Promise<void> {
  return new Promise((resolve) => scope.signal.addEventListener("abort", () => resolve(), { once: true }));
}
