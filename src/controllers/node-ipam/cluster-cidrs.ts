// What the flags say of Pods' addresses: a range, or one of each family, and how large each Node's part of it is.
import { FlagError } from "#component/flags.ts";
import { type Family, familyBits, rangeAround, rangeText } from "#base/ip.ts";
import type { ClusterFacts } from "../controller.ts";

const defaultMaskSize: Readonly<Record<Family, number>> = { IPv4: 24, IPv6: 64 };
/** A part's number has so many bits at most. */
const partBitsMax = 16;

/** 0 for those that are not said. */
export type MaskSizes = Readonly<Record<Family | "either", number>>;

/** Throws FlagError. */
export function clusterCidrsOf(texts: readonly string[], sizes: MaskSizes): ClusterFacts["clusterCidrs"] {
  const ranges = texts.map((text) => {
    const range = rangeAround(text.trim());
    if (!range) throw new FlagError(`--cluster-cidr: invalid CIDR address: ${text}`);
    return range;
  });
  if (ranges.length > 2) throw new FlagError(`--cluster-cidr: length of clusterCIDRs is:${ranges.length} more than max allowed of 2`);
  if (ranges.length === 2 && ranges[0]?.family === ranges[1]?.family)
    throw new FlagError("--cluster-cidr: two ranges need to be one of IPv4 and one of IPv6");
  if (sizes.either !== 0 && ranges.length === 2)
    throw new FlagError("usage of --node-cidr-mask-size is not allowed with dual-stack clusters");
  if (sizes.either !== 0 && (sizes.IPv4 !== 0 || sizes.IPv6 !== 0))
    throw new FlagError(
      "usage of --node-cidr-mask-size-ipv4 and --node-cidr-mask-size-ipv6 is not allowed if --node-cidr-mask-size is set. For dual-stack clusters please unset it.",
    );
  for (const [absent, flag] of [
    ["IPv4", "--node-cidr-mask-size-ipv4"],
    ["IPv6", "--node-cidr-mask-size-ipv6"],
  ] as const)
    if (ranges.length === 1 && sizes[absent] !== 0 && ranges[0]?.family !== absent)
      throw new FlagError(`usage of ${flag} is not allowed for a single-stack ${ranges[0]?.family} cluster`);
  return ranges.map((range) => {
    const { family, prefix } = range;
    const nodeMaskSize = sizes.either || sizes[family] || Math.max(defaultMaskSize[family], prefix);
    if (nodeMaskSize < prefix || nodeMaskSize > familyBits[family])
      throw new FlagError(`--cluster-cidr: a Node's part of ${rangeText(range)} cannot be of ${nodeMaskSize} bits`);
    if (family === "IPv6" && nodeMaskSize - prefix > partBitsMax)
      throw new FlagError(
        `--cluster-cidr: New CIDR set failed; the node CIDR size is too big: ${rangeText(range)} has more than ${2 ** partBitsMax} parts of ${nodeMaskSize} bits`,
      );
    return { range: rangeText(range), nodeMaskSize };
  });
}
