// Quantities: numbers of something with a suffix ("500m", "2Gi"), exact to a billionth.
//
// Invariants:
// - Arithmetic is done on whole billionths as bigints; nothing is ever rounded except below a billionth, where it is rounded away from zero.
// - Every amount lies within ±(2^63 - 1).
import { DecodeError } from "#wire/decode-error.ts";

const nanos = 1_000_000_000n;
const amountMax = (2n ** 63n - 1n) * nanos;
const textLengthMax = 1024;

type Notation = "decimal" | "binary" | "exponent";

interface Parsed {
  /** In billionths. */
  readonly amount: bigint;
  readonly notation: Notation;
}

interface Known {
  readonly canonical: string;
  readonly amount: bigint;
  readonly notation: Notation;
}

const known = new Map<string, Known>();
const knownMax = 4096;

/** The one way of writing this amount: "0.1" is "100m", "1024Mi" is "1Gi". Throws DecodeError with upstream's words. */
export function canonicalQuantity(text: string): string {
  return lookUp(text).canonical;
}

/** Whether `text` is a quantity. */
export function isQuantity(text: string): boolean {
  try {
    lookUp(text);
    return true;
  } catch (error) {
    if (error instanceof DecodeError) return false;
    throw error;
  }
}

/** Thousandths, rounded up as upstream's MilliValue: "500m" is 500. */
export function quantityToMilli(text: string): number {
  return Number(divideUp(lookUp(text).amount, 1_000_000n));
}

/** The amount as a number, with its fraction: "500m" is 0.5, "1Ki" is 1024. Digits beyond 2^53 are lost. */
export function quantityToNumber(text: string): number {
  const { amount } = lookUp(text);
  return amount % nanos === 0n ? Number(amount / nanos) : Number(amount) / 1e9;
}

/** The amount as a whole number, rounded up as upstream's Value: "500m" is 1. */
export function quantityToWhole(text: string): number {
  return Number(divideUp(lookUp(text).amount, nanos));
}

/** Negative, zero or positive, as `left` is less than, equal to or more than `right`. */
export function compareQuantities(left: string, right: string): number {
  if (left === right) return 0;
  const difference = lookUp(left).amount - lookUp(right).amount;
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** The sum in canonical form, written as `left` is (as `right` where `left` is zero). */
export function addQuantities(left: string, right: string): string {
  return combine(left, right, 1n);
}

/** The difference in canonical form, written as `left` is (as `right` where `left` is zero). */
export function subtractQuantities(left: string, right: string): string {
  return combine(left, right, -1n);
}

function combine(left: string, right: string, sign: 1n | -1n): string {
  const a = lookUp(left);
  const b = lookUp(right);
  return format(clamp(a.amount + sign * b.amount), a.amount === 0n ? b.notation : a.notation);
}

/** A quantity of whole units, such as bytes: written with Ki, Mi, ... where that is exact. */
export function binaryQuantity(whole: number | bigint): string {
  return format(clamp(BigInt(whole) * nanos), "binary");
}

/** A quantity of thousandths, such as milli-cores: 1500 is "1500m", 2000 is "2". */
export function milliQuantity(milli: number | bigint): string {
  return format(clamp(BigInt(milli) * 1_000_000n), "decimal");
}

function lookUp(text: string): Known {
  const cached = known.get(text);
  if (cached !== undefined) return cached;
  const { amount, notation } = parse(text);
  const fresh = { canonical: format(amount, notation), amount, notation };
  if (known.size >= knownMax) known.clear();
  // Longer pieces of a request would keep the whole request in memory.
  if (text.length <= 12) known.set(text, fresh);
  return fresh;
}

const wrongFormat = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const wrongSuffix = "unable to parse quantity's suffix";

const pattern = /^([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*)([+-]?[0-9]*)$/;

const decimalSuffixes: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, "": 0, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const binarySuffixes: Readonly<Record<string, bigint>> = { Ki: 10n, Mi: 20n, Gi: 30n, Ti: 40n, Pi: 50n, Ei: 60n };

function parse(text: string): Parsed {
  const match = text.length > textLengthMax ? null : pattern.exec(text);
  if (match === null) throw new DecodeError(wrongFormat);
  const [, sign, whole = "", fraction = "", letters = "", power = ""] = match;
  if (whole === "" && fraction === "") throw new DecodeError(wrongFormat);
  const digits = BigInt(whole + fraction);
  let exponent = -fraction.length;
  let scale = 1n;
  let notation: Notation = "decimal";
  if (power === "") {
    const binary = Object.hasOwn(binarySuffixes, letters) ? binarySuffixes[letters] : undefined;
    if (binary !== undefined) {
      notation = "binary";
      scale = 1n << binary;
    } else if (Object.hasOwn(decimalSuffixes, letters)) {
      exponent += decimalSuffixes[letters] as number;
    } else {
      throw new DecodeError(wrongSuffix);
    }
  } else {
    if ((letters !== "e" && letters !== "E") || power === "+" || power === "-") throw new DecodeError(wrongSuffix);
    notation = "exponent";
    exponent += Math.max(-10_000, Math.min(10_000, Number(power)));
  }
  if (digits === 0n) return { amount: 0n, notation };
  const amount = scaled(digits * scale, exponent + 9);
  return { amount: clamp(sign === "-" ? -amount : amount), notation };
}

/** `digits` × 10^`exponent`, rounded up. */
function scaled(digits: bigint, exponent: number): bigint {
  if (exponent >= 0) return exponent > 40 ? amountMax : digits * 10n ** BigInt(exponent);
  return -exponent > textLengthMax + 64 ? 1n : divideUp(digits, 10n ** BigInt(-exponent));
}

/** Division that rounds away from zero. */
function divideUp(amount: bigint, by: bigint): bigint {
  const quotient = amount / by;
  if (amount % by === 0n) return quotient;
  return amount < 0n ? quotient - 1n : quotient + 1n;
}

function clamp(amount: bigint): bigint {
  return amount > amountMax ? amountMax : amount < -amountMax ? -amountMax : amount;
}

const decimalNames = ["n", "u", "m", "", "k", "M", "G", "T", "P", "E"];
const binaryNames = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];

function format(amount: bigint, wanted: Notation): string {
  if (amount === 0n) return "0";
  let notation = wanted;
  const size = amount < 0n ? -amount : amount;
  // Small or broken amounts have no exact binary form.
  if (notation === "binary" && (size < 1024n * nanos || amount % nanos !== 0n)) notation = "decimal";
  if (notation === "binary") {
    let mantissa = amount / nanos;
    let thousands = 0;
    while (mantissa % 1024n === 0n && thousands < binaryNames.length - 1) {
      mantissa /= 1024n;
      thousands++;
    }
    return `${mantissa}${binaryNames[thousands]}`;
  }
  let mantissa = amount;
  let thousands = 0;
  while (mantissa % 1000n === 0n && thousands < decimalNames.length - 1) {
    mantissa /= 1000n;
    thousands++;
  }
  if (notation === "decimal") return `${mantissa}${decimalNames[thousands]}`;
  const exponent = (thousands - 3) * 3;
  return exponent === 0 ? `${mantissa}` : `${mantissa}e${exponent}`;
}
