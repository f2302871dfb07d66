// Standard base64 with padding, in plain TypeScript: every host has it, and malformed text is told apart.
const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const values = new Int8Array(128).fill(-1);
for (let index = 0; index < 64; index++) values[alphabet.charCodeAt(index)] = index;

const padding = 61;

/** The text of `bytes`, padded. */
export function encodeBase64(bytes: Uint8Array): string {
  let text = "";
  let index = 0;
  for (; index + 2 < bytes.length; index += 3) {
    const word = ((bytes[index] as number) << 16) | ((bytes[index + 1] as number) << 8) | (bytes[index + 2] as number);
    text += sextet(word >> 18) + sextet(word >> 12) + sextet(word >> 6) + sextet(word);
  }
  const rest = bytes.length - index;
  if (rest === 1) {
    const word = (bytes[index] as number) << 16;
    text += `${sextet(word >> 18)}${sextet(word >> 12)}==`;
  } else if (rest === 2) {
    const word = ((bytes[index] as number) << 16) | ((bytes[index + 1] as number) << 8);
    text += `${sextet(word >> 18)}${sextet(word >> 12)}${sextet(word >> 6)}=`;
  }
  return text;
}

/** The bytes of padded base64 `text`, or the index of the first character that is wrong. Line breaks are skipped. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | number {
  const plain = text.includes("\n") || text.includes("\r") ? text.replace(/[\r\n]+/g, "") : text;
  const wrong = wrongBase64(plain);
  if (wrong >= 0) return wrong;
  let end = plain.length;
  while (end > 0 && plain.charCodeAt(end - 1) === padding) end--;
  const bytes = new Uint8Array(Math.floor((end * 3) / 4));
  let written = 0;
  let word = 0;
  let bits = 0;
  for (let index = 0; index < end; index++) {
    word = (word << 6) | (values[plain.charCodeAt(index)] as number);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[written++] = (word >> bits) & 255;
    }
  }
  return bytes;
}

/** The index of the first character that makes `text` no padded base64, or -1. */
export function wrongBase64(text: string): number {
  let end = text.length;
  if (end % 4 !== 0) return end;
  if (end > 0 && text.charCodeAt(end - 1) === padding) end--;
  if (end > 0 && end < text.length && text.charCodeAt(end - 1) === padding) end--;
  for (let index = 0; index < end; index++) {
    const code = text.charCodeAt(index);
    if (code > 127 || (values[code] as number) < 0) return index;
  }
  return -1;
}

function sextet(word: number): string {
  return alphabet[word & 63] as string;
}
