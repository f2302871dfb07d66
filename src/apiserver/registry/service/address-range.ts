// Ranges of addresses that Services get theirs from, of either family.
import { addressText, type Family, rangeAround, readAddress, sizeOf } from "#base/ip.ts";

export { type Family, familyOf } from "#base/ip.ts";

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
  const range = rangeAround(text);
  const [least, most] = range?.family === "IPv6" ? [64, 126] : [8, 30];
  if (!range || range.prefix < least || range.prefix > most)
    throw new Error(`${JSON.stringify(text)} is not a range of IPv4 addresses with 8 to 30 bits, or of IPv6 addresses with 64 to 126`);
  const { family, first: base } = range;
  const count = Math.min(sizeMax, Number(sizeOf(range)));
  return { text, family, base, size: count - (family === "IPv4" ? 2 : 1) };
}

/** The address with this number in the range, from 1 to its size. */
export function addressAt({ base, family }: AddressRange, at: number): string {
  return addressText(family, base + BigInt(at));
}

export function isInRange({ base, family, size }: AddressRange, address: string): boolean {
  const read = readAddress(address);
  return read?.family === family && read.value - base >= 1n && read.value - base <= BigInt(size);
}

/** The part at the beginning that is kept for addresses people choose themselves. */
export function staticBand(size: number): number {
  return Math.min(Math.max(16, Math.floor(size / 16)), 256, Math.floor(size / 2));
}
