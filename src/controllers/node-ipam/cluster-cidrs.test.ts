import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterCidrsOf, type MaskSizes } from "./cluster-cidrs.ts";

const sizes = (said: Partial<MaskSizes> = {}): MaskSizes => ({ either: 0, IPv4: 0, IPv6: 0, ...said });

test("one range or one of each family, each with the size of a Node's part", () => {
  assert.deepEqual(clusterCidrsOf(["10.244.0.7/16"], sizes()), [{ range: "10.244.0.0/16", nodeMaskSize: 24 }]);
  assert.deepEqual(clusterCidrsOf(["10.244.0.0/25"], sizes()), [{ range: "10.244.0.0/25", nodeMaskSize: 25 }]);
  assert.deepEqual(clusterCidrsOf(["10.244.0.0/16"], sizes({ either: 26 })), [{ range: "10.244.0.0/16", nodeMaskSize: 26 }]);
  assert.deepEqual(clusterCidrsOf(["fd00:42::/56", "10.42.0.0/16"], sizes({ IPv4: 25, IPv6: 72 })), [
    { range: "fd00:42::/56", nodeMaskSize: 72 },
    { range: "10.42.0.0/16", nodeMaskSize: 25 },
  ]);
});

test("flags that contradict each other are refused", () => {
  const both = ["10.42.0.0/16", "fd00:42::/56"];
  assert.throws(() => clusterCidrsOf(both, sizes({ either: 24 })), /--node-cidr-mask-size is not allowed with dual-stack/);
  assert.throws(() => clusterCidrsOf(["10.42.0.0/16"], sizes({ either: 24, IPv4: 24 })), /not allowed if --node-cidr-mask-size is set/);
  assert.throws(() => clusterCidrsOf(["fd00:42::/56"], sizes({ IPv4: 24 })), /mask-size-ipv4 is not allowed for a single-stack IPv6/);
  assert.throws(() => clusterCidrsOf(["10.42.0.0/16"], sizes({ IPv6: 64 })), /mask-size-ipv6 is not allowed for a single-stack IPv4/);
  assert.throws(() => clusterCidrsOf([...both, "10.43.0.0/16"], sizes()), /more than max allowed of 2/);
  assert.throws(() => clusterCidrsOf(["10.42.0.0/16", "10.43.0.0/16"], sizes()), /one of IPv4 and one of IPv6/);
  assert.throws(() => clusterCidrsOf(["10.42.0.0/16"], sizes({ either: 12 })), /cannot be of 12 bits/);
  assert.throws(() => clusterCidrsOf(["fd00::/40"], sizes()), /the node CIDR size is too big/);
  assert.throws(() => clusterCidrsOf(["fd00::"], sizes()), /invalid CIDR address: fd00::/);
});
