// Answers of resolvers, kept for as long as they say and we want, and told with the time that is left of them.
import type { Clock } from "#platform/clock.ts";
import { readReply } from "./reply.ts";

export interface ReplyCache {
  /** The reply for a question asked just so before, with the id and spelling of this query; undefined when none is known. */
  get(key: string, query: Uint8Array): { readonly bytes: Uint8Array; readonly isDenial: boolean } | undefined;
  put(key: string, reply: Uint8Array, secondsMax: number): void;
  readonly size: number;
}

const entriesMax = 10_000;
/** Longer replies are asked for anew. */
const replyBytesMax = 4_096;

interface Entry {
  readonly bytes: Uint8Array;
  readonly storedAt: number;
  readonly seconds: number;
  readonly timeOffsets: readonly number[];
  readonly questionEnd: number;
  readonly isDenial: boolean;
}

export function replyCache(clock: Clock): ReplyCache {
  const entries = new Map<string, Entry>();
  return {
    get(key, query) {
      const entry = entries.get(key);
      if (!entry) return undefined;
      const age = Math.floor((clock.monotonic() - entry.storedAt) / 1_000);
      if (age >= entry.seconds) {
        entries.delete(key);
        return undefined;
      }
      const bytes = Uint8Array.from(entry.bytes);
      bytes.set(query.subarray(0, 2));
      bytes.set(query.subarray(12, entry.questionEnd), 12);
      const view = new DataView(bytes.buffer);
      for (const offset of entry.timeOffsets) view.setUint32(offset, Math.max(0, Math.min(view.getUint32(offset), entry.seconds) - age));
      return { bytes, isDenial: entry.isDenial };
    },
    put(key, reply, secondsMax) {
      const read = reply.length <= replyBytesMax ? readReply(reply) : undefined;
      const seconds = Math.min(read?.seconds ?? 0, secondsMax);
      if (!read || seconds <= 0) return;
      entries.delete(key);
      if (entries.size >= entriesMax) entries.delete(entries.keys().next().value as string);
      const { timeOffsets, questionEnd, isDenial } = read;
      entries.set(key, { bytes: Uint8Array.from(reply), storedAt: clock.monotonic(), seconds, timeOffsets, questionEnd, isDenial });
    },
    get size() {
      return entries.size;
    },
  };
}
