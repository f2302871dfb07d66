// What containers are told right after their start and right before their end.
import type { Scope } from "#base/scope.ts";
import type { Container } from "#api/core/pod/container.ts";
import type { LifecycleHandler } from "#api/core/pod/probe.ts";
import type { Runtime } from "#cri/runtime.ts";
import type { World } from "#platform/world.ts";

export interface HookTarget {
  readonly containerId: string;
  readonly container: Container;
  readonly podIP: string;
}

/** Rejects with what went wrong. */
export async function runHook(
  scope: Scope,
  world: World,
  runtime: Runtime,
  { exec, httpGet, sleep }: LifecycleHandler,
  { containerId, container, podIP }: HookTarget,
  timeoutSeconds: number,
): Promise<void> {
  if (exec) {
    const { exitCode, stdout, stderr } = await runtime.execSync(containerId, exec.command ?? [], timeoutSeconds);
    if (exitCode === 0) return;
    const text = new TextDecoder().decode(new Uint8Array([...stdout.subarray(0, 1024), ...stderr.subarray(0, 1024)]));
    throw new Error(`command '${(exec.command ?? []).join(" ")}' exited with ${exitCode}: ${text}`);
  }
  if (httpGet) {
    const port =
      typeof httpGet.port === "number"
        ? httpGet.port
        : (container.ports?.find(({ name }) => name === httpGet.port)?.containerPort ?? Number(httpGet.port));
    const host = httpGet.host || podIP;
    const url = `${httpGet.scheme.toLowerCase()}://${host.includes(":") ? `[${host}]` : host}:${port}`;
    const client = world.network.client({ url, insecure: true, http: "1.1" });
    try {
      const headers = Object.fromEntries((httpGet.httpHeaders ?? []).map(({ name, value }) => [name.toLowerCase(), value]));
      const { status } = await client.request({
        method: "GET",
        path: httpGet.path.startsWith("/") ? httpGet.path : `/${httpGet.path}`,
        headers,
        timeoutMilliseconds: (timeoutSeconds || 30) * 1_000,
      });
      if (status >= 400) throw new Error(`${url}${httpGet.path} answered ${status}`);
    } finally {
      client.close();
    }
    return;
  }
  if (sleep) await world.clock.sleep(scope, Math.min(Number(sleep.seconds), timeoutSeconds || Infinity) * 1_000);
}
