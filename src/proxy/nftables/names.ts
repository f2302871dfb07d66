// Names of chains and sets from any text: letters, digits and dashes, and at most 128 characters. Long names keep their start; each gains a
// digest, which tells those apart that look alike once reduced to letters.

const textMax = 48;

export function chainName(kind: string, text: string): string {
  return `${kind}-${plainName(text)}`;
}

export function plainName(text: string): string {
  return `${text.replace(/[^A-Za-z0-9]+/g, "-").slice(0, textMax)}-${digest(text)}`;
}

/** Two runs of FNV-1a with different beginnings, in base 36. */
function digest(text: string): string {
  return `${fnv(text, 0x811c9dc5)}${fnv(text, 0x01000193)}`;
}

function fnv(text: string, start: number): string {
  let hash = start;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash >>> 0).toString(36);
}
