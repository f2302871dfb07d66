// Reading back what the server itself wrote: normalised already, so the engine's own parser does where no digits can be lost.
import { readJson } from "#schema/derive/json.ts";
import type { Kind } from "#schema/kind.ts";

/** From sixteen digits on, a whole number may not fit a JavaScript number. */
const longNumber = /[0-9]{16}/;

export function readStored(kind: Kind, text: string): unknown {
  return longNumber.test(text) ? readJson(kind.message, text).value : JSON.parse(text);
}
