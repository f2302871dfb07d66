// Which taints of a Node a Pod puts up with.
import type { Taint } from "#api/core/node/node.ts";
import type { Toleration } from "./scheduling.ts";

/** An empty key with Exists tolerates every taint, an empty effect every effect; Gt and Lt compare whole numbers. */
export function tolerates(toleration: Toleration, taint: Taint): boolean {
  if (toleration.effect && toleration.effect !== taint.effect) return false;
  if (toleration.key && toleration.key !== taint.key) return false;
  const value = toleration.value ?? "";
  const tainted = taint.value ?? "";
  switch (toleration.operator ?? "Equal") {
    case "Exists":
      return true;
    case "Equal":
      return value === tainted;
    case "Gt":
      return compareWholeNumbers(tainted, value, (a, b) => a > b);
    case "Lt":
      return compareWholeNumbers(tainted, value, (a, b) => a < b);
    default:
      return false;
  }
}

/** The first toleration that puts up with the taint. */
export function tolerationOf(tolerations: readonly Toleration[] | undefined, taint: Taint): Toleration | undefined {
  return tolerations?.find((toleration) => tolerates(toleration, taint));
}

/** The taints that none of the tolerations puts up with, in the taints' order. */
export function untolerated(tolerations: readonly Toleration[] | undefined, taints: readonly Taint[] | undefined): readonly Taint[] {
  return (taints ?? []).filter((taint) => tolerationOf(tolerations, taint) === undefined);
}

/** For how long a Pod may stay on a Node with these NoExecute taints: undefined for ever, 0 not at all. */
export function toleratedSeconds(tolerations: readonly Toleration[] | undefined, taints: readonly Taint[] | undefined): number | undefined {
  const evicting = (taints ?? []).filter(({ effect }) => effect === "NoExecute");
  if (untolerated(tolerations, evicting).length > 0) return 0;
  const limits = evicting
    .map((taint) => tolerationOf(tolerations, taint)?.tolerationSeconds)
    .flatMap((seconds) => (seconds === undefined ? [] : [Math.max(0, Number(seconds))]));
  return limits.length === 0 ? undefined : Math.min(...limits);
}

function compareWholeNumbers(left: string, right: string, compare: (left: bigint, right: bigint) => boolean): boolean {
  const numbers = [left, right].map(wholeNumber);
  return numbers[0] !== undefined && numbers[1] !== undefined && compare(numbers[0], numbers[1]);
}

/** A signed 64-bit number in decimal, or undefined. */
export function wholeNumber(text: string): bigint | undefined {
  if (!/^[+-]?[0-9]{1,19}$/.test(text)) return undefined;
  const number = BigInt(text.replace("+", ""));
  return BigInt.asIntN(64, number) === number ? number : undefined;
}
