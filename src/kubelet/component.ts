// kubelet as a daemon. It needs no API server to start: static Pods run before there is one, since the API server may be one of them.
import type { Scope } from "#base/scope.ts";
import { Node } from "#api/core/node/node.ts";
import type { Client } from "#client/client.ts";
import { type EventRecorder, startEventRecorder } from "#client/event-recorder.ts";
import { startInformer } from "#client/informer.ts";
import { type Component, ConfigError } from "#component/component.ts";
import { daemonValues } from "#component/daemon-flags.ts";
import { delegatedTo, type Remembering } from "#component/delegated.ts";
import { Metrics } from "#component/metrics.ts";
import { connectRuntime } from "#cri/connect.ts";
import { FileError } from "#platform/files.ts";
import { NetworkError } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import { durationToMilliseconds } from "#schema/time.ts";
import { quantityToMilli, quantityToWhole } from "#schema/quantity.ts";
import { findHierarchies, startCgroups } from "./cgroups/cgroups.ts";
import { nodeClient } from "./certificates/client-certificate.ts";
import { rotateServingCertificate, servingTls, type ServingOptions } from "./certificates/serving-certificate.ts";
import { configurationFromFlags, type KubeletFlags, kubeletFlags, nodeIp, nodeLabels } from "./config/flags.ts";
import { evictionDefaults, type KubeletConfiguration, shutdownPeriods, thresholdConfiguration } from "./config/kubelet-configuration.ts";
import { thresholdsOf } from "./eviction/thresholds.ts";
import { readConfiguration } from "./config/read-configuration.ts";
import type { VerificationPolicy } from "./images/image-access.ts";
import { type KubeletOptions, startKubelet } from "./kubelet.ts";
import { type Machine, readMachine } from "./node-status/machine.ts";
import { type NodeStatusOptions, startNodeStatus } from "./node-status/node-status.ts";
import { followNodes, readPodNetworkConfig } from "./pod-network.ts";
import { shutdownGroups } from "./shutdown/groups.ts";
import { startProber } from "./prober/prober.ts";
import { addKubeletMetrics, measuredRuntime } from "./server/kubelet-metrics.ts";
import { ProbeMetrics } from "./server/probe-metrics.ts";
import { startHealthServer, startKubeletServer } from "./server/server.ts";
import { idsOfPod } from "./user-namespaces.ts";
import { kubeletVersion } from "./version.ts";

const containerLogsFolder = "/var/log/containers";

export const component: Component = {
  name: "kubelet",
  doc: "Runs the Pods of this machine.",
  flags: kubeletFlags,
  async start(scope, world, arguments_) {
    const values = daemonValues("kubelet", kubeletFlags, arguments_, world.log);
    const configuration = await readConfiguration(world, {
      file: values.config,
      dropInFolder: values["config-dir"],
      flags: configurationFromFlags(values),
    });
    try {
      await run(scope, world, values, configuration);
    } catch (error) {
      throw explained(error);
    }
  },
};

async function run(scope: Scope, world: World, values: KubeletFlags, configuration: KubeletConfiguration): Promise<void> {
  const rootFolder = values["root-dir"];
  const certificateFolder = values["cert-dir"];
  const hostname = (values["hostname-override"] ?? world.network.hostname()).toLowerCase();
  const nodeName = hostname;
  const labels = nodeLabels(values);
  if (configuration.cgroupDriver === "systemd")
    throw new ConfigError(
      'cgroupDriver "systemd" is not supported: set cgroupDriver to "cgroupfs" here, and SystemdCgroup = false in the configuration of containerd',
    );
  await world.files.makeFolder(rootFolder, { mode: 0o750 });
  await world.files.write("/proc/self/oom_score_adj", String(configuration.oomScoreAdj ?? -999)).catch(() => {});

  const checks = [{ name: "ping", check: () => {} }];
  if (configuration.healthzPort) await startHealthServer(scope, world, configuration.healthzBindAddress, configuration.healthzPort, checks);

  const machine = await readMachine(world);
  if (configuration.failCgroupV1 && machine.cgroupVersion === 1)
    throw new ConfigError("kubelet is configured to not run on a host using cgroup v1. cgroup v1 support is in maintenance mode");
  const metrics = new Metrics();
  const connected = connectRuntime(world, configuration.containerRuntimeEndpoint, {
    requestMilliseconds: durationToMilliseconds(configuration.runtimeRequestTimeout || "2m"),
  });
  const runtime = measuredRuntime(world, connected, metrics);
  scope.defer("runtime", () => runtime.close());
  runtime.version().then(
    ({ runtimeName, runtimeVersion }) => world.log.info("found the container runtime", { name: runtimeName, version: runtimeVersion }),
    (error: Error) =>
      world.log.warn("the container runtime does not answer; waiting for it", {
        endpoint: configuration.containerRuntimeEndpoint,
        error: error.message,
      }),
  );

  const client = await clientByFlags(scope, world, values, { nodeName, rotate: configuration.rotateCertificates ?? false });
  const recorder: EventRecorder = client
    ? startEventRecorder(scope, world, client, { component: "kubelet", host: nodeName })
    : { record: () => {} };
  const networkFile = values["pod-network-config"];
  const network = networkFile ? await readPodNetworkConfig(world, networkFile) : undefined;
  const nodes = network && client ? startInformer(scope, world, client, Node) : undefined;
  if (network && nodes) followNodes(scope, world, network, nodeName, nodes);
  let pressures: ReadonlySet<string> = new Set();
  let isShuttingDown = false;
  const reporter = await startNodeStatus(scope, world, {
    underPressure: () => pressures,
    shuttingDown: () => isShuttingDown,
    client,
    nodes,
    runtime,
    recorder,
    machine,
    options: nodeStatusOptions(values, configuration, machine, {
      nodeName,
      hostname,
      labels,
      rootFolder,
      podRanges: network?.podRange.split(","),
    }),
  });
  const probes = new ProbeMetrics();
  const kubelet = await startKubelet(scope, world, {
    nodeName,
    runtime,
    client,
    options: kubeletOptions(configuration, rootFolder, machine),
    startProber: (task, own, probing) => startProber(task, own, { ...probing, attempted: (...attempt) => probes.count(...attempt) }),
    hostIPs: () => reporter.hostIPs(),
    node: () => reporter.node(),
    underPressure: (found) => {
      pressures = found;
      reporter.look();
    },
    shuttingDown: (value) => {
      isShuttingDown = value;
      reporter.look();
    },
  });

  addKubeletMetrics(world, metrics, { nodeName, version: kubeletVersion, pods: () => kubelet.pods() });
  if (configuration.enableServer === false) return;
  const serving: ServingOptions = {
    nodeName,
    hostname,
    addresses: () => reporter.hostIPs(),
    certificateFolder,
    certificateFile: configuration.tlsCertFile,
    keyFile: configuration.tlsPrivateKeyFile,
    clientCaFile: configuration.authentication.x509.clientCAFile,
    bootstrap: configuration.serverTLSBootstrap ?? false,
  };
  const tls = await servingTls(world, serving);
  const listener = await startKubeletServer(scope, world, {
    nodeName,
    kubelet,
    runtime,
    configuration,
    rootFolder,
    metrics,
    probes,
    checks,
    delegated: client && delegatedTo(world, client, rememberingOf(configuration)),
    tls,
    cgroups: await cgroupsOf(world, kubeletOptions(configuration, rootFolder, machine).cgroupRoot),
  });
  if (serving.bootstrap && client && !serving.certificateFile) rotateServingCertificate(scope, world, client, listener, tls, serving);
  world.log.info("started kubelet", {
    node: nodeName,
    port: configuration.port,
    version: kubeletVersion,
    standalone: client === undefined,
  });
}

/** As upstream, no time is the default time: files that kubeadm wrote are full of them. */
function rememberingOf({ authentication, authorization }: KubeletConfiguration): Remembering {
  return {
    callerMilliseconds: durationToMilliseconds(authentication.webhook.cacheTTL) || 120_000,
    allowedMilliseconds: durationToMilliseconds(authorization.webhook.cacheAuthorizedTTL) || 300_000,
    deniedMilliseconds: durationToMilliseconds(authorization.webhook.cacheUnauthorizedTTL) || 30_000,
  };
}

/** Where the numbers of Pods' containers are read. */
async function cgroupsOf(world: World, root: string | undefined) {
  if (root === undefined) return undefined;
  const hierarchies = await findHierarchies(world);
  return { version: hierarchies.version, parentOf: startCgroups(world, hierarchies, root).parentOf };
}

async function clientByFlags(
  scope: Scope,
  world: World,
  values: KubeletFlags,
  { nodeName, rotate }: { readonly nodeName: string; readonly rotate: boolean },
): Promise<Client | undefined> {
  const { kubeconfig } = values;
  const bootstrapKubeconfig = values["bootstrap-kubeconfig"];
  if (!kubeconfig) {
    if (bootstrapKubeconfig) throw new ConfigError("--bootstrap-kubeconfig needs --kubeconfig: where the kubeconfig is to be written");
    return undefined;
  }
  return nodeClient(scope, world, { nodeName, kubeconfig, bootstrapKubeconfig, certificateFolder: values["cert-dir"], rotate });
}

function nodeStatusOptions(
  values: KubeletFlags,
  configuration: KubeletConfiguration,
  machine: Machine,
  names: Pick<NodeStatusOptions, "nodeName" | "hostname" | "labels" | "rootFolder" | "podRanges">,
): NodeStatusOptions {
  return {
    ...names,
    nodeIP: nodeIp(values),
    port: configuration.port,
    providerId: configuration.providerID,
    taints: configuration.registerWithTaints ?? [],
    externalCloud: values["cloud-provider"] === "external",
    register: configuration.registerNode !== false,
    maxPods: maxPodsOf(configuration, machine),
    maxImages: configuration.nodeStatusMaxImages ?? 50,
    systemReserved: configuration.systemReserved ?? {},
    kubeReserved: configuration.kubeReserved ?? {},
    thresholds: configuration.evictionHard ?? evictionDefaults,
    leaseSeconds: configuration.nodeLeaseDurationSeconds,
    updateMilliseconds: durationToMilliseconds(configuration.nodeStatusUpdateFrequency),
    reportMilliseconds: durationToMilliseconds(configuration.nodeStatusReportFrequency),
  };
}

function kubeletOptions(configuration: KubeletConfiguration, rootFolder: string, machine: Machine): KubeletOptions {
  const { memoryBytes, cgroupVersion } = machine;
  const hasCgroups = configuration.cgroupsPerQOS !== false && cgroupVersion !== undefined;
  const enforcesPods = hasCgroups && (configuration.enforceNodeAllocatable ?? ["pods"]).includes("pods");
  return {
    rootFolder,
    podLogsFolder: configuration.podLogsDir,
    containerLogsFolder,
    staticPodFolder: configuration.staticPodPath || undefined,
    clusterDns: configuration.clusterDNS ?? [],
    clusterDomain: configuration.clusterDomain ?? "",
    resolverFile: configuration.resolvConf ?? "/etc/resolv.conf",
    cgroupRoot: hasCgroups ? configuration.cgroupRoot || "/" : undefined,
    withoutCpuLimits: configuration.cpuCFSQuota === false,
    cgroupLimits: {
      withoutCpuLimits: configuration.cpuCFSQuota === false,
      ...(enforcesPods && {
        podsMemoryBytes: Math.max(0, memoryBytes - reservedOf(configuration, "memory", quantityToWhole)),
        podsMilliCpu: Math.max(0, machine.cpus * 1_000 - reservedOf(configuration, "cpu", quantityToMilli)),
      }),
      ...(Number(configuration.podPidsLimit ?? -1) > 0 && { podProcesses: Number(configuration.podPidsLimit) }),
    },
    maxPods: maxPodsOf(configuration, machine),
    userNamespaces: { idsPerPod: Number(configuration.userNamespaces.idsPerPod ?? idsOfPod) },
    seccompDefault: configuration.seccompDefault ?? false,
    allowedUnsafeSysctls: configuration.allowedUnsafeSysctls ?? [],
    appArmor: machine.appArmor,
    restartMaxMilliseconds: durationToMilliseconds(configuration.crashLoopBackOff.maxContainerRestartPeriod || "300s"),
    containerLogMaxBytes: quantityToWhole(configuration.containerLogMaxSize),
    containerLogMaxFiles: configuration.containerLogMaxFiles ?? 5,
    containerLogMonitorMilliseconds: durationToMilliseconds(configuration.containerLogMonitorInterval || "10s"),
    imagePullsMax: configuration.serializeImagePulls === true ? 1 : configuration.maxParallelImagePulls,
    imageAccess: {
      policy: (configuration.imagePullCredentialsVerificationPolicy || "NeverVerifyPreloadedImages") as VerificationPolicy,
      allowlist: configuration.preloadedImagesVerificationAllowlist ?? [],
    },
    imageCollection: {
      highPercent: configuration.imageGCHighThresholdPercent ?? 85,
      lowPercent: configuration.imageGCLowThresholdPercent ?? 80,
      minimumAgeMilliseconds: durationToMilliseconds(configuration.imageMinimumGCAge || "2m"),
      maximumAgeMilliseconds: durationToMilliseconds(configuration.imageMaximumGCAge || "0s"),
    },
    eviction: {
      thresholds: thresholdsOf({
        ...thresholdConfiguration(configuration),
        enforcesAllocatable: enforcesPods,
      }),
      transitionMilliseconds: durationToMilliseconds(configuration.evictionPressureTransitionPeriod || "5m"),
      graceSecondsMax: configuration.evictionMaxPodGracePeriod ?? 0,
      limitsStorage: configuration.localStorageCapacityIsolation !== false,
    },
    shutdownGroups: shutdownGroups(shutdownPeriods(configuration)),
    memoryBytes,
    // Version 1 counts swap together with memory, where it counts it at all.
    ...(cgroupVersion === 2 &&
      machine.swapBytes > 0 && {
        swap: { bytes: machine.swapBytes, isLimited: configuration.memorySwap?.swapBehavior === "LimitedSwap" },
      }),
  };
}

function maxPodsOf({ maxPods, podsPerCore = 0 }: KubeletConfiguration, { cpus }: Machine): number {
  return podsPerCore > 0 ? Math.min(maxPods, podsPerCore * cpus) : maxPods;
}

function reservedOf(
  { systemReserved = {}, kubeReserved = {} }: KubeletConfiguration,
  name: string,
  amount: (text: string) => number,
): number {
  return [systemReserved[name], kubeReserved[name]].reduce((sum, text) => sum + (text === undefined ? 0 : amount(text)), 0);
}

/** What the machine refused, in words that say what to do. */
function explained(error: unknown): unknown {
  if (error instanceof FileError && (error.code === "EACCES" || error.code === "EPERM" || error.code === "EROFS"))
    return new ConfigError(`cannot write ${error.path}: ${error.message}; the kubelet has to run as root`);
  if (error instanceof FileError) return new ConfigError(`failed to run Kubelet: ${error.message}`);
  if (error instanceof NetworkError && (error.code === "EADDRINUSE" || error.code === "EADDRNOTAVAIL" || error.code === "EACCES"))
    return new ConfigError(`failed to run Kubelet: cannot listen: ${error.message}`);
  return error;
}
