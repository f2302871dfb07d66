// A node:stream duplex (socket, TLS socket) as a ByteStream.
import type { Duplex } from "node:stream";
import type { ByteStream } from "#wire/http/stream.ts";
import { NetworkError } from "../network.ts";

const done = Promise.resolve();

export function byteStreamOf(duplex: Duplex): ByteStream {
  duplex.on("error", () => {});
  const closed = new Promise<void>((resolve) => {
    if (duplex.destroyed) resolve();
    else duplex.once("close", resolve);
  });
  return {
    incoming: incomingOf(duplex),
    write: (bytes) => write(duplex, bytes),
    end: () => void duplex.end(),
    destroy: (reason) => void duplex.destroy(reason),
    closed,
  };
}

async function* incomingOf(duplex: Duplex): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of duplex.iterator({ destroyOnReturn: false })) yield chunk;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? "EIO";
    if (code === "ERR_STREAM_PREMATURE_CLOSE") return;
    throw new NetworkError(code, `reading from the connection: ${(error as Error).message}`, { cause: error });
  }
}

function write(duplex: Duplex, bytes: Uint8Array): Promise<void> {
  if (duplex.destroyed || duplex.writableEnded) return Promise.reject(new NetworkError("EPIPE", "the connection is closed for writing"));
  if (duplex.write(bytes)) return done;
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      duplex.off("drain", settle);
      duplex.off("close", settle);
      if (duplex.destroyed) reject(new NetworkError("EPIPE", "the connection closed before everything was written"));
      else resolve();
    };
    duplex.on("drain", settle);
    duplex.on("close", settle);
  });
}
