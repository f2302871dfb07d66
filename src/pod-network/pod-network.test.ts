import assert from "node:assert/strict";
import { test } from "node:test";
import { type NetworkNode, networkPlan, type Way } from "./plan.ts";
import { networkScript } from "./script.ts";

const names = { table: "keelson", tunnelDevices: { IPv4: "tunnel0", IPv6: "tunnel6" }, routeProtocol: 157 };
const near: Way = { device: "eth0", isRouted: false };
const far: Way = { device: "eth0", isRouted: true };
const node = (name: string, address: string, ...ranges: string[]): NetworkNode => ({ name, addresses: [address], ranges });
const planFor = (nodes: readonly NetworkNode[], ways: Readonly<Record<string, Way>>) =>
  networkPlan({
    nodeName: "one",
    nodes,
    podRange: "10.244.0.0/16",
    serviceRange: "10.96.0.0/12",
    wayTo: (address) => ways[address],
  });

const one = node("one", "192.168.51.10", "10.244.0.0/24");
const two = node("two", "192.168.51.11", "10.244.1.0/24");
const three = node("three", "192.168.52.10", "10.244.2.0/24");

test("a route to each node on the same link, a tunnel to each behind a router", () => {
  const plan = planFor([one, two, three], { "192.168.51.11": near, "192.168.52.10": far });
  assert.deepEqual(plan, {
    family: "IPv4",
    ownRange: "10.244.0.0/24",
    ownAddress: "192.168.51.10",
    routes: [
      { range: "10.244.2.0/24", node: "192.168.52.10", through: "tunnel" },
      { range: "10.244.1.0/24", node: "192.168.51.11", through: { device: "eth0" } },
    ],
    faults: [],
  });
  const script = networkScript([plan], names);
  assert.match(script, /^ip -4 route replace 10\.244\.1\.0\/24 via 192\.168\.51\.11 dev eth0 proto 157$/m);
  assert.match(script, /^ip -4 route replace 10\.244\.2\.0\/24 via 10\.244\.2\.0 dev tunnel0 onlink src 10\.244\.0\.0 proto 157$/m);
  assert.match(script, /^bridge fdb replace 0a:58:c0:a8:34:0a dev tunnel0 dst 192\.168\.52\.10$/m);
  assert.match(script, /^add element ip keelson elsewhere \{ 10\.244\.2\.0\/24, 10\.244\.1\.0\/24 \}$/m);
});

test("a node alone has neither tunnel nor routes, and nothing may leave", () => {
  const script = networkScript([planFor([one], {})], names);
  assert.match(script, /^ip link del tunnel0/m);
  assert.doesNotMatch(script, /add element|route replace/);
  assert.match(script, /^flush set ip keelson elsewhere$/m);
});

test("no tunnel before this node has a range of its own, and no hole for what it would carry", () => {
  const plan = planFor([node("one", "192.168.51.10"), two, three], { "192.168.51.11": near, "192.168.52.10": far });
  assert.equal(plan.ownRange, undefined);
  const script = networkScript([plan], names);
  assert.doesNotMatch(script, /type vxlan/);
  assert.match(script, /add element ip keelson elsewhere \{ 10\.244\.1\.0\/24 \}/);
});

test("nodes are not believed what would harm others", () => {
  const refused = (bad: NetworkNode, why: RegExp) => {
    const { routes, faults } = planFor([one, two, bad], {
      "192.168.51.11": near,
      "192.168.51.66": near,
      "10.244.1.9": near,
      "10.96.0.1": near,
    });
    assert.deepEqual(
      routes.map(({ range }) => range),
      ["10.244.1.0/24"],
    );
    assert.match(faults.join(), why);
  };
  refused(node("zzz", "192.168.51.66", "10.244.0.0/16"), /overlaps that of node one/);
  refused(node("zzz", "192.168.51.66", "10.244.1.128/25"), /overlaps that of node two/);
  refused(node("zzz", "192.168.51.66", "0.0.0.0/0"), /no part of/);
  refused(node("zzz", "192.168.51.66", "10.0.0.0/8"), /no part of/);
  refused(node("zzz", "192.168.51.66", "192.168.51.0/24"), /no part of/);
  refused(node("zzz", "192.168.51.66", "10.244.9.0/24; reboot"), /no part of/);
  refused(node("zzz", "10.244.1.9", "10.244.9.0/24"), /has no IPv4 address/);
  refused(node("zzz", "10.96.0.1", "10.244.9.0/24"), /has no IPv4 address/);
  refused(node("zzz", "$(reboot)", "10.244.9.0/24"), /has no IPv4 address/);
  refused(node("zzz", "192.168.51.99", "10.244.9.0/24"), /cannot be reached/);
});

test("of both families each has its own ways, and nodes are believed no more of one than of the other", () => {
  const both = (name: string, last: string, at: number, net = 51): NetworkNode => ({
    name,
    addresses: [`192.168.${net}.${last}`, `fd00:${net}::${last}`],
    ranges: [`10.244.${at}.0/24`, `fd00:42:0:${at}::/64`],
  });
  const bad: NetworkNode = { name: "zzz", addresses: ["fd00:42::7"], ranges: ["fd00:42:0:9::/64", "fd00:42:0:1::/65", "fd00::/8"] };
  const plan = networkPlan({
    nodeName: "one",
    nodes: [both("one", "10", 0), both("two", "11", 1), both("three", "10", 2, 52), bad],
    podRange: "fd00:42::/56",
    serviceRange: "fd00:43::/112",
    wayTo: (address) => ({ "fd00:51::11": near, "fd00:52::10": far })[address],
  });
  assert.deepEqual(plan.routes, [
    { range: "fd00:42:0:2::/64", node: "fd00:52::10", through: "tunnel" },
    { range: "fd00:42:0:1::/64", node: "fd00:51::11", through: { device: "eth0" } },
  ]);
  assert.deepEqual([plan.ownRange, plan.ownAddress], ["fd00:42::/64", "fd00:51::10"]);
  assert.deepEqual(plan.faults, [
    "node zzz has the range fd00:42:0:1::/65, which overlaps that of node two",
    "node zzz has the range fd00::/8, which is no part of fd00:42::/56",
    "node zzz has no IPv6 address",
  ]);
  const script = networkScript([plan], names);
  assert.match(script, /^ip -6 route replace fd00:42:0:1::\/64 via fd00:51::11 dev eth0 proto 157$/m);
  assert.match(script, /^ip -6 route replace fd00:42:0:2::\/64 via fd00:42:0:2:: dev tunnel6 onlink src fd00:42:: proto 157$/m);
  assert.match(script, /^bridge fdb replace 0e(:[0-9a-f]{2}){5} dev tunnel6 dst fd00:52::10$/m);
  assert.match(script, /^add element ip6 keelson elsewhere \{ fd00:42:0:2::\/64, fd00:42:0:1::\/64 \}$/m);
});
