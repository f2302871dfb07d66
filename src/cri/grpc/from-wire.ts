// CRI's answers in our words.
import type { Int64 } from "#schema/field.ts";
import type * as runtime from "../runtime.ts";
import type * as m from "./messages.ts";

type Wire<M> = M extends { readonly "~type"?: infer T } ? NonNullable<T> : never;

const states: readonly runtime.ContainerState[] = ["created", "running", "exited", "unknown"];
const modes: readonly runtime.NamespaceMode[] = ["pod", "container", "node"];

export function version(answer: Wire<typeof m.VersionResponse>): runtime.RuntimeVersion {
  return { runtimeName: answer.runtimeName, runtimeVersion: answer.runtimeVersion, apiVersion: answer.runtimeApiVersion };
}

export function runtimeStatus({ status, runtimeHandlers, features }: Wire<typeof m.StatusResponse>): runtime.RuntimeStatus {
  return {
    conditions: status?.conditions ?? [],
    handlers: runtimeHandlers.map(({ name, features: of }) => ({
      name,
      recursiveReadOnlyMounts: of?.recursiveReadOnlyMounts ?? false,
      userNamespaces: of?.userNamespaces ?? false,
    })),
    supplementalGroupsPolicy: features?.supplementalGroupsPolicy ?? false,
  };
}

export function sandbox(of: Wire<typeof m.Sandbox>): runtime.Sandbox {
  const { id, state, createdAt, labels, annotations } = of;
  return { id, metadata: metadata(of.metadata), ready: state === 0, createdAt: milliseconds(createdAt) ?? 0, labels, annotations };
}

export function sandboxStatus({ status }: Wire<typeof m.SandboxStatusResponse>): runtime.SandboxStatus | undefined {
  if (!status) return undefined;
  const { id, state, createdAt, labels, annotations, network, linux } = status;
  return {
    id,
    metadata: metadata(status.metadata),
    ready: state === 0,
    createdAt: milliseconds(createdAt) ?? 0,
    labels,
    annotations,
    ips: network ? [network.ip, ...network.additionalIps.map(({ ip }) => ip)].filter((ip) => ip !== "") : [],
    network: modes[linux?.namespaces?.options?.network ?? 0] ?? "pod",
  };
}

export function container(of: Wire<typeof m.Container>): runtime.Container {
  return {
    id: of.id,
    sandboxId: of.podSandboxId,
    name: of.metadata?.name ?? "",
    attempt: of.metadata?.attempt ?? 0,
    image: of.image?.image ?? "",
    imageRef: of.imageRef,
    state: states[of.state] ?? "unknown",
    createdAt: milliseconds(of.createdAt) ?? 0,
    labels: of.labels,
    annotations: of.annotations,
  };
}

export function containerStatus({ status }: Wire<typeof m.ContainerStatusResponse>): runtime.ContainerStatus | undefined {
  if (!status) return undefined;
  return {
    id: status.id,
    name: status.metadata?.name ?? "",
    attempt: status.metadata?.attempt ?? 0,
    state: states[status.state] ?? "unknown",
    createdAt: milliseconds(status.createdAt) ?? 0,
    startedAt: milliseconds(status.startedAt),
    finishedAt: milliseconds(status.finishedAt),
    exitCode: status.exitCode,
    image: status.image?.image ?? "",
    imageRef: status.imageRef,
    imageId: status.imageId,
    reason: status.reason,
    message: status.message,
    labels: status.labels,
    annotations: status.annotations,
    logPath: status.logPath,
    resources: status.resources?.linux && resources(status.resources.linux),
    user: status.user?.linux && {
      uid: Number(status.user.linux.uid),
      gid: Number(status.user.linux.gid),
      supplementalGroups: status.user.linux.supplementalGroups.map(Number),
    },
  };
}

/** What is 0 was not set. */
function resources(of: Wire<typeof m.LinuxResources>): runtime.LinuxResources {
  return {
    cpuPeriod: Number(of.cpuPeriod),
    cpuQuota: Number(of.cpuQuota),
    cpuShares: Number(of.cpuShares),
    memoryLimitBytes: Number(of.memoryLimitInBytes),
  };
}

export function image(of: Wire<typeof m.Image>): runtime.Image {
  return {
    id: of.id,
    tags: of.repoTags,
    digests: of.repoDigests,
    sizeBytes: Number(of.size),
    uid: of.uid === undefined ? undefined : Number(of.uid.value),
    userName: of.username,
    pinned: of.pinned,
  };
}

export function fileSystemUsage(of: Wire<typeof m.FilesystemUsage>): runtime.FileSystemUsage {
  return {
    at: milliseconds(of.timestamp) ?? 0,
    mountPoint: of.fsId?.mountpoint ?? "",
    usedBytes: wrapped(of.usedBytes) ?? 0,
    inodesUsed: wrapped(of.inodesUsed),
  };
}

export function containerStats({ attributes, cpu, memory, writableLayer }: Wire<typeof m.ContainerStats>): runtime.ContainerStats {
  return {
    id: attributes?.id ?? "",
    name: attributes?.metadata?.name ?? "",
    labels: attributes?.labels ?? {},
    ...usage(cpu, memory),
    writableLayerBytes: wrapped(writableLayer?.usedBytes),
    writableLayerInodes: wrapped(writableLayer?.inodesUsed),
  };
}

export function sandboxStats({ attributes, linux }: Wire<typeof m.SandboxStats>): runtime.SandboxStats {
  const { network } = linux ?? {};
  return {
    id: attributes?.id ?? "",
    metadata: metadata(attributes?.metadata),
    ...usage(linux?.cpu, linux?.memory),
    interfaces: [...(network?.defaultInterface ? [network.defaultInterface] : []), ...(network?.interfaces ?? [])].map((one) => ({
      name: one.name,
      receivedBytes: wrapped(one.rxBytes) ?? 0,
      receiveErrors: wrapped(one.rxErrors) ?? 0,
      sentBytes: wrapped(one.txBytes) ?? 0,
      sendErrors: wrapped(one.txErrors) ?? 0,
    })),
    processes: wrapped(linux?.process?.processCount),
  };
}

function usage(cpu: Wire<typeof m.CpuUsage> | undefined, memory: Wire<typeof m.MemoryUsage> | undefined): runtime.UsageStats {
  return {
    at: milliseconds(cpu?.timestamp ?? memory?.timestamp ?? 0) ?? 0,
    cpuNanoseconds: wrapped(cpu?.usageCoreNanoSeconds),
    cpuNanoCores: wrapped(cpu?.usageNanoCores),
    memoryUsageBytes: wrapped(memory?.usageBytes),
    memoryWorkingSetBytes: wrapped(memory?.workingSetBytes),
    memoryRssBytes: wrapped(memory?.rssBytes),
    memoryPageFaults: wrapped(memory?.pageFaults),
    memoryMajorPageFaults: wrapped(memory?.majorPageFaults),
    memoryAvailableBytes: wrapped(memory?.availableBytes),
  };
}

function wrapped(value: { readonly value: Int64 } | undefined): number | undefined {
  return value === undefined ? undefined : Number(value.value);
}

function metadata(of: Wire<typeof m.SandboxMetadata> | undefined): runtime.SandboxMetadata {
  return of ?? { name: "", uid: "", namespace: "", attempt: 0 };
}

/** Nanoseconds, of which 0 is never. */
function milliseconds(nanoseconds: Int64): number | undefined {
  const value = BigInt(nanoseconds);
  return value === 0n ? undefined : Number(value / 1000n) / 1000;
}
