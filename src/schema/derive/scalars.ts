// How single values are read from JSON: what each scalar accepts, its one canonical form, and upstream's words when it is something else.
import { decodeBase64, encodeBase64, wrongBase64 } from "#base/base64.ts";
import { DecodeError } from "#wire/decode-error.ts";
import type { Scalar } from "../message.ts";
import { canonicalQuantity } from "../quantity.ts";
import { canonicalDuration, canonicalMicroTime, canonicalTime } from "../time.ts";

/** The scalars that JSON writes as text. */
export type TextScalar = "string" | "bytes" | "quantity" | "time" | "microTime" | "duration";

/** The canonical form of a text. Throws DecodeError. */
export function canonicalText(scalar: TextScalar, text: string): string {
  switch (scalar) {
    case "string":
      return text;
    case "bytes":
      return canonicalBase64(text);
    case "quantity":
      return canonicalQuantity(text);
    case "time":
      return canonicalTime(text);
    case "microTime":
      return canonicalMicroTime(text);
    case "duration":
      return canonicalDuration(text);
  }
}

function canonicalBase64(text: string): string {
  // Without padding and line breaks there is one way only.
  if (text.charCodeAt(text.length - 1) !== 61 && wrongBase64(text) < 0) return text;
  const bytes = decodeBase64(text);
  if (typeof bytes === "number") throw new DecodeError(`illegal base64 data at input byte ${bytes}`);
  return encodeBase64(bytes);
}

const int64Min = -(2n ** 63n);
const int64Max = 2n ** 63n - 1n;
const uint64Max = 2n ** 64n - 1n;

/** A whole number from its digits; undefined when the text is no whole number or out of range. */
export function wholeNumber(scalar: "int32" | "int64" | "uint32" | "uint64", text: string): number | bigint | undefined {
  if (!/^-?[0-9]{1,20}$/.test(text)) return undefined;
  const number = Number(text);
  if (Number.isSafeInteger(number)) return inRange(scalar, number) ? number + 0 : undefined;
  const whole = BigInt(text);
  return inRange(scalar, whole) ? whole : undefined;
}

/** Whether a whole number fits the scalar. */
export function inRange(scalar: "int32" | "int64" | "uint32" | "uint64", value: number | bigint): boolean {
  switch (scalar) {
    case "int32":
      return value >= -2147483648 && value <= 2147483647;
    case "uint32":
      return value >= 0 && value <= 4294967295;
    case "int64":
      return value >= int64Min && value <= int64Max;
    case "uint64":
      return value >= 0 && value <= uint64Max;
  }
}

/** Whether JSON writes the scalar as text. */
export function isText(scalar: Scalar): scalar is TextScalar {
  return (
    scalar === "string" ||
    scalar === "bytes" ||
    scalar === "quantity" ||
    scalar === "time" ||
    scalar === "microTime" ||
    scalar === "duration"
  );
}
