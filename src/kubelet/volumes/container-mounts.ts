// What is mounted into a container: its volumes, /etc/hosts, the file for its last words.
import type { Container } from "#api/core/pod/container.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import type { Mount } from "#cri/runtime.ts";
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

export async function containerMounts(
  files: Files,
  volumes: Volumes,
  pod: Pod,
  container: Container,
  environment: Environment,
  { hostsPath, terminationPath }: ContainerFiles,
): Promise<readonly Mount[]> {
  const mounts: Mount[] = [];
  for (const [index, volumeMount] of (container.volumeMounts ?? []).entries()) {
    const { name, mountPath, readOnly = false, subPath = "", subPathExpr = "", mountPropagation, recursiveReadOnly } = volumeMount;
    const inside = subPathExpr ? expandStrictly(subPathExpr, environment) : subPath;
    const root = volumes.pathOf(pod, name);
    mounts.push({
      containerPath: mountPath.startsWith("/") ? mountPath : `/${mountPath}`,
      hostPath: inside === "" ? root : await pinned(root, inside, { volume: name, container: container.name, index }),
      readOnly: readOnly || isWrittenByUs(pod, name),
      propagation: propagations[(mountPropagation ?? "None") as keyof typeof propagations],
      ...(recursiveReadOnly === "Enabled" && { recursiveReadOnly: true }),
    });
  }
  if (!mounts.some(({ containerPath }) => containerPath === etcHosts)) {
    mounts.push({ containerPath: etcHosts, hostPath: hostsPath, readOnly: false, propagation: "private" });
  }
  if (container.terminationMessagePath) {
    mounts.push({ containerPath: container.terminationMessagePath, hostPath: terminationPath, readOnly: false, propagation: "private" });
  }
  return mounts;

  async function pinned(root: string, inside: string, place: SubPathPlace): Promise<string> {
    const path = await pathWithin(files, root, inside);
    if (path === "") return root;
    try {
      return await volumes.pin(pod, root, path, place);
    } catch (error) {
      throw new ContainerConfigError(
        `failed to prepare subPath for volumeMount ${JSON.stringify(place.volume)} of container ${JSON.stringify(container.name)}: ${(error as Error).message}`,
      );
    }
  }
}

/** What the kubelet keeps up to date is read-only, whatever the Pod says. */
function isWrittenByUs(pod: Pod, name: string): boolean {
  const volume = pod.spec.volumes?.find((one) => one.name === name);
  return Boolean(volume?.configMap ?? volume?.secret ?? volume?.projected ?? volume?.downwardAPI);
}

function expandStrictly(text: string, environment: Environment): string {
  return expand(text, (name) => {
    const value = environment.get(name);
    if (value === undefined) throw new ContainerConfigError(`missing value for ${JSON.stringify(name)}`);
    return value;
  });
}

/** What a path within a volume really is, without links, from the volume's root; made as a folder when it is missing. Links that lead out of the volume are refused. */
async function pathWithin(files: Files, root: string, inside: string): Promise<string> {
  const parts = inside.split("/").filter((part) => part !== "" && part !== ".");
  if (inside.startsWith("/") || parts.includes("..")) throw new ContainerConfigError(`invalid subPath ${JSON.stringify(inside)}`);
  const { mode = 0o755 } = (await files.stat(root, { follow: true })) ?? {};
  let at = root;
  const rest = [...parts];
  for (let links = 0; rest.length > 0; ) {
    const part = rest.shift() as string;
    const next = `${at}/${part}`;
    const info = await files.stat(next);
    if (info?.kind === "link") {
      const target = await files.readLink(next);
      const targetParts = target.split("/").filter((one) => one !== "" && one !== ".");
      if (target.startsWith("/") || targetParts.includes("..") || ++links > 40)
        throw new ContainerConfigError(`failed to prepare subPath ${JSON.stringify(inside)}: it leads out of the volume`);
      rest.unshift(...targetParts);
    } else {
      if (!info) {
        await files.makeFolder(next, { mode });
        await files.changeMode(next, mode);
      }
      at = next;
    }
  }
  return at.slice(root.length + 1);
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
