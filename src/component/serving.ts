// What every daemon serves about itself: health and metrics, for those who may.
import type { Scope } from "#base/scope.ts";
import type { Listener, ServerTls } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import type { HttpHandler, HttpRequest, HttpResponse } from "#wire/http/message.ts";

export interface HealthCheck {
  readonly name: string;
  /** Rejects with the reason when it does not hold. */
  check(): Promise<void> | void;
}

const encoder = new TextEncoder();

export function textResponse(status: number, text: string, headers: Readonly<Record<string, string>> = {}): HttpResponse {
  return {
    status,
    headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff", ...headers },
    body: encoder.encode(text),
  };
}

/** Answers "ok", or 500 with every check's state. `?verbose` always lists them; `?exclude=NAME` leaves some out. */
export async function healthResponse(path: string, query: URLSearchParams, checks: readonly HealthCheck[]): Promise<HttpResponse> {
  const excluded = new Set(query.getAll("exclude"));
  const lines: string[] = [];
  let failed = false;
  for (const { name, check } of checks) {
    if (excluded.has(name)) {
      lines.push(`[+]${name} excluded: ok`);
      continue;
    }
    try {
      await check();
      lines.push(`[+]${name} ok`);
    } catch {
      failed = true;
      lines.push(`[-]${name} failed: reason withheld`);
    }
  }
  const what = path.replace(/^\//, "");
  if (failed) return textResponse(500, `${lines.join("\n")}\n${what} check failed\n`);
  return textResponse(200, query.has("verbose") ? `${lines.join("\n")}\n${what} check passed\n` : "ok");
}

export interface ComponentServer {
  readonly host: string;
  readonly port: number;
  readonly tls?: ServerTls;
  readonly checks: readonly HealthCheck[];
  readonly metrics?: () => string;
  /** Whether the caller may see more than health. Default: nobody. */
  readonly mayRead?: (request: HttpRequest) => Promise<boolean>;
}

/** Serves /healthz, /livez, /readyz to everybody and /metrics to those who may. */
export function serveComponent(
  scope: Scope,
  world: World,
  { host, port, tls, checks, metrics, mayRead }: ComponentServer,
): Promise<Listener> {
  const handler: HttpHandler = async (request) => {
    const { method, path } = request;
    if (method !== "GET" && method !== "HEAD") return textResponse(405, "405 method not allowed\n");
    if (path === "/healthz" || path === "/livez" || path === "/readyz")
      return healthResponse(path, new URLSearchParams(request.query), checks);
    if (path === "/metrics" && metrics) {
      if (!(await mayRead?.(request))) return textResponse(403, "Forbidden\n");
      return textResponse(200, metrics(), { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
    }
    return textResponse(404, "404 page not found\n");
  };
  return world.network.serve(scope, { host, port, ...(tls && { tls }) }, handler);
}
