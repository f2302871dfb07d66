// KubeProxyConfiguration (kubeproxy.config.k8s.io/v1alpha1): every field of upstream's file format, with upstream's defaults. Fields of
// which nothing here makes use are listed in `unused`; setting one is said at start.
import { bool, duration, int32, list, map, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";

const ClientConnection = message("KubeProxyClientConnection", {
  kubeconfig: string(0),
  acceptContentTypes: string(0),
  contentType: string(0),
  qps: int32(0),
  burst: int32(0),
});
interface ClientConnection extends Infer<typeof ClientConnection> {}

const DetectLocal = message("KubeProxyDetectLocal", { bridgeInterface: string(0), interfaceNamePrefix: string(0) });
interface DetectLocal extends Infer<typeof DetectLocal> {}

const Conntrack = message("KubeProxyConntrack", {
  maxPerCore: int32(0, { optional: true }),
  min: int32(0, { optional: true }),
  tcpEstablishedTimeout: duration(0, { optional: true }),
  tcpCloseWaitTimeout: duration(0, { optional: true }),
  tcpBeLiberal: bool(0),
  udpTimeout: duration(0),
  udpStreamTimeout: duration(0),
});
interface Conntrack extends Infer<typeof Conntrack> {}

const Iptables = message("KubeProxyIPTables", {
  masqueradeBit: int32(0, { optional: true }),
  masqueradeAll: bool(0),
  localhostNodePorts: bool(0, { optional: true }),
  syncPeriod: duration(0),
  minSyncPeriod: duration(0),
});
interface Iptables extends Infer<typeof Iptables> {}

const Ipvs = message("KubeProxyIPVS", {
  syncPeriod: duration(0),
  minSyncPeriod: duration(0),
  scheduler: string(0),
  excludeCIDRs: list(0, "string"),
  strictARP: bool(0),
  tcpTimeout: duration(0),
  tcpFinTimeout: duration(0),
  udpTimeout: duration(0),
});
interface Ipvs extends Infer<typeof Ipvs> {}

const Nftables = message("KubeProxyNFTables", {
  masqueradeBit: int32(0, { optional: true, default: 14, min: 0, max: 31 }),
  masqueradeAll: bool(0),
  syncPeriod: duration(0, { default: "30s" }),
  minSyncPeriod: duration(0, { default: "20ms" }),
});
interface Nftables extends Infer<typeof Nftables> {}

const Winkernel = message("KubeProxyWinkernel", {
  networkName: string(0),
  sourceVip: string(0),
  enableDSR: bool(0),
  rootHnsEndpointName: string(0),
  forwardHealthCheckVip: bool(0),
});
interface Winkernel extends Infer<typeof Winkernel> {}

export const ProxyConfiguration = message("KubeProxyConfiguration", {
  apiVersion: string(0),
  kind: string(0),
  featureGates: map(0, "bool"),
  clientConnection: one(0, (): Type<ClientConnection> => ClientConnection),
  logging: map(0, "rawValue"),
  hostnameOverride: string(0),
  bindAddress: string(0),
  healthzBindAddress: string(0, { default: "0.0.0.0:10256" }),
  metricsBindAddress: string(0, { default: "127.0.0.1:10249" }),
  bindAddressHardFail: bool(0),
  enableProfiling: bool(0),
  showHiddenMetricsForVersion: string(0),
  mode: string(0, { default: "nftables" }),
  iptables: one(0, (): Type<Iptables> => Iptables),
  ipvs: one(0, (): Type<Ipvs> => Ipvs),
  nftables: one(0, (): Type<Nftables> => Nftables),
  winkernel: one(0, (): Type<Winkernel> => Winkernel),
  detectLocalMode: string(0),
  detectLocal: one(0, (): Type<DetectLocal> => DetectLocal),
  clusterCIDR: string(0),
  nodePortAddresses: list(0, "string"),
  oomScoreAdj: int32(0, { optional: true }),
  conntrack: one(0, (): Type<Conntrack> => Conntrack),
  configSyncPeriod: duration(0),
  portRange: string(0),
  windowsRunAsService: bool(0),
});
export interface ProxyConfiguration extends Infer<typeof ProxyConfiguration> {}

export const unused: readonly (keyof ProxyConfiguration)[] = ["bindAddress", "showHiddenMetricsForVersion", "portRange"];
