// A response whose head is there and whose body is still coming, over either version of HTTP.
import type { Readable } from "node:stream";
import type { Headers } from "#wire/http/message.ts";
import { type ClientResponse, NetworkError } from "../network.ts";
import { networkError, type Target } from "./client-target.ts";

/** `cut` says why a body that seems to have ended did not come whole. */
export function clientResponse(
  target: Target,
  status: number,
  headers: Headers,
  body: Readable,
  cut: () => string | undefined,
): ClientResponse {
  // Nobody may be reading when the connection breaks; who reads is told by the reading.
  body.on("error", () => {});
  return { status, headers, body: droppable(body, chunksOf(target, body, cut)), bytes: () => wholeOf(target, body, cut) };
}

/** A generator that was never asked for anything ends without a word: who leaves before the first chunk drops the request as well. */
function droppable(body: Readable, chunks: AsyncGenerator<Uint8Array>): AsyncIterable<Uint8Array> {
  let isBegun = false;
  const iterator: AsyncIterator<Uint8Array> = {
    next: () => {
      isBegun = true;
      return chunks.next();
    },
    return: () => {
      if (!isBegun) body.destroy(new NetworkError("ECANCELED", "the request was given up"));
      return chunks.return(undefined);
    },
  };
  return { [Symbol.asyncIterator]: () => iterator };
}

async function* chunksOf(target: Target, body: Readable, cut: () => string | undefined): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of body) yield chunk;
  } catch (error) {
    throw networkError(target, body.errored ?? error);
  } finally {
    body.destroy();
  }
  const reason = cut();
  if (reason !== undefined) throw new NetworkError("ECONNRESET", `${target.url}: ${reason}`);
}

function wholeOf(target: Target, body: Readable, cut: () => string | undefined): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let ended = false;
    const fail = (error: unknown): void => reject(networkError(target, error));
    const finish = (): void => {
      const reason = cut();
      if (reason === undefined) resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
      else fail(new Error(reason));
    };
    if (body.destroyed && !body.readable) {
      fail(body.errored ?? new Error("the connection is closed"));
      return;
    }
    body.on("data", (chunk: Buffer) => chunks.push(chunk));
    body.on("end", () => {
      ended = true;
      finish();
    });
    body.on("error", fail);
    body.on("close", () => {
      if (!ended) fail(body.errored ?? new Error("the connection closed before the whole body came"));
    });
  });
}

/** Headers as node gives them, with several values of a name joined. */
export function joinedHeaders(headers: Readonly<Record<string, string | readonly string[] | undefined>>): Headers {
  const joined: Record<string, string> = {};
  for (const name in headers) {
    if (name.charCodeAt(0) === 58) continue;
    const value = headers[name];
    if (value !== undefined) joined[name] = typeof value === "string" ? value : value.join(", ");
  }
  return joined;
}
