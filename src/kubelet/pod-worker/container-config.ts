// A container, as the runtime is told to make it.
import type { Container } from "#api/core/pod/container.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import type { ContainerConfig, ContainerSecurity, IdMapping, Image, LinuxResources, Mount } from "#cri/runtime.ts";
import { type AnyContainer, annotations, containerHash, fullName, labels, namespaceOf } from "../layout.ts";
import { ContainerConfigError, type Environment } from "./environment.ts";
import { expand } from "./expansion.ts";
import { groupsOf, namespacesOf, profileOf, seLinuxLabel } from "./sandbox-config.ts";

export interface ContainerFacts {
  readonly attempt: number;
  readonly image: Image;
  readonly environment: Environment;
  readonly mounts: readonly Mount[];
  /** Those of the Pod's sandbox. */
  readonly users?: readonly IdMapping[] | undefined;
  readonly resources: LinuxResources;
  /** Where local seccomp profiles are, and whether one of the runtime's own stands in where none is said. */
  readonly seccomp: { readonly folder: string; readonly isDefault: boolean };
  /** The running container whose processes an ephemeral one wants to see. */
  readonly targetContainerId?: string | undefined;
}

const maskedPaths = [
  "/proc/asound",
  "/proc/acpi",
  "/proc/interrupts",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/proc/scsi",
  "/sys/firmware",
  "/sys/devices/virtual/powercap",
];
const readOnlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];

/** Throws ContainerConfigError when the image and the Pod's security context do not go together. */
export function containerConfig(pod: Pod, container: AnyContainer, facts: ContainerFacts): ContainerConfig {
  const { attempt, image, environment, mounts, resources } = facts;
  const valueOf = (name: string) => environment.get(name);
  return {
    name: container.name,
    attempt,
    image: image.id,
    userImage: container.image ?? "",
    command: (container.command ?? []).map((word) => expand(word, valueOf)),
    arguments: (container.args ?? []).map((word) => expand(word, valueOf)),
    workingFolder: container.workingDir ?? "",
    environment: [...environment].map(([name, value]) => ({ name, value })),
    mounts,
    devices: [],
    labels: {
      [labels.containerName]: container.name,
      [labels.podName]: pod.metadata.name,
      [labels.podNamespace]: namespaceOf(pod),
      [labels.podUid]: pod.metadata.uid,
    },
    annotations: {
      [annotations.hash]: containerHash(container),
      [annotations.resources]: JSON.stringify(container.resources),
      [annotations.restartCount]: String(attempt),
      [annotations.terminationMessagePath]: container.terminationMessagePath,
      [annotations.terminationMessagePolicy]: container.terminationMessagePolicy,
      ...(mounts.some(({ recursiveReadOnly }) => recursiveReadOnly) && { [annotations.recursiveReadOnly]: "true" }),
      [annotations.gracePeriod]: String(pod.spec.terminationGracePeriodSeconds ?? 30),
      ...(container.ports && { [annotations.ports]: JSON.stringify(container.ports) }),
      ...(container.lifecycle?.preStop && { [annotations.preStop]: JSON.stringify(container.lifecycle.preStop) }),
    },
    logPath: `${container.name}/${attempt}.log`,
    stdin: container.stdin ?? false,
    stdinOnce: container.stdinOnce ?? false,
    tty: container.tty ?? false,
    resources,
    security: securityOf(pod, container, facts),
    ...(container.lifecycle?.stopSignal && { stopSignal: container.lifecycle.stopSignal }),
  };
}

function securityOf(pod: Pod, container: Container, { image, targetContainerId, seccomp, users }: ContainerFacts): ContainerSecurity {
  const own = container.securityContext ?? {};
  const shared = pod.spec.securityContext ?? {};
  const runAsUser = own.runAsUser ?? shared.runAsUser;
  const runAsGroup = own.runAsGroup ?? shared.runAsGroup;
  const runAsNonRoot = own.runAsNonRoot ?? shared.runAsNonRoot ?? false;
  if (runAsNonRoot) checkNonRoot(pod, container, runAsUser === undefined ? undefined : Number(runAsUser), image);
  const privileged = own.privileged ?? false;
  const profile =
    profileOf(own.seccompProfile ?? shared.seccompProfile, `${seccomp.folder}/`) ??
    ({ type: seccomp.isDefault ? "runtime-default" : "unconfined" } as const);
  const appArmor = profileOf(own.appArmorProfile ?? shared.appArmorProfile, "");
  const seLinux = own.seLinuxOptions ?? shared.seLinuxOptions;
  // An image that names nobody runs as root; said in a number, since a group is taken only together with a user.
  const imageUid = image.uid ?? (image.userName === "" ? 0 : undefined);
  const user =
    runAsUser !== undefined
      ? { runAsUser: Number(runAsUser) }
      : imageUid !== undefined
        ? { runAsUser: imageUid }
        : { runAsUserName: image.userName };
  return {
    addCapabilities: own.capabilities?.add ?? [],
    dropCapabilities: own.capabilities?.drop ?? [],
    privileged,
    namespaces: { ...namespacesOf(pod, users), ...(targetContainerId !== undefined && { targetContainer: targetContainerId }) },
    ...user,
    ...(runAsGroup !== undefined && { runAsGroup: Number(runAsGroup) }),
    readOnlyRootFilesystem: own.readOnlyRootFilesystem ?? false,
    supplementalGroups: groupsOf(pod),
    ...(shared.supplementalGroupsPolicy === "Strict" && { onlySupplementalGroups: true }),
    noNewPrivileges: own.allowPrivilegeEscalation === false,
    maskedPaths: privileged || own.procMount === "Unmasked" ? [] : maskedPaths,
    readOnlyPaths: privileged || own.procMount === "Unmasked" ? [] : readOnlyPaths,
    ...(!privileged && { seccomp: profile }),
    ...(appArmor && { appArmor }),
    ...(seLinux && { seLinux: seLinuxLabel(seLinux) }),
  };
}

function checkNonRoot(pod: Pod, { name }: Container, runAsUser: number | undefined, image: Image): void {
  const where = `(pod: ${JSON.stringify(fullName(pod))}, container: ${name})`;
  if (runAsUser !== undefined) {
    if (runAsUser === 0) throw new ContainerConfigError(`container's runAsUser breaks non-root policy ${where}`);
    return;
  }
  if (image.uid === 0 || (image.uid === undefined && image.userName === ""))
    throw new ContainerConfigError(`container has runAsNonRoot and image will run as root ${where}`);
  if (image.uid === undefined)
    throw new ContainerConfigError(
      `container has runAsNonRoot and image has non-numeric user (${image.userName}), cannot verify user is non-root ${where}`,
    );
}
