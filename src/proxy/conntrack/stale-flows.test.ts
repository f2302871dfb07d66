import assert from "node:assert/strict";
import { test } from "node:test";
import type { ForwardedPort } from "../rules.ts";
import { readFlows, staleFlows, udpForwarding } from "./stale-flows.ts";

const target = (ip: string) => ({ ip, port: 53, isLocal: false });
const dns: ForwardedPort = {
  name: "kube-system/kube-dns:dns",
  protocol: "udp",
  port: 53,
  clusterIps: ["10.96.0.10"],
  externalIps: [],
  balancerIps: [],
  sourceRanges: "everything",
  nodePort: 30053,
  cluster: [target("10.244.0.5")],
  local: [],
  serving: [target("10.244.0.5"), target("10.244.0.6")],
  insideStays: false,
  outsideStays: false,
  affinitySeconds: 0,
};

const listed = `udp      17 29 src=10.244.0.9 dst=10.96.0.10 sport=40000 dport=53 src=10.244.0.5 dst=10.244.0.9 sport=53 dport=40000 mark=0 use=1
udp      17 29 src=10.244.0.9 dst=10.96.0.10 sport=40001 dport=53 src=10.244.0.6 dst=10.244.0.9 sport=53 dport=40001 mark=0 use=1
udp      17 29 src=10.244.0.9 dst=10.96.0.10 sport=40002 dport=53 src=10.244.0.7 dst=10.244.0.9 sport=53 dport=40002 [ASSURED] mark=0 use=1
udp      17 29 src=10.244.0.9 dst=10.96.0.10 sport=40003 dport=53 [UNREPLIED] src=10.96.0.10 dst=10.244.0.9 sport=53 dport=40003 mark=0 use=1
udp      17 29 src=10.1.1.1 dst=192.168.1.1 sport=40004 dport=30053 src=10.244.0.7 dst=10.1.1.1 sport=53 dport=40004 mark=0 use=1
udp      17 29 src=10.1.1.1 dst=8.8.8.8 sport=40005 dport=30053 src=8.8.8.8 dst=10.1.1.1 sport=30053 dport=40005 mark=0 use=1
conntrack v1.4.7 (conntrack-tools): 6 flow entries have been shown.
`;

test("flows to endpoints that are gone, and to a Service's own address, are stale; endpoints that end keep theirs", () => {
  const stale = staleFlows(readFlows(listed), [dns], new Set(["192.168.1.1"]));
  assert.deepEqual(
    stale.map(({ address, port, answering }) => `${address}:${port} ${answering}`),
    ["10.96.0.10:53 10.244.0.7", "10.96.0.10:53 10.96.0.10", "192.168.1.1:30053 10.244.0.7"],
  );
  assert.deepEqual(staleFlows(readFlows(listed), [{ ...dns, protocol: "tcp" }], new Set()), []);
});

test("only UDP and its endpoints count as a change", () => {
  assert.equal(udpForwarding([{ ...dns, protocol: "tcp" }]), "");
  assert.notEqual(udpForwarding([dns]), udpForwarding([{ ...dns, serving: [] }]));
  assert.equal(udpForwarding([dns]), udpForwarding([{ ...dns, cluster: [] }]));
});
