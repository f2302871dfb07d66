import assert from "node:assert/strict";
import { test } from "node:test";
import { chosenAddress } from "./machine-addresses.ts";

const address = (text: string, flags: string, device: string, scope = "00") => `${text} 02 40 ${scope} ${flags} ${device.padStart(8)}\n`;
const zeros = "0".repeat(32);
const route = (destination: string, length: string, metric: string, device: string) =>
  `${destination} ${length} ${zeros} 00 fe80000000000000000000000000000a ${metric} 00000001 00000000 00000003 ${device.padStart(8)}\n`;

test("of a machine's IPv6 addresses the lasting one on the interface with the default route is its own", () => {
  const addresses = [
    address("00000000000000000000000000000001", "80", "lo", "10"),
    address("fe80000000000000000000000000000a", "80", "eth1", "20"),
    address("fd000042000000000000000000000001", "80", "cni0"),
    address("fd000051000000000000000000000010", "80", "eth0"),
    address("20010db8000000000000000000000077", "01", "eth1"),
    address("20010db8000000000000000000000066", "28", "eth1"),
    address("20010db8000000000000000000000099", "00", "eth1"),
    address("fd000052000000000000000000000010", "80", "eth1"),
  ].join("");
  const routes = route(zeros, "00", "ffffffff", "lo") + route(zeros, "00", "00000400", "eth1") + route(zeros, "00", "00000500", "eth0");
  assert.equal(chosenAddress(addresses, routes, ["10.42.0.0/16", "fd00:42::/56"]), "2001:db8::99");
  assert.equal(chosenAddress(addresses, route(zeros, "00", "00000400", "eth0"), ["fd00:42::/56"]), "fd00:51::10");
  assert.equal(chosenAddress(addresses, "", ["2001:db8::/32", "fd00:42::/56"]), "fd00:51::10");
  assert.equal(chosenAddress(address("fe80000000000000000000000000000a", "80", "eth0", "20"), routes, []), undefined);
  assert.equal(chosenAddress("", "", []), undefined);
});
