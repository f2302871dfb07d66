// Our words into CRI's numbers.
import type { Draft } from "#schema/message.ts";
import type { ContainerConfig, LinuxResources, Mount, NamespaceMode, Namespaces, SandboxConfig, SecurityProfile } from "../runtime.ts";
import type * as m from "./messages.ts";

type Wire<M> = M extends { readonly "~type"?: infer T } ? Draft<NonNullable<T>> : never;

const protocols = { TCP: 0, UDP: 1, SCTP: 2 } as const;
const namespaceModes: Readonly<Record<NamespaceMode, number>> = { pod: 0, container: 1, node: 2 };
const targetMode = 3;
const propagations: Readonly<Record<Mount["propagation"], number>> = { private: 0, "host-to-container": 1, bidirectional: 2 };
const profiles: Readonly<Record<SecurityProfile["type"], number>> = { "runtime-default": 0, unconfined: 1, localhost: 2 };

export function sandbox(config: SandboxConfig): Wire<typeof m.SandboxConfig> {
  const { runAsUser, runAsGroup, seccomp, overhead } = config;
  return {
    metadata: config.metadata,
    hostname: config.hostname,
    logDirectory: config.logFolder,
    dnsConfig: config.dns,
    portMappings: config.ports.map(({ protocol, containerPort, hostPort, hostIP }) => ({
      protocol: protocols[protocol],
      containerPort,
      hostPort,
      hostIp: hostIP,
    })),
    labels: config.labels,
    annotations: config.annotations,
    linux: {
      cgroupParent: config.cgroupParent,
      sysctls: config.sysctls,
      overhead: overhead && resources(overhead),
      resources: config.resources && resources(config.resources),
      securityContext: {
        namespaceOptions: namespaces(config.namespaces),
        runAsUser: runAsUser === undefined ? undefined : { value: runAsUser },
        runAsGroup: runAsGroup === undefined || runAsUser === undefined ? undefined : { value: runAsGroup },
        supplementalGroups: config.supplementalGroups,
        supplementalGroupsPolicy: config.onlySupplementalGroups ? 1 : 0,
        privileged: config.privileged,
        seccomp: seccomp && profile(seccomp),
        selinuxOptions: config.seLinux,
      },
    },
  };
}

export function container(config: ContainerConfig): Wire<typeof m.ContainerConfig> {
  const { security } = config;
  const { runAsUser, runAsGroup, seccomp, appArmor } = security;
  return {
    metadata: { name: config.name, attempt: config.attempt },
    image: { image: config.image, userSpecifiedImage: config.userImage },
    command: config.command,
    args: config.arguments,
    workingDir: config.workingFolder,
    envs: config.environment.map(({ name, value }) => ({ key: name, value })),
    mounts: config.mounts.map((mount) => ({
      containerPath: mount.containerPath,
      hostPath: mount.hostPath,
      readonly: mount.readOnly,
      propagation: propagations[mount.propagation],
      recursiveReadOnly: mount.recursiveReadOnly ?? false,
      uidMappings: mount.users ?? [],
      gidMappings: mount.users ?? [],
    })),
    devices: config.devices,
    labels: config.labels,
    annotations: config.annotations,
    logPath: config.logPath,
    stdin: config.stdin,
    stdinOnce: config.stdinOnce,
    tty: config.tty,
    linux: {
      resources: resources(config.resources),
      securityContext: {
        capabilities: { addCapabilities: security.addCapabilities, dropCapabilities: security.dropCapabilities },
        privileged: security.privileged,
        namespaceOptions: namespaces(security.namespaces),
        runAsUser: runAsUser === undefined ? undefined : { value: runAsUser },
        runAsGroup: runAsGroup === undefined ? undefined : { value: runAsGroup },
        runAsUsername: security.runAsUserName ?? "",
        readonlyRootfs: security.readOnlyRootFilesystem,
        supplementalGroups: security.supplementalGroups,
        supplementalGroupsPolicy: security.onlySupplementalGroups ? 1 : 0,
        noNewPrivs: security.noNewPrivileges,
        maskedPaths: security.maskedPaths,
        readonlyPaths: security.readOnlyPaths,
        seccomp: seccomp && profile(seccomp),
        apparmor: appArmor && profile(appArmor),
        selinuxOptions: security.seLinux,
      },
    },
    stopSignal: config.stopSignal === undefined ? 0 : Math.max(0, signals.indexOf(config.stopSignal)),
  };
}

export function resources(of: LinuxResources): Wire<typeof m.LinuxResources> {
  return {
    cpuPeriod: of.cpuPeriod ?? 0,
    cpuQuota: of.cpuQuota ?? 0,
    cpuShares: of.cpuShares ?? 0,
    memoryLimitInBytes: of.memoryLimitBytes ?? 0,
    oomScoreAdj: of.oomScoreAdjustment ?? 0,
    cpusetCpus: of.cpusetCpus ?? "",
    hugepageLimits: (of.hugepages ?? []).map(({ pageSize, limitBytes }) => ({ pageSize, limit: limitBytes })),
    unified: of.unified ?? {},
    memorySwapLimitInBytes: of.memorySwapLimitBytes ?? 0,
  };
}

function namespaces({ network, pid, ipc, targetContainer, users }: Namespaces): Wire<typeof m.NamespaceOption> {
  return {
    network: namespaceModes[network],
    pid: targetContainer === undefined ? namespaceModes[pid] : targetMode,
    ipc: namespaceModes[ipc],
    targetId: targetContainer ?? "",
    usernsOptions: users && { mode: namespaceModes.pod, uids: users, gids: users },
  };
}

function profile({ type, path = "" }: SecurityProfile): Wire<typeof m.SecurityProfile> {
  return { profileType: profiles[type], localhostRef: path };
}

/** By CRI's numbers. */
const signals: readonly string[] = [
  "",
  ..."ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV STKFLT STOP SYS TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ RTMIN"
    .split(" ")
    .map((name) => `SIG${name}`),
  ...Array.from({ length: 15 }, (_, index) => `SIGRTMIN+${index + 1}`),
  ...Array.from({ length: 14 }, (_, index) => `SIGRTMAX-${14 - index}`),
  "SIGRTMAX",
];
