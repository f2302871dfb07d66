// What containers are told right after their start and right before their end.
import type { Scope } from "#base/scope.ts";
import type { Container } from "#api/core/pod/container.ts";
import type { HTTPGetAction, LifecycleHandler } from "#api/core/pod/probe.ts";
import type { Runtime } from "#cri/runtime.ts";
import { NetworkError } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import { bracketed, headersOf, portNumber, urlOf } from "../http-get.ts";

export interface HookTarget {
  readonly containerId: string;
  readonly container: Container;
  readonly podIP: string;
  readonly tell: (type: "Normal" | "Warning", reason: string, message: string) => void;
}

const outputBytesMax = 1_024;
const userAgent = "kube-lifecycle/1.36";

/**
 * Rejects with what went wrong. It takes as long as the hook does: who waits for it sees to the time.
 * An HTTP hook is done when it is answered, whatever the answer is.
 */
export async function runHook(
  scope: Scope,
  world: World,
  runtime: Runtime,
  { exec, httpGet, sleep }: LifecycleHandler,
  target: HookTarget,
): Promise<void> {
  if (exec) await runProgram(runtime, target.containerId, exec.command ?? []);
  else if (httpGet) await request(scope, world, httpGet, target);
  else if (sleep) await world.clock.sleep(scope, Number(sleep.seconds) * 1_000);
  else throw new Error("there is nothing in the hook that can be run");
}

async function runProgram(runtime: Runtime, containerId: string, command: readonly string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await runtime.execSync(containerId, command, 0);
  if (exitCode === 0) return;
  const text = new TextDecoder().decode(new Uint8Array([...stdout.subarray(0, outputBytesMax), ...stderr.subarray(0, outputBytesMax)]));
  throw new Error(`command '${command.join(" ")}' exited with ${exitCode}: ${text}`);
}

async function request(scope: Scope, world: World, action: HTTPGetAction, target: HookTarget): Promise<void> {
  const port = portNumber(target.container, action.port);
  if (port === undefined) throw new Error(`couldn't find port: ${action.port}`);
  const host = action.host || target.podIP;
  const address = `${bracketed(host)}:${port}`;
  const isSecure = action.scheme === "HTTPS";
  const headers = headersOf(action, userAgent);
  try {
    await ask(action);
  } catch (error) {
    if (!isSecure || !isPlainAnswer(error)) throw error;
    // Older hooks say HTTPS and are answered in HTTP. What was meant to be kept secret is not sent that way.
    delete headers["authorization"];
    await ask({ ...action, scheme: "HTTP" });
    const message = `request to HTTPS lifecycle hook ${address} got HTTP response, retry with HTTP succeeded`;
    target.tell("Warning", "LifecycleHTTPFallback", message);
  }

  async function ask(asked: HTTPGetAction): Promise<void> {
    const { protocol, host: at, pathname, search } = urlOf(asked, host, port as number);
    const client = world.network.client({ url: `${protocol}//${at}`, insecure: true, http: "1.1" });
    try {
      const path = pathname + search;
      const { body } = await client.request({ method: "GET", path, headers, signal: scope.signal, timeoutMilliseconds: 0 });
      for await (const _ of body) break;
    } finally {
      client.close();
    }
  }
}

/** Whether a server that was spoken to in TLS answered in plain text. */
function isPlainAnswer(error: unknown): boolean {
  return error instanceof NetworkError && (error.code === "EPROTO" || error.code.startsWith("ERR_SSL_"));
}
