// What probes and hooks that ask by HTTP have in common: whom they ask, and with which headers.
import type { Container } from "#api/core/pod/container.ts";
import type { HTTPGetAction } from "#api/core/pod/probe.ts";

/** The declared headers, those of one name joined, over the ones that are always sent. An empty Accept is left out. */
export function headersOf({ httpHeaders = [] }: HTTPGetAction, userAgent: string): Record<string, string> {
  const declared = new Map<string, string>();
  for (const { name, value } of httpHeaders) {
    const key = name.toLowerCase();
    const before = declared.get(key);
    declared.set(key, before === undefined ? value : `${before}, ${value}`);
  }
  const headers = new Map([["user-agent", userAgent], ["accept", "*/*"], ["connection", "close"], ...declared]);
  if (headers.get("accept") === "") headers.delete("accept");
  return Object.fromEntries(headers);
}

/** The port's number, for names as the container declares them; undefined for a name that it does not. */
export function portNumber({ ports = [] }: Container, port: number | string): number | undefined {
  if (typeof port === "number") return port;
  const named = ports.find(({ name }) => name === port)?.containerPort;
  if (named !== undefined) return named;
  return /^\d{1,5}$/.test(port) ? Number(port) : undefined;
}

/**
 * Where it asks. The path is not taken as relative to the host: "//other/path" would name another one. Throws a TypeError where it is no URL.
 */
export function urlOf({ scheme = "HTTP", path = "/" }: Partial<HTTPGetAction>, host: string, port: number): URL {
  return new URL(`${scheme.toLowerCase()}://${bracketed(host)}:${port}${path.startsWith("/") ? "" : "/"}${path}`);
}

/** The host as it stands in URLs and before ports. */
export function bracketed(host: string): string {
  return host.includes(":") && !host.startsWith("[") ? `[${host}]` : host;
}
