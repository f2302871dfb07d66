// GET /containerLogs/{namespace}/{pod}/{container}.
import type { Pod } from "#api/core/pod/pod.ts";
import { textResponse } from "#component/serving.ts";
import type { Runtime } from "#cri/runtime.ts";
import type { World } from "#platform/world.ts";
import { parseTime } from "#schema/time.ts";
import type { HttpRequest, HttpResponse, Sink } from "#wire/http/message.ts";
import type { Kubelet } from "../kubelet.ts";
import { allContainers } from "../layout.ts";
import { type LogOptions, readLog } from "./log-reader.ts";

export interface LogsNeeds {
  readonly kubelet: Kubelet;
  readonly runtime: Runtime;
}

const bufferedBytesMax = 1024 * 1024;
const drainMilliseconds = 5;

export async function serveLogs(
  world: World,
  { kubelet, runtime }: LogsNeeds,
  request: HttpRequest,
  [namespace, name, container]: readonly [string, string, string],
): Promise<HttpResponse> {
  const query = new URLSearchParams(request.query);
  const options = readOptions(query, world.clock.now());
  if (typeof options === "string") return textResponse(422, `{"message": ${JSON.stringify(options)}}`);
  const pod = kubelet.pod(namespace, name);
  if (!pod) return textResponse(404, `pod ${JSON.stringify(name)} does not exist\n`);
  if (!allContainers(pod).some((one) => one.name === container))
    return textResponse(404, `container ${JSON.stringify(container)} not found in pod ${JSON.stringify(name)}\n`);
  const previous = isTrue(query.get("previous"));
  const found = kubelet.container(namespace, name, container, { previous });
  if (!found) {
    if (previous)
      return textResponse(400, `previous terminated container ${JSON.stringify(container)} in pod ${JSON.stringify(name)} not found`);
    return textResponse(
      400,
      `container ${JSON.stringify(container)} in pod ${JSON.stringify(name)} is waiting to start: ${waitingFor(pod, container)}`,
    );
  }
  const isRunning = async () => (await runtime.containerStatus(found.id).catch(() => undefined))?.state === "running";
  return {
    status: 200,
    headers: { "content-type": "text/plain; charset=utf-8", "x-content-type-options": "nosniff" },
    body: {
      stream(sink) {
        readLog(world, options, { path: found.logPath, write: (bytes) => writeTo(world, sink, bytes), signal: sink.signal, isRunning })
          .catch((error: unknown) => world.log.warn("a log cannot be read", { path: found.logPath, error: (error as Error).message }))
          .finally(() => sink.end());
      },
    },
  };
}

/** Waits while the peer has not taken what it was sent. */
async function writeTo(world: World, sink: Sink, bytes: Uint8Array): Promise<void> {
  sink.write(bytes);
  while (sink.bufferedBytes > bufferedBytesMax && !sink.signal.aborted)
    await new Promise<void>((resolve) => void world.clock.timer(drainMilliseconds, resolve));
}

/** The options, or what is wrong with them. */
function readOptions(query: URLSearchParams, now: number): LogOptions | string {
  const whole = (name: string, least: number): number | undefined => {
    const text = query.get(name);
    if (text === null || text === "") return undefined;
    return /^\d{1,15}$/.test(text) && Number(text) >= least ? Number(text) : Number.NaN;
  };
  const tail = query.get("tailLines") === "all" ? undefined : whole("tailLines", 0);
  const limitBytes = whole("limitBytes", 1);
  const sinceSeconds = whole("sinceSeconds", 0);
  const sinceTime = query.get("sinceTime");
  const stream = query.get("stream") ?? "All";
  if ([tail, limitBytes, sinceSeconds].some((number) => Number.isNaN(number))) return "Invalid request.";
  let since = sinceSeconds === undefined ? undefined : now - sinceSeconds * 1_000;
  if (sinceTime) {
    try {
      since = parseTime(sinceTime);
    } catch {
      return "Unable to decode query.";
    }
  }
  if (stream !== "All" && stream !== "Stdout" && stream !== "Stderr") return "Invalid request.";
  return {
    follow: isTrue(query.get("follow")),
    timestamps: isTrue(query.get("timestamps")),
    tailLines: tail,
    limitBytes,
    since,
    stream: stream.toLowerCase() as "all" | "stdout" | "stderr",
  };
}

export function isTrue(text: string | null): boolean {
  return text === "1" || text === "true" || text === "True" || text === "t" || text === "T" || text === "TRUE";
}

function waitingFor({ status }: Pod, container: string): string {
  const statuses = [
    ...(status.initContainerStatuses ?? []),
    ...(status.containerStatuses ?? []),
    ...(status.ephemeralContainerStatuses ?? []),
  ];
  const reason = statuses.find(({ name }) => name === container)?.state?.waiting?.reason;
  if (reason === "ErrImagePull" || reason === "ImagePullBackOff") return "trying and failing to pull image";
  if (reason === "InvalidImageName") return "image can't be pulled";
  return reason ?? "ContainerCreating";
}
