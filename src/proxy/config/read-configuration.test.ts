import assert from "node:assert/strict";
import { test } from "node:test";
import type { World } from "#platform/world.ts";
import { readConfiguration } from "./read-configuration.ts";

const worldWith = (text: string) => ({ files: { readText: async () => text }, log: { warn: () => {} } }) as unknown as World;
const head = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n";

test("kubeadm's file is read; of the flags only the host name counts beside it", async () => {
  const text = `${head}bindAddress: 0.0.0.0
bindAddressHardFail: false
clientConnection:
  acceptContentTypes: ""
  burst: 0
  contentType: ""
  kubeconfig: /var/lib/kube-proxy/kubeconfig.conf
  qps: 0
clusterCIDR: 10.244.0.0/16
configSyncPeriod: 0s
conntrack: {maxPerCore: null, min: null, tcpBeLiberal: false, tcpCloseWaitTimeout: null, tcpEstablishedTimeout: null, udpStreamTimeout: 0s, udpTimeout: 0s}
detectLocal: {bridgeInterface: "", interfaceNamePrefix: ""}
detectLocalMode: ""
enableProfiling: false
healthzBindAddress: ""
hostnameOverride: ""
iptables: {localhostNodePorts: null, masqueradeAll: false, masqueradeBit: null, minSyncPeriod: 0s, syncPeriod: 0s}
logging: {flushFrequency: 0, options: {json: {infoBufferSize: "0"}, text: {infoBufferSize: "0"}}, verbosity: 0}
metricsBindAddress: ""
mode: ""
nftables: {masqueradeAll: false, masqueradeBit: null, minSyncPeriod: 0s, syncPeriod: 0s}
nodePortAddresses: null
oomScoreAdj: null
portRange: ""
showHiddenMetricsForVersion: ""
winkernel: {enableDSR: false, forwardHealthCheckVip: false, networkName: "", rootHnsEndpointName: "", sourceVip: ""}
`;
  const read = await readConfiguration(worldWith(text), "/config.conf", { hostnameOverride: "node-1", clusterCIDR: "10.0.0.0/8" });
  assert.equal(read.clientConnection.kubeconfig, "/var/lib/kube-proxy/kubeconfig.conf");
  assert.deepEqual([read.hostnameOverride, read.clusterCIDR], ["node-1", "10.244.0.0/16"]);
  assert.deepEqual([read.healthzBindAddress, read.metricsBindAddress], ["0.0.0.0:10256", "127.0.0.1:10249"]);
});

test("what is misspelt or means nothing is refused, by name", async () => {
  const refused = (text: string, error: RegExp) => assert.rejects(readConfiguration(worldWith(text), "/c", {}), error);
  await refused(`${head}modus: nftables\n`, /strict decoding error: unknown field "modus"/);
  await refused(`${head}mode: userspace\n`, /mode: "userspace" is not known/);
  await refused(`${head}clusterCIDR: 10.0.0.0\n`, /clusterCIDR: "10\.0\.0\.0" must be a valid CIDR block/);
  await refused(`${head}nodePortAddresses: [primary, 10.0.0.0/8]\n`, /nodePortAddresses: "primary"/);
  await refused("kind: Pod\n", /no kind "Pod" is registered/);
});
