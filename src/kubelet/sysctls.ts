// Which kernel settings a Pod may set for itself: those known to reach no further than the Pod, and what the node's owner allows besides.
import type { Pod } from "#api/core/pod/pod.ts";

/** With the first kernel that keeps them apart for each Pod. */
const safe: ReadonlyMap<string, string> = new Map([
  ["kernel.shm_rmid_forced", "0"],
  ["net.ipv4.ip_local_port_range", "0"],
  ["net.ipv4.tcp_syncookies", "0"],
  ["net.ipv4.ping_group_range", "0"],
  ["net.ipv4.ip_unprivileged_port_start", "0"],
  ["net.ipv4.ip_local_reserved_ports", "3.16"],
  ["net.ipv4.tcp_keepalive_time", "4.5"],
  ["net.ipv4.tcp_keepalive_intvl", "4.5"],
  ["net.ipv4.tcp_keepalive_probes", "4.5"],
  ["net.ipv4.tcp_fin_timeout", "4.6"],
  ["net.ipv4.tcp_rmem", "4.15"],
  ["net.ipv4.tcp_wmem", "4.15"],
]);

/** The name with dots between its parts; a slash in it may have stood for a dot within a part. */
export function sysctlName(name: string): string {
  const separator = /[./]/.exec(name)?.[0];
  if (separator !== "/") return name;
  return name.replace(/[./]/g, (found) => (found === "/" ? "." : "/"));
}

/** Why the Pod may not set what it asks for. */
export function sysctlProblem({ spec }: Pod, allowed: readonly string[], kernelVersion: string): string | undefined {
  for (const { name: given } of spec.securityContext?.sysctls ?? []) {
    const name = sysctlName(given);
    if (spec.hostNetwork && name.startsWith("net.")) return `forbidden sysctl: ${JSON.stringify(given)} not allowed with host net enabled`;
    if (spec.hostIPC && /^(kernel\.(shm|msg|sem)|fs\.mqueue\.)/.test(name))
      return `forbidden sysctl: ${JSON.stringify(given)} not allowed with host ipc enabled`;
    const since = safe.get(name);
    if (since !== undefined && isAtLeast(kernelVersion, since)) continue;
    if (!allowed.some((pattern) => matches(sysctlName(pattern), name))) return `forbidden sysctl: ${JSON.stringify(given)} not allowlisted`;
  }
  return undefined;
}

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}

function isAtLeast(version: string, wanted: string): boolean {
  const numbers = (text: string) => text.split(".").map((part) => Number.parseInt(part, 10) || 0);
  const [major = 0, minor = 0] = numbers(version);
  const [wantedMajor = 0, wantedMinor = 0] = numbers(wanted);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}
