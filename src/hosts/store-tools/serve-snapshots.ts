// A snapshot of a store that is being served: whoever may open the socket in the data folder gets one, as the file's bytes.
import type { Scope } from "#base/scope.ts";
import type { World } from "#platform/world.ts";
import { encodeSnapshot } from "#store/snapshot/snapshot-file.ts";
import type { StoreImage } from "#store/image.ts";
import type { ByteStream } from "#wire/http/stream.ts";
import { madeNow, sha256Digest } from "./snapshot-io.ts";

const connectionsMax = 4;

export const snapshotSocket = (dataFolder: string) => `${dataFolder}/snapshot.sock`;

/** Call it once the store is open: its lock says that no other server uses the folder. A socket that cannot be made is logged, no failure. */
export async function serveSnapshots(scope: Scope, world: World, store: { image(): StoreImage }, dataFolder: string): Promise<void> {
  const path = snapshotSocket(dataFolder);
  let connections = 0;
  try {
    await world.files.remove(path);
    await world.network.listen(scope, { path }, (stream) => {
      if (connections >= connectionsMax) return stream.destroy();
      connections++;
      scope.start("send a snapshot", async (task) => {
        task.defer("connection", () => stream.destroy());
        await send(world, store, stream).catch((error: unknown) => {
          world.log.warn("a snapshot was not sent whole", { error: error instanceof Error ? error.message : String(error) });
          stream.destroy();
        });
        connections--;
      });
    });
    await world.files.changeMode(path, 0o600);
  } catch (error) {
    scope.throwIfStopped();
    world.log.warn("no snapshots can be taken while the store is served", {
      error: error instanceof Error ? error.message : String(error),
    });
  }
}

async function send(world: World, store: { image(): StoreImage }, stream: ByteStream): Promise<void> {
  for (const chunk of encodeSnapshot(store.image(), madeNow(world), sha256Digest())) await stream.write(chunk);
  stream.end();
  await stream.closed;
}
