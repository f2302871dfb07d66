// Reading a request's whole body within a limit.
import type { Readable } from "node:stream";
import { BodyTooLarge } from "#wire/http/message.ts";
import { NetworkError } from "../network.ts";

export const noBytes = new Uint8Array(0);

/**
 * Resolves with all bytes; rejects with BodyTooLarge as soon as the limit is known to be passed, leaving the rest unread. `cut` tells
 * whether a body that seems to have ended did not come whole.
 */
export function readBody(source: Readable, declaredLength: string | undefined, limit: number, cut: () => boolean): Promise<Uint8Array> {
  if (declaredLength !== undefined && Number(declaredLength) > limit) return Promise.reject(new BodyTooLarge(limit));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let total = 0;
    const settle = (): void => {
      source.off("data", take);
      source.off("end", finish);
      source.off("error", fail);
      source.off("close", vanish);
    };
    const take = (chunk: Buffer): void => {
      total += chunk.length;
      if (total > limit) {
        settle();
        source.pause();
        reject(new BodyTooLarge(limit));
        return;
      }
      chunks.push(chunk);
    };
    const finish = (): void => {
      if (cut()) return vanish();
      settle();
      resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, total));
    };
    const fail = (error: Error): void => {
      settle();
      reject(new NetworkError("ECONNRESET", `reading the request's body: ${error.message}`, { cause: error }));
    };
    const vanish = (): void => fail(new Error("the peer closed the connection"));
    if (source.destroyed) return vanish();
    source.on("data", take);
    source.on("end", finish);
    source.on("error", fail);
    source.on("close", vanish);
  });
}
