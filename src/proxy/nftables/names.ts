// Names of chains and sets from any text: letters, digits and dashes, and at most 128 characters. Long names keep their start; each gains a
// digest, which tells those apart that look alike once reduced to letters.
import { hex, sha256 } from "#base/sha256.ts";

const textMax = 48;
const digestLength = 16;
/** Names are asked for again with every change. */
const known = new Map<string, string>();
const knownMax = 50_000;

export function chainName(kind: string, text: string): string {
  return `${kind}-${plainName(text)}`;
}

export function plainName(text: string): string {
  let name = known.get(text);
  if (name === undefined) {
    name = `${text.replace(/[^A-Za-z0-9]+/g, "-").slice(0, textMax)}-${digest(text)}`;
    if (known.size >= knownMax) known.clear();
    known.set(text, name);
  }
  return name;
}

/** Nobody may find another text with the same one: chains of others would be taken for theirs. */
function digest(text: string): string {
  return hex(sha256(new TextEncoder().encode(text))).slice(0, digestLength);
}
