// Addresses and ranges as they may stand in rules. What is none is left out: whatever somebody wrote into an object, nothing else of it may
// reach the kernel's rules.
import { canonicalAddress, type Family, familyOf, parseIp, rangeAround, rangeText } from "#base/ip.ts";

export type { Family } from "#base/ip.ts";

/** Those of one family, each in its one form. */
export function addressesOf(texts: readonly string[], family: Family): readonly string[] {
  return texts.flatMap((text) => {
    const bytes = parseIp(text);
    return bytes && familyOf(text) === family ? [canonicalAddress(bytes)] : [];
  });
}

/** Ranges of one family by their first address; "everything" where one of them is that. */
export function rangesOf(texts: readonly string[], family: Family): readonly string[] | "everything" {
  const ranges = texts.flatMap((text) => rangeAround(text) ?? []).filter((range) => range.family === family);
  return ranges.some(({ prefix }) => prefix === 0) ? "everything" : [...new Set(ranges.map(rangeText))];
}
