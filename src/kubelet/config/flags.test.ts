import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeIp } from "./flags.ts";

test("--node-ip is one address, or one of each family", () => {
  for (const text of ["10.1.2.3", "fd00::3", "10.1.2.3,fd00::3", "fd00::3,10.1.2.3", "0.0.0.0", "::"])
    assert.equal(nodeIp({ "node-ip": text }), text);
  assert.equal(nodeIp({ "node-ip": undefined }), undefined);
  assert.throws(() => nodeIp({ "node-ip": "10.1.2.3,10.1.2.4" }), /must contain either a single IP or a dual-stack pair of IPs/);
  assert.throws(() => nodeIp({ "node-ip": "10.1.2.3,fd00::3,fd00::4" }), /a dual-stack pair/);
  assert.throws(() => nodeIp({ "node-ip": "0.0.0.0,fd00::3" }), /cannot include '0\.0\.0\.0' or '::'/);
  assert.throws(() => nodeIp({ "node-ip": "10.1.2.3, node" }), /" node" is not an IP address/);
});
