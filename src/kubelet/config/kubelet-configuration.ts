// KubeletConfiguration (kubelet.config.k8s.io/v1beta1): every field of upstream's file format, with upstream's defaults. Fields of which
// nothing here makes use are listed in `unused`; setting one is said at start.
import { bool, double, duration, int32, int64, list, map, one, rawValue, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { Taint } from "#api/core/node/node.ts";
import { durationToMilliseconds } from "#schema/time.ts";
import type { ShutdownPeriods } from "../shutdown/groups.ts";

const yes = { optional: true, default: true } as const;
const no = { optional: true, default: false } as const;

const X509Authentication = message("KubeletX509Authentication", { clientCAFile: string(0) });
interface X509Authentication extends Infer<typeof X509Authentication> {}

const WebhookAuthentication = message("KubeletWebhookAuthentication", {
  enabled: bool(0, yes),
  cacheTTL: duration(0, { default: "2m0s" }),
});
interface WebhookAuthentication extends Infer<typeof WebhookAuthentication> {}

const AnonymousAuthentication = message("KubeletAnonymousAuthentication", { enabled: bool(0, no) });
interface AnonymousAuthentication extends Infer<typeof AnonymousAuthentication> {}

const Authentication = message("KubeletAuthentication", {
  x509: one(0, (): Type<X509Authentication> => X509Authentication),
  webhook: one(0, (): Type<WebhookAuthentication> => WebhookAuthentication),
  anonymous: one(0, (): Type<AnonymousAuthentication> => AnonymousAuthentication),
});
interface Authentication extends Infer<typeof Authentication> {}

const WebhookAuthorization = message("KubeletWebhookAuthorization", {
  cacheAuthorizedTTL: duration(0, { default: "5m0s" }),
  cacheUnauthorizedTTL: duration(0, { default: "30s" }),
});
interface WebhookAuthorization extends Infer<typeof WebhookAuthorization> {}

const Authorization = message("KubeletAuthorization", {
  mode: string(0, { default: "Webhook", enum: ["Webhook", "AlwaysAllow"] }),
  webhook: one(0, (): Type<WebhookAuthorization> => WebhookAuthorization),
});
interface Authorization extends Infer<typeof Authorization> {}

const UserNamespacesConfig = message("KubeletUserNamespaces", { idsPerPod: int64(0, { optional: true }) });
interface UserNamespacesConfig extends Infer<typeof UserNamespacesConfig> {}
const CrashLoopBackOffConfig = message("KubeletCrashLoopBackOffConfig", { maxContainerRestartPeriod: duration(0) });
interface CrashLoopBackOffConfig extends Infer<typeof CrashLoopBackOffConfig> {}

const MemorySwap = message("MemorySwapConfiguration", { swapBehavior: string(0, { enum: ["NoSwap", "LimitedSwap"] }) });
interface MemorySwap extends Infer<typeof MemorySwap> {}

const ShutdownGracePeriod = message("ShutdownGracePeriodByPodPriority", {
  priority: int32(0, { always: true }),
  shutdownGracePeriodSeconds: int64(0, { always: true, min: 0 }),
});
interface ShutdownGracePeriod extends Infer<typeof ShutdownGracePeriod> {}

export const KubeletConfiguration = message("KubeletConfiguration", {
  apiVersion: string(0),
  kind: string(0),
  enableServer: bool(0, yes),
  staticPodPath: string(0),
  podLogsDir: string(0, { default: "/var/log/pods" }),
  syncFrequency: duration(0),
  fileCheckFrequency: duration(0),
  httpCheckFrequency: duration(0),
  staticPodURL: string(0),
  staticPodURLHeader: map(0, "stringList"),
  address: string(0, { default: "0.0.0.0" }),
  port: int32(0, { default: 10_250, min: 1, max: 65_535 }),
  readOnlyPort: int32(0),
  tlsCertFile: string(0),
  tlsPrivateKeyFile: string(0),
  tlsCipherSuites: list(0, "string"),
  tlsMinVersion: string(0),
  rotateCertificates: bool(0),
  serverTLSBootstrap: bool(0),
  authentication: one(0, (): Type<Authentication> => Authentication),
  authorization: one(0, (): Type<Authorization> => Authorization),
  registryPullQPS: int32(0, { optional: true }),
  registryBurst: int32(0),
  imagePullCredentialsVerificationPolicy: string(0, {
    enum: ["NeverVerify", "NeverVerifyPreloadedImages", "NeverVerifyAllowlistedImages", "AlwaysVerify"],
  }),
  preloadedImagesVerificationAllowlist: list(0, "string"),
  eventRecordQPS: int32(0, { optional: true }),
  eventBurst: int32(0),
  enableDebuggingHandlers: bool(0, yes),
  enableContentionProfiling: bool(0),
  healthzPort: int32(0, { optional: true, default: 10_248, min: 0, max: 65_535 }),
  healthzBindAddress: string(0, { default: "127.0.0.1" }),
  oomScoreAdj: int32(0, { optional: true }),
  clusterDomain: string(0),
  clusterDNS: list(0, "string"),
  streamingConnectionIdleTimeout: duration(0),
  nodeStatusUpdateFrequency: duration(0, { default: "10s" }),
  nodeStatusReportFrequency: duration(0, { default: "5m0s" }),
  nodeLeaseDurationSeconds: int32(0, { default: 40, min: 1 }),
  imageMinimumGCAge: duration(0),
  imageMaximumGCAge: duration(0),
  imageGCHighThresholdPercent: int32(0, { optional: true }),
  imageGCLowThresholdPercent: int32(0, { optional: true }),
  volumeStatsAggPeriod: duration(0),
  kubeletCgroups: string(0),
  systemCgroups: string(0),
  cgroupRoot: string(0),
  cgroupsPerQOS: bool(0, yes),
  cgroupDriver: string(0, { default: "cgroupfs", enum: ["cgroupfs", "systemd"] }),
  cpuManagerPolicy: string(0),
  singleProcessOOMKill: bool(0, { optional: true }),
  cpuManagerPolicyOptions: map(0, "string"),
  cpuManagerReconcilePeriod: duration(0),
  memoryManagerPolicy: string(0),
  topologyManagerPolicy: string(0),
  topologyManagerScope: string(0),
  topologyManagerPolicyOptions: map(0, "string"),
  qosReserved: map(0, "string"),
  runtimeRequestTimeout: duration(0),
  hairpinMode: string(0),
  maxPods: int32(0, { default: 110, min: 0 }),
  podCIDR: string(0),
  podPidsLimit: int64(0, { optional: true }),
  resolvConf: string(0, { optional: true, default: "/etc/resolv.conf" }),
  runOnce: bool(0),
  cpuCFSQuota: bool(0, { optional: true }),
  cpuCFSQuotaPeriod: duration(0, { optional: true }),
  nodeStatusMaxImages: int32(0, { optional: true, default: 50, min: -1 }),
  maxOpenFiles: int64(0),
  contentType: string(0),
  kubeAPIQPS: int32(0, { optional: true }),
  kubeAPIBurst: int32(0),
  serializeImagePulls: bool(0, { optional: true }),
  maxParallelImagePulls: int32(0, { optional: true }),
  evictionHard: map(0, "string"),
  evictionSoft: map(0, "string"),
  evictionSoftGracePeriod: map(0, "string"),
  evictionPressureTransitionPeriod: duration(0),
  evictionMaxPodGracePeriod: int32(0),
  evictionMinimumReclaim: map(0, "string"),
  mergeDefaultEvictionSettings: bool(0, { optional: true }),
  podsPerCore: int32(0),
  enableControllerAttachDetach: bool(0, yes),
  protectKernelDefaults: bool(0),
  makeIPTablesUtilChains: bool(0, { optional: true }),
  iptablesMasqueradeBit: int32(0, { optional: true }),
  iptablesDropBit: int32(0, { optional: true }),
  featureGates: map(0, "bool"),
  failSwapOn: bool(0, { optional: true }),
  memorySwap: one(0, (): Type<MemorySwap> => MemorySwap, { optional: true }),
  containerLogMaxSize: string(0, { default: "10Mi" }),
  containerLogMaxFiles: int32(0, { optional: true, default: 5, min: 2 }),
  containerLogMaxWorkers: int32(0, { optional: true }),
  containerLogMonitorInterval: duration(0, { optional: true }),
  configMapAndSecretChangeDetectionStrategy: string(0),
  systemReserved: map(0, "string"),
  kubeReserved: map(0, "string"),
  reservedSystemCPUs: string(0),
  showHiddenMetricsForVersion: string(0),
  systemReservedCgroup: string(0),
  kubeReservedCgroup: string(0),
  enforceNodeAllocatable: list(0, "string"),
  allowedUnsafeSysctls: list(0, "string"),
  volumePluginDir: string(0),
  providerID: string(0),
  kernelMemcgNotification: bool(0),
  logging: rawValue(0),
  enableSystemLogHandler: bool(0, { optional: true }),
  enableSystemLogQuery: bool(0, { optional: true }),
  shutdownGracePeriod: duration(0),
  shutdownGracePeriodCriticalPods: duration(0),
  shutdownGracePeriodByPodPriority: list(0, (): Type<ShutdownGracePeriod> => ShutdownGracePeriod),
  crashLoopBackOff: one(0, (): Type<CrashLoopBackOffConfig> => CrashLoopBackOffConfig),
  reservedMemory: rawValue(0),
  enableProfilingHandler: bool(0, { optional: true }),
  enableDebugFlagsHandler: bool(0, { optional: true }),
  seccompDefault: bool(0, { optional: true }),
  memoryThrottlingFactor: double(0, { optional: true }),
  registerWithTaints: list(0, (): Type<Taint> => Taint),
  registerNode: bool(0, yes),
  tracing: rawValue(0),
  localStorageCapacityIsolation: bool(0, { optional: true }),
  containerRuntimeEndpoint: string(0, { default: "unix:///run/containerd/containerd.sock" }),
  imageServiceEndpoint: string(0),
  failCgroupV1: bool(0, { optional: true }),
  userNamespaces: one(0, (): Type<UserNamespacesConfig> => UserNamespacesConfig),
});
export interface KubeletConfiguration extends Infer<typeof KubeletConfiguration> {}

/** What holds where the file names no threshold at all. */
export const evictionDefaults: Readonly<Record<string, string>> = {
  "memory.available": "100Mi",
  "nodefs.available": "10%",
  "nodefs.inodesFree": "5%",
  "imagefs.available": "15%",
  "imagefs.inodesFree": "5%",
};

/** What is said about running short, as the eviction reads it. */
export function thresholdConfiguration({
  evictionHard = evictionDefaults,
  evictionSoft = {},
  evictionSoftGracePeriod = {},
  evictionMinimumReclaim = {},
  mergeDefaultEvictionSettings = false,
}: KubeletConfiguration) {
  return {
    hard: mergeDefaultEvictionSettings ? { ...evictionDefaults, ...evictionHard } : evictionHard,
    soft: evictionSoft,
    softGrace: evictionSoftGracePeriod,
    minimumReclaim: evictionMinimumReclaim,
  };
}

/** How long Pods may take when the machine shuts down. */
export function shutdownPeriods(configuration: KubeletConfiguration): ShutdownPeriods {
  const { shutdownGracePeriod, shutdownGracePeriodCriticalPods, shutdownGracePeriodByPodPriority = [] } = configuration;
  return {
    totalSeconds: durationToMilliseconds(shutdownGracePeriod || "0s") / 1_000,
    criticalSeconds: durationToMilliseconds(shutdownGracePeriodCriticalPods || "0s") / 1_000,
    byPriority: shutdownGracePeriodByPodPriority.map(({ priority, shutdownGracePeriodSeconds }) => ({
      priority,
      graceSeconds: Number(shutdownGracePeriodSeconds),
    })),
  };
}

/** Fields that ask for something that is not done here, whatever they say. */
export const unused: readonly (keyof KubeletConfiguration)[] = [
  "staticPodURL",
  "tlsCipherSuites",
  "tlsMinVersion",
  "qosReserved",
  "reservedSystemCPUs",
  "reservedMemory",
  "systemReservedCgroup",
  "kubeReservedCgroup",
  "tracing",
  "cpuManagerPolicyOptions",
  "topologyManagerPolicyOptions",
];
