// One attempt of a probe, by whichever of the four ways it declares.
import type { Container } from "#api/core/pod/container.ts";
import type { HTTPGetAction, Probe } from "#api/core/pod/probe.ts";
import type { Runtime } from "#cri/runtime.ts";
import { GrpcError, type HttpClient, NetworkError } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import { int32, string } from "#schema/field.ts";
import { protocol } from "#schema/message.ts";
import { readProtobuf, writeProtobuf } from "#schema/derive/protobuf.ts";
import { errorText } from "../images/image-puller.ts";
import { bracketed, headersOf, portNumber, urlOf } from "../http-get.ts";
import type { ProbeTarget } from "../probes.ts";

export interface Outcome {
  /** "warning" counts as success; "unknown" counts as nothing: the probe itself could not be made. */
  readonly result: "success" | "warning" | "failure" | "unknown";
  readonly message: string;
}

const outputBytesMax = 10 * 1024;
const redirectsMax = 10;
const userAgent = "kube-probe/1.36";
const success: Outcome = { result: "success", message: "" };
const failure = (message: string): Outcome => ({ result: "failure", message });
const unknown = (message: string): Outcome => ({ result: "unknown", message });

/** Never rejects. */
export async function attemptProbe(world: World, runtime: Runtime, probe: Probe, target: ProbeTarget): Promise<Outcome> {
  const timeoutSeconds = Math.max(1, probe.timeoutSeconds ?? 1);
  const { container, podIP } = target;
  try {
    if (probe.exec) return await attemptExec(runtime, target.containerId, probe.exec.command ?? [], timeoutSeconds);
    if (probe.httpGet) return await attemptHttp(world, probe.httpGet, container, podIP, timeoutSeconds);
    if (probe.tcpSocket) {
      const port = portNumber(container, probe.tcpSocket.port);
      if (port === undefined) return unknown(noPort(probe.tcpSocket.port));
      return await attemptTcp(world, probe.tcpSocket.host || podIP, port, timeoutSeconds);
    }
    if (probe.grpc) return await attemptGrpc(world, podIP, probe.grpc.port, probe.grpc.service ?? "", timeoutSeconds);
    return unknown(`missing probe handler for ${target.pod.metadata.name}`);
  } catch (error) {
    return unknown(errorText(error));
  }
}

/** As people know it: a name that no port of the container has is taken for a number. */
function noPort(name: number | string): string {
  return `strconv.Atoi: parsing ${JSON.stringify(name)}: invalid syntax`;
}

async function attemptExec(runtime: Runtime, containerId: string, command: readonly string[], timeoutSeconds: number): Promise<Outcome> {
  try {
    const { exitCode, stdout, stderr } = await runtime.execSync(containerId, command, timeoutSeconds);
    if (exitCode === 0) return success;
    return failure(textOf(stdout, stderr));
  } catch (error) {
    if (error instanceof GrpcError && error.code === 4) return failure(`command ${JSON.stringify(command.join(" "))} timed out`);
    throw error;
  }
}

function textOf(...outputs: readonly Uint8Array[]): string {
  const decoder = new TextDecoder();
  return outputs
    .map((output) => decoder.decode(output.subarray(0, outputBytesMax)))
    .join("")
    .slice(0, outputBytesMax);
}

async function attemptHttp(
  world: World,
  action: HTTPGetAction,
  container: Container,
  podIP: string,
  timeoutSeconds: number,
): Promise<Outcome> {
  const port = portNumber(container, action.port);
  if (port === undefined) return unknown(noPort(action.port));
  let url: URL;
  try {
    url = urlOf(action, action.host || podIP, port);
  } catch {
    return unknown(`parse ${JSON.stringify(action.path)}: invalid URL`);
  }
  const headers = headersOf(action, userAgent);

  const deadline = new AbortController();
  const timer = world.clock.timer(timeoutSeconds * 1_000, () => deadline.abort());
  let client: HttpClient | undefined;
  try {
    for (let redirects = 0; ; redirects += 1) {
      client?.close();
      client = world.network.client({ url: `${url.protocol}//${url.host}`, insecure: true, http: "1.1" });
      const target = `${url.pathname}${url.search}`;
      const response = await client.request({ method: "GET", path: target, headers, signal: deadline.signal, timeoutMilliseconds: 0 });
      const { status } = response;
      const location = status >= 301 && status <= 308 && status !== 304 && status !== 306 ? response.headers["location"] : undefined;
      if (location !== undefined) {
        const next = new URL(location, url.href);
        if (next.hostname !== url.hostname)
          return { result: "warning", message: `Probe terminated redirects, Response body: ${await head(response.body)}` };
        if (redirects >= redirectsMax) return failure(`Get ${JSON.stringify(next.href)}: stopped after 10 redirects`);
        for await (const _ of response.body) break;
        url = next;
        continue;
      }
      for await (const _ of response.body) break;
      if (status >= 200 && status < 400) return success;
      return failure(`HTTP probe failed with statuscode: ${status}`);
    }
  } catch (error) {
    const why = deadline.signal.aborted
      ? "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
      : dialError(error, `${bracketed(url.hostname.replace(/^\[|\]$/g, ""))}:${url.port || (url.protocol === "https:" ? 443 : 80)}`);
    return failure(`Get ${JSON.stringify(url.href)}: ${why}`);
  } finally {
    timer.cancel();
    client?.close();
  }
}

async function head(body: AsyncIterable<Uint8Array>): Promise<string> {
  for await (const chunk of body) return textOf(chunk);
  return "";
}

async function attemptTcp(world: World, host: string, port: number, timeoutSeconds: number): Promise<Outcome> {
  try {
    const stream = await world.network.connect({ host, port }, { timeoutMilliseconds: timeoutSeconds * 1_000 });
    stream.destroy();
    return success;
  } catch (error) {
    return failure(dialError(error, `${bracketed(host)}:${port}`));
  }
}

const HealthCheckRequest = protocol("HealthCheckRequest", { service: string(1) });
const HealthCheckResponse = protocol("HealthCheckResponse", { status: int32(1) });
const servingStates = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

async function attemptGrpc(world: World, host: string, port: number, service: string, timeoutSeconds: number): Promise<Outcome> {
  const address = `${bracketed(host)}:${port}`;
  const channel = world.network.grpc(address);
  try {
    const answer = await channel.call("/grpc.health.v1.Health/Check", writeProtobuf(HealthCheckRequest, { service }), {
      timeoutMilliseconds: timeoutSeconds * 1_000,
    });
    const { status } = readProtobuf(HealthCheckResponse, answer);
    if (status === 1) return success;
    return failure(`service unhealthy (responded with ${JSON.stringify(servingStates[status] ?? String(status))})`);
  } catch (error) {
    if (!(error instanceof GrpcError)) throw error;
    switch (error.code) {
      case 4:
        return failure(`timeout: health rpc did not complete within ${timeoutSeconds}s`);
      case 12:
        return failure(`error: this server does not implement the grpc health protocol (grpc.health.v1.Health): ${error.message}`);
      case 14:
        return failure(`timeout: failed to connect service ${JSON.stringify(address)} within ${timeoutSeconds}s: ${error.message}`);
      default:
        return failure(`error: health rpc probe failed: ${error.message}`);
    }
  } finally {
    channel.close();
  }
}

/** A failed connection in the words people know. */
function dialError(error: unknown, address: string): string {
  if (!(error instanceof NetworkError)) return (error as Error).message;
  switch (error.code) {
    case "ECONNREFUSED":
      return `dial tcp ${address}: connect: connection refused`;
    case "EHOSTUNREACH":
      return `dial tcp ${address}: connect: no route to host`;
    case "ENETUNREACH":
      return `dial tcp ${address}: connect: network is unreachable`;
    case "ETIMEDOUT":
      return `dial tcp ${address}: i/o timeout`;
    case "ENOTFOUND":
      return `dial tcp: lookup ${address.replace(/:\d+$/, "")}: no such host`;
    case "ECONNRESET":
      return "EOF";
    default:
      return error.message;
  }
}
