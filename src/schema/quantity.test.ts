import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  addQuantities,
  binaryQuantity,
  canonicalQuantity,
  compareQuantities,
  isQuantity,
  milliQuantity,
  quantityToMilli,
  quantityToNumber,
  quantityToWhole,
  subtractQuantities,
} from "./quantity.ts";

test("quantities have one canonical form", () => {
  const forms: Record<string, string> = {
    "0": "0",
    "0.1": "100m",
    ".5": "500m",
    "1.": "1",
    "+1": "1",
    "-0.5": "-500m",
    "1000m": "1",
    "1500m": "1500m",
    "1000": "1k",
    "1024": "1024",
    "1024Ki": "1Mi",
    "1024Mi": "1Gi",
    "1.5Gi": "1536Mi",
    "1Ki": "1Ki",
    "512Ki": "512Ki",
    "0.5Ki": "512",
    "0.1Ki": "102400m",
    "1e3": "1e3",
    "1E3": "1e3",
    "12e4": "120e3",
    "1E": "1E",
    "1e0": "1",
    "1e-3": "1e-3",
    "100n": "100n",
    "0.1n": "1n",
    "0.0000000001": "1n",
    "-0.1n": "-1n",
    "1u": "1u",
    "9Ei": "9223372036854775807",
    "1e1000000": "9223372036854775807",
    "1e-1000000": "1e-9",
    "00010": "10",
  };
  for (const [text, canonical] of Object.entries(forms)) assert.equal(canonicalQuantity(text), canonical, text);
});

test("what is no quantity is refused in upstream's words", () => {
  const format = /^quantities must match the regular expression '\^\(\[\+-\]\?\[0-9\.\]\+\)/;
  for (const text of ["", " 1", "1 ", "a", "1..2", ".", "1.2.3", "--1", "0x10", "1".repeat(2000)]) {
    assert.throws(() => canonicalQuantity(text), { name: "DecodeError", message: format }, text);
  }
  for (const text of ["1mm", "1KiB".slice(0, 3) + "i", "1i", "1e", "1K", "1Mi3"]) {
    assert.throws(() => canonicalQuantity(text), { name: "DecodeError", message: "unable to parse quantity's suffix" }, text);
  }
  assert.equal(isQuantity("1Q"), false);
  assert.equal(isQuantity("100m"), true);
});

test("arithmetic is exact", () => {
  assert.equal(addQuantities("100m", "0.9"), "1");
  assert.equal(addQuantities("1Gi", "1Mi"), "1025Mi");
  assert.equal(addQuantities("0", "1Gi"), "1Gi");
  assert.equal(subtractQuantities("1Gi", "1Mi"), "1023Mi");
  assert.equal(addQuantities("9007199254740993", "1"), "9007199254740994");
  assert.equal(compareQuantities("1Gi", "1024Mi"), 0);
  assert.equal(compareQuantities("1G", "1Gi"), -1);
  assert.equal(compareQuantities("1", "999m"), 1);
  assert.equal(quantityToMilli("1.0001"), 1001);
  assert.equal(quantityToWhole("100m"), 1);
  assert.equal(quantityToWhole("-100m"), -1);
  assert.equal(quantityToNumber("500m"), 0.5);
  assert.equal(quantityToNumber("2Ki"), 2048);
  assert.equal(binaryQuantity(3 * 1024 ** 2), "3Mi");
  assert.equal(milliQuantity(1500), "1500m");
});

const suffixes: Readonly<Record<string, bigint>> = {
  n: 1n,
  u: 1000n,
  m: 10n ** 6n,
  "": 10n ** 9n,
  k: 10n ** 12n,
  M: 10n ** 15n,
  Ki: 1024n * 10n ** 9n,
  Mi: 1024n ** 2n * 10n ** 9n,
  Gi: 1024n ** 3n * 10n ** 9n,
};
const quantities = fc.tuple(fc.bigInt({ min: -(10n ** 6n), max: 10n ** 6n }), fc.constantFrom(...Object.keys(suffixes)));
const amountOf = ([digits, suffix]: readonly [bigint, string]) => digits * (suffixes[suffix] as bigint);
const textOf = ([digits, suffix]: readonly [bigint, string]) => `${digits}${suffix}`;

test("any two quantities compare, add and canonicalise as whole billionths do", () => {
  fc.assert(
    fc.property(quantities, quantities, (left, right) => {
      const [a, b] = [amountOf(left), amountOf(right)];
      assert.equal(compareQuantities(textOf(left), textOf(right)), a < b ? -1 : a > b ? 1 : 0);
      assert.equal(compareQuantities(addQuantities(textOf(left), textOf(right)), `${a + b}n`), 0);
      assert.equal(compareQuantities(subtractQuantities(textOf(left), textOf(right)), `${a - b}n`), 0);
      const canonical = canonicalQuantity(textOf(left));
      assert.equal(canonicalQuantity(canonical), canonical);
      assert.equal(compareQuantities(canonical, `${a}n`), 0);
    }),
    { seed: 1 },
  );
});
