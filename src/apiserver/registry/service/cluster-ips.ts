// The addresses of a range, as numbers.

export interface AddressRange {
  readonly text: string;
  readonly first: number;
  /** How many there are to hand out: the network's own address and the last one are not. */
  readonly size: number;
}

/** An IPv4 range such as "10.96.0.0/12". Throws for anything else. */
export function parseRange(text: string): AddressRange {
  const [address = "", bits = ""] = text.split("/");
  const base = addressNumber(address);
  const prefix = /^[0-9]{1,2}$/.test(bits) ? Number(bits) : Number.NaN;
  if (base === undefined || !(prefix >= 8 && prefix <= 30))
    throw new Error(`${JSON.stringify(text)} is not an IPv4 range with 8 to 30 bits`);
  const count = 2 ** (32 - prefix);
  return { text, first: base - (base % count) + 1, size: count - 2 };
}

export function addressNumber(text: string): number | undefined {
  const match = /^(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})\.(0|[1-9][0-9]{0,2})$/.exec(text);
  if (!match) return undefined;
  const parts = match.slice(1).map(Number);
  return parts.some((part) => part > 255) ? undefined : parts.reduce((sum, part) => sum * 256 + part, 0);
}

export function addressText(number: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join(".");
}

/** The part at the beginning that is kept for addresses people choose themselves. */
export function staticBand(size: number): number {
  return Math.min(Math.max(16, Math.floor(size / 16)), 256, Math.floor(size / 2));
}
