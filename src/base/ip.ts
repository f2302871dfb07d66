// Addresses and ranges of both families: text in the one form that is always the same, and numbers to reckon with.

export type Family = "IPv4" | "IPv6";

/** A range by its first address. */
export interface IpRange {
  readonly family: Family;
  readonly first: bigint;
  readonly prefix: number;
}

export const familyBits: Readonly<Record<Family, number>> = { IPv4: 32, IPv6: 128 };

/** Of an address or a range that is known to be one. */
export function familyOf(text: string): Family {
  return text.includes(":") ? "IPv6" : "IPv4";
}

/** An address's value; undefined where the text is none. */
export function readAddress(text: string): { readonly family: Family; readonly value: bigint } | undefined {
  const bytes = parseIp(text);
  return bytes && { family: bytes.length === 4 ? "IPv4" : "IPv6", value: numberOf(bytes) };
}

/** Undefined where the text is no range, or does not begin with the range's first address. */
export function readRange(text: string): IpRange | undefined {
  const range = rangeAround(text);
  return range && readAddress(text.slice(0, text.lastIndexOf("/")))?.value === range.first ? range : undefined;
}

/** The range that an address with a prefix lies in: "10.244.0.7/16". */
export function rangeAround(text: string): IpRange | undefined {
  const cidr = parseCidr(text);
  if (!cidr) return undefined;
  const family = cidr.address.length === 4 ? "IPv4" : "IPv6";
  const value = numberOf(cidr.address);
  return { family, first: value - (value % sizeOf({ family, prefix: cidr.bits })), prefix: cidr.bits };
}

/** How many addresses it has. */
export function sizeOf({ family, prefix }: Pick<IpRange, "family" | "prefix">): bigint {
  return 1n << BigInt(familyBits[family] - prefix);
}

export function contains(range: IpRange, { family, value }: { readonly family: Family; readonly value: bigint }): boolean {
  return family === range.family && value >= range.first && value < range.first + sizeOf(range);
}

export function overlap(one: IpRange, other: IpRange): boolean {
  return contains(one, { family: other.family, value: other.first }) || contains(other, { family: one.family, value: one.first });
}

export function addressText(family: Family, value: bigint): string {
  const bytes = new Uint8Array(familyBits[family] / 8);
  for (let index = bytes.length - 1, left = value; index >= 0; index -= 1, left >>= 8n) bytes[index] = Number(left & 0xffn);
  return canonicalAddress(bytes);
}

export function rangeText({ family, first, prefix }: IpRange): string {
  return `${addressText(family, first)}/${prefix}`;
}

function numberOf(bytes: Uint8Array): bigint {
  return bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/** Four or sixteen bytes, as RFC 5952 writes them: "10.0.0.1", "2001:db8::1". */
export function canonicalAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, at) => ((bytes[2 * at] as number) << 8) | (bytes[2 * at + 1] as number));
  const { start, length } = longestZeros(groups);
  const text = (some: readonly number[]) => some.map((group) => group.toString(16)).join(":");
  return length < 2 ? text(groups) : `${text(groups.slice(0, start))}::${text(groups.slice(start + length))}`;
}

function longestZeros(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start += 1) {
    let length = 0;
    while (groups[start + length] === 0) length += 1;
    if (length > best.length) best = { start, length };
  }
  return best;
}

/** The bytes of an IP address, 4 or 16 of them; undefined when the text is none. */
export function parseIp(text: string): Uint8Array | undefined {
  if (text.length > 45) return undefined;
  return text.includes(":") ? parseIp6(text) : parseIp4(text);
}

function parseIp4(text: string): Uint8Array | undefined {
  const parts = text.split(".");
  if (parts.length !== 4) return undefined;
  const bytes = new Uint8Array(4);
  for (const [index, part] of parts.entries()) {
    // A leading zero could be read as octal, so it is no address.
    if (!/^(?:0|[1-9][0-9]{0,2})$/.test(part) || Number(part) > 255) return undefined;
    bytes[index] = Number(part);
  }
  return bytes;
}

function parseIp6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const head = groupsOf(halves[0] as string, halves.length === 1);
  const tail = halves.length === 2 ? groupsOf(halves[1] as string, true) : [];
  if (head === undefined || tail === undefined) return undefined;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const bytes = new Uint8Array(16);
  for (const [index, group] of [...head, ...new Array<number>(missing).fill(0), ...tail].entries()) {
    bytes[index * 2] = group >> 8;
    bytes[index * 2 + 1] = group & 255;
  }
  return bytes;
}

function groupsOf(text: string, mayEndInIp4: boolean): number[] | undefined {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [index, part] of parts.entries()) {
    if (mayEndInIp4 && index === parts.length - 1 && part.includes(".")) {
      const [a, b, c, d] = parseIp4(part) ?? [];
      if (a === undefined || b === undefined || c === undefined || d === undefined) return undefined;
      groups.push((a << 8) | b, (c << 8) | d);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(part)) return undefined;
      groups.push(Number.parseInt(part, 16));
    }
  }
  return groups;
}

/** An address and how many of its leading bits count. */
export function parseCidr(text: string): { readonly address: Uint8Array; readonly bits: number } | undefined {
  const slash = text.lastIndexOf("/");
  if (slash < 0) return undefined;
  const address = parseIp(text.slice(0, slash));
  const bits = text.slice(slash + 1);
  if (address === undefined || !/^(?:0|[1-9][0-9]{0,2})$/.test(bits) || Number(bits) > address.length * 8) return undefined;
  return { address, bits: Number(bits) };
}
