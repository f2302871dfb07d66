// What is mounted into a container: its volumes, /etc/hosts, the file for its last words.
import type { Container, VolumeMount } from "#api/core/pod/container.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import type { IdMapping, Mount } from "#cri/runtime.ts";
import type { Files } from "#platform/files.ts";
import { ContainerConfigError, type Environment } from "../pod-worker/environment.ts";
import { expand } from "../pod-worker/expansion.ts";
import type { SubPathPlace, Volumes } from "./volumes.ts";

const propagations = { None: "private", HostToContainer: "host-to-container", Bidirectional: "bidirectional" } as const;
const etcHosts = "/etc/hosts";

export interface ContainerFiles {
  readonly hostsPath: string;
  readonly terminationPath: string;
}

export interface MountNeeds {
  readonly files: Files;
  readonly volumes: Volumes;
  /** Whether the runtime can make mounts below a mount read-only with it. */
  readonly recursiveReadOnly: boolean;
  /** What the Pod's ids are on the node: files belong to the same ids inside as outside. */
  readonly users?: readonly IdMapping[] | undefined;
}

/** Throws ContainerConfigError where the container asks for what cannot be. */
export async function containerMounts(
  { files, volumes, recursiveReadOnly, users }: MountNeeds,
  pod: Pod,
  container: Container,
  environment: Environment,
  { hostsPath, terminationPath }: ContainerFiles,
): Promise<readonly Mount[]> {
  if ((container.volumeDevices ?? []).length > 0)
    throw new ContainerConfigError(
      `volumeDevices of container ${JSON.stringify(container.name)}: block devices are not supported on this node`,
    );
  const mounts: Mount[] = [];
  for (const [index, volumeMount] of (container.volumeMounts ?? []).entries()) {
    const { name, mountPath, readOnly = false, subPath = "", subPathExpr = "", mountPropagation } = volumeMount;
    const inside = checkedSubPath(subPathExpr ? expandStrictly(subPathExpr, environment) : subPath);
    const root = volumes.pathOf(pod, name);
    const place = { volume: name, container: container.name, index };
    mounts.push({
      containerPath: mountPath.startsWith("/") ? mountPath : `/${mountPath}`,
      hostPath: inside === "" ? root : await pinned(root, inside, place),
      readOnly: readOnly || volumes.isReadOnly(pod, name),
      propagation: propagations[(mountPropagation ?? "None") as keyof typeof propagations],
      ...(isReadOnlyBelow(volumeMount, recursiveReadOnly) && { recursiveReadOnly: true }),
    });
  }
  if (!mounts.some(({ containerPath }) => containerPath === etcHosts)) {
    mounts.push({ containerPath: etcHosts, hostPath: hostsPath, readOnly: false, propagation: "private" });
  }
  if (container.terminationMessagePath) {
    mounts.push({ containerPath: container.terminationMessagePath, hostPath: terminationPath, readOnly: false, propagation: "private" });
  }
  return users ? mounts.map((mount) => ({ ...mount, users })) : mounts;

  async function pinned(root: string, inside: string, place: SubPathPlace): Promise<string> {
    // A volume that is one file has nothing inside.
    const { mode: folderMode = 0o755 } = (await files.stat(root, { follow: true })) ?? {};
    try {
      return await volumes.pin(pod, root, inside, { ...place, folderMode });
    } catch (error) {
      throw new ContainerConfigError(
        `failed to prepare subPath for volumeMount ${JSON.stringify(place.volume)} of container ${JSON.stringify(container.name)}: ${(error as Error).message}`,
      );
    }
  }
}

/** The path within the volume, "" for all of it. */
function checkedSubPath(text: string): string {
  if (text.startsWith("/")) throw new ContainerConfigError(`error SubPath \`${text}\` must not be an absolute path`);
  const parts = text.split("/");
  if (parts.includes("..")) throw new ContainerConfigError(`unable to provision SubPath \`${text}\`: must not contain '..'`);
  return parts.filter((part) => part !== "" && part !== ".").join("/");
}

function isReadOnlyBelow({ name, readOnly, recursiveReadOnly, mountPropagation = "None" }: VolumeMount, isPossible: boolean): boolean {
  if (recursiveReadOnly === undefined || recursiveReadOnly === "Disabled") return false;
  const asked = `volume ${JSON.stringify(name)} requested recursive read-only mode, but it is`;
  if (!readOnly) throw new ContainerConfigError(`${asked} not read-only`);
  if (mountPropagation !== "None")
    throw new ContainerConfigError(`${asked} not compatible with propagation ${JSON.stringify(mountPropagation)}`);
  if (recursiveReadOnly === "Enabled" && !isPossible) throw new ContainerConfigError(`${asked} not supported by the runtime`);
  return isPossible;
}

function expandStrictly(text: string, environment: Environment): string {
  return expand(text, (name) => {
    const value = environment.get(name);
    if (value === undefined) throw new ContainerConfigError(`missing value for ${JSON.stringify(name)}`);
    return value;
  });
}

/** /etc/hosts of a Pod on its own network. */
export function hostsText(ips: readonly string[], hostname: string, domain: string, aliases: Pod["spec"]["hostAliases"]): string {
  const lines = [
    "# Kubernetes-managed hosts file.",
    "127.0.0.1\tlocalhost",
    "::1\tlocalhost ip6-localhost ip6-loopback",
    "fe00::0\tip6-localnet",
    "fe00::0\tip6-mcastprefix",
    "fe00::1\tip6-allnodes",
    "fe00::2\tip6-allrouters",
    ...ips.map((ip) => (domain ? `${ip}\t${hostname}.${domain}\t${hostname}` : `${ip}\t${hostname}`)),
  ];
  return `${lines.join("\n")}\n${aliasText(aliases)}`;
}

/** /etc/hosts of a Pod on the node's network: the node's own. */
export function nodeHostsText(ofNode: string, aliases: Pod["spec"]["hostAliases"]): string {
  return `# Kubernetes-managed hosts file (host network).\n${ofNode}${aliasText(aliases)}`;
}

function aliasText(aliases: Pod["spec"]["hostAliases"]): string {
  if (!aliases || aliases.length === 0) return "";
  const lines = aliases.map(({ ip, hostnames = [] }) => [ip, ...hostnames].join("\t"));
  return `\n# Entries added by HostAliases.\n${lines.join("\n")}\n`;
}
