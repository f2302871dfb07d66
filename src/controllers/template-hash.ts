// A short text that stands for a template: the same template gives the same text, in every process.
import { writePlainJson } from "#wire/json/json.ts";

const letters = "bcdfghjklmnpqrstvwxz2456789";
const encoder = new TextEncoder();

/** FNV-1a of the value, keys in order, and of how often it collided; spelt so that it makes no words. */
export function templateHash(template: unknown, collisionCount: number | undefined): string {
  let hash = fnv1a(0x811c9dc5, encoder.encode(writePlainJson(sorted(template))));
  if (collisionCount !== undefined) {
    const bytes = new Uint8Array(8);
    new DataView(bytes.buffer).setUint32(0, collisionCount, true);
    hash = fnv1a(hash, bytes);
  }
  return safeText(String(hash));
}

export function safeText(text: string): string {
  return [...text].map((letter) => letters[(letter.codePointAt(0) as number) % letters.length]).join("");
}

function fnv1a(from: number, bytes: Uint8Array): number {
  let hash = from;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(entries.sort(([left], [right]) => (left < right ? -1 : 1)).map(([key, member]) => [key, sorted(member)]));
}
