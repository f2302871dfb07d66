// Parts of a range of addresses.
import { familyBits, type IpRange, overlap, rangeText, rangeAround, sizeOf } from "#base/ip.ts";

/** The first part of `range`, of `maskSize` bits, that overlaps none of `taken`; undefined when there is none, or `range` is none. */
export function freeSubnet(range: string, maskSize: number, taken: readonly string[]): string | undefined {
  const whole = rangeAround(range);
  if (!whole || maskSize < whole.prefix || maskSize > familyBits[whole.family]) return undefined;
  const { family, first: from } = whole;
  const size = sizeOf({ family, prefix: maskSize });
  const end = from + sizeOf(whole);
  const used = taken
    .flatMap((text) => rangeAround(text) ?? [])
    .filter((one) => overlap(one, whole))
    .sort((left: IpRange, right: IpRange) => (left.first < right.first ? -1 : 1));
  let at = from;
  for (const one of used) {
    if (one.first >= at + size) break;
    const after = one.first + sizeOf(one);
    if (after > at) at = from + ((after - from + size - 1n) / size) * size;
  }
  return at + size <= end ? rangeText({ family, first: at, prefix: maskSize }) : undefined;
}
