import assert from "node:assert/strict";
import { test } from "node:test";
import { addressText, contains, type IpRange, overlap, rangeText, readAddress, readRange } from "./ip.ts";

const range = (text: string) => readRange(text) as IpRange;
const address = (text: string) => readAddress(text) as NonNullable<ReturnType<typeof readAddress>>;

test("ranges of both families are read by their first address, and written the same way", () => {
  for (const text of ["10.244.0.0/16", "0.0.0.0/0", "192.168.1.7/32", "fd00:42::/56", "::/0", "fd00::1/128"])
    assert.equal(rangeText(range(text)), text);
  assert.equal(rangeText(range("FD00:0042:0::/56")), "fd00:42::/56");
  for (const wrong of ["10.244.0.1/16", "10.244.0.0", "10.244.0.0/33", "fd00:42::1/56", "fd00::/129", "010.0.0.0/8", ""])
    assert.equal(readRange(wrong), undefined, wrong);
});

test("addresses lie in ranges of their own family only", () => {
  assert.ok(contains(range("10.96.0.0/12"), address("10.111.255.255")) && !contains(range("10.96.0.0/12"), address("10.112.0.0")));
  assert.ok(contains(range("fd00:42::/56"), address("fd00:42:0:ff::9")) && !contains(range("fd00:42::/56"), address("fd00:42:0:100::")));
  assert.ok(!contains(range("::/0"), address("10.0.0.1")) && !contains(range("0.0.0.0/0"), address("::1")));
  assert.ok(overlap(range("fd00::/16"), range("fd00:42::/64")) && overlap(range("10.0.0.0/24"), range("10.0.0.0/8")));
  assert.ok(!overlap(range("fd00:42::/64"), range("fd00:43::/64")) && !overlap(range("::/0"), range("0.0.0.0/0")));
  assert.equal(addressText("IPv6", range("fd00:43::/112").first + 10n), "fd00:43::a");
});
