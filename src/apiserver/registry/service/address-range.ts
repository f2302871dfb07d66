// Ranges of addresses that Services get theirs from, of either family.
import { canonicalAddress, parseCidr, parseIp } from "#base/ip.ts";

export type Family = "IPv4" | "IPv6";

export interface AddressRange {
  readonly text: string;
  readonly family: Family;
  /** The network's own address. */
  readonly base: bigint;
  /** How many there are to hand out, numbered from 1: the network's own address and the last one of IPv4 are not. */
  readonly size: number;
}

/** More than anybody needs: of larger ranges the beginning is used. */
const sizeMax = 2 ** 31;

/** A range such as "10.96.0.0/12" or "fd00::/108". Throws for anything else. */
export function parseRange(text: string): AddressRange {
  const range = parseCidr(text);
  const family = range?.address.length === 16 ? "IPv6" : "IPv4";
  const [least, most] = family === "IPv4" ? [8, 30] : [64, 126];
  if (!range || range.bits < least || range.bits > most)
    throw new Error(`${JSON.stringify(text)} is not a range of IPv4 addresses with 8 to 30 bits, or of IPv6 addresses with 64 to 126`);
  const free = BigInt(range.address.length * 8 - range.bits);
  const base = (numberOf(range.address) >> free) << free;
  const count = Math.min(sizeMax, Number(2n ** free));
  return { text, family, base, size: count - (family === "IPv4" ? 2 : 1) };
}

/** The address with this number in the range, from 1 to its size. */
export function addressAt({ base, family }: AddressRange, at: number): string {
  let value = base + BigInt(at);
  const bytes = new Uint8Array(family === "IPv4" ? 4 : 16);
  for (let index = bytes.length - 1; index >= 0; index -= 1) {
    bytes[index] = Number(value & 0xffn);
    value >>= 8n;
  }
  return canonicalAddress(bytes);
}

export function isInRange({ base, family, size }: AddressRange, address: string): boolean {
  const bytes = parseIp(address);
  if (!bytes || familyOf(address) !== family) return false;
  const at = numberOf(bytes) - base;
  return at >= 1n && at <= BigInt(size);
}

export function familyOf(address: string): Family {
  return address.includes(":") ? "IPv6" : "IPv4";
}

/** The part at the beginning that is kept for addresses people choose themselves. */
export function staticBand(size: number): number {
  return Math.min(Math.max(16, Math.floor(size / 16)), 256, Math.floor(size / 2));
}

function numberOf(bytes: Uint8Array): bigint {
  return bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}
