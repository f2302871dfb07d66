// Addresses and ranges as they may stand in rules. What is none is left out: whatever somebody wrote into an object, nothing else of it may
// reach the kernel's rules.
import { canonicalAddress, parseCidr, parseIp } from "#base/ip.ts";

export type Family = "IPv4" | "IPv6";

const bytesOf: Readonly<Record<Family, number>> = { IPv4: 4, IPv6: 16 };

/** Those of one family, each in its one form. */
export function addressesOf(texts: readonly string[], family: Family): readonly string[] {
  return texts.flatMap((text) => {
    const bytes = parseIp(text);
    return bytes?.length === bytesOf[family] ? [canonicalAddress(bytes)] : [];
  });
}

/** Ranges of one family by their first address; "everything" where one of them is that. */
export function rangesOf(texts: readonly string[], family: Family): readonly string[] | "everything" {
  const ranges = texts.flatMap((text) => {
    const range = parseCidr(text);
    if (range?.address.length !== bytesOf[family]) return [];
    const first = range.address.map((byte, at) => byte & (0xff << (8 - Math.min(8, Math.max(0, range.bits - at * 8)))));
    return [{ bits: range.bits, text: `${canonicalAddress(first)}/${range.bits}` }];
  });
  return ranges.some(({ bits }) => bits === 0) ? "everything" : [...new Set(ranges.map(({ text }) => text))];
}
