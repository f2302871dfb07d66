import assert from "node:assert/strict";
import { test } from "node:test";
import { freeSubnet } from "./subnets.ts";

test("the first free part is given, and none twice", () => {
  assert.equal(freeSubnet("10.244.0.0/16", 24, []), "10.244.0.0/24");
  assert.equal(freeSubnet("10.244.0.0/16", 24, ["10.244.0.0/24", "10.244.2.0/24"]), "10.244.1.0/24");
  assert.equal(freeSubnet("10.244.0.0/16", 24, ["10.244.0.0/25", "10.244.1.128/26"]), "10.244.2.0/24");
  assert.equal(freeSubnet("10.244.0.0/23", 24, ["10.244.0.0/24", "10.244.1.0/24"]), undefined);
  assert.equal(freeSubnet("10.0.0.0/8", 24, ["10.0.0.0/12", "0.0.0.0/32"]), "10.16.0.0/24");
  assert.equal(freeSubnet("nonsense", 24, []), undefined);
  assert.equal(freeSubnet("fd00:42::/56", 64, ["10.244.0.0/24"]), "fd00:42::/64");
  assert.equal(freeSubnet("fd00:42::/56", 64, ["fd00:42::/64", "fd00:42:0:2::/64"]), "fd00:42:0:1::/64");
  assert.equal(freeSubnet("fd00:42::/63", 64, ["fd00:42::/64", "fd00:42:0:1::/64"]), undefined);
});
