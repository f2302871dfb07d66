// GET /containerLogs/{namespace}/{pod}/{container}.
import { textResponse } from "#component/serving.ts";
import type { Runtime } from "#cri/runtime.ts";
import type { World } from "#platform/world.ts";
import { parseTime } from "#schema/time.ts";
import type { HttpRequest, HttpResponse, Sink } from "#wire/http/message.ts";
import type { Kubelet } from "../kubelet.ts";
import { allContainers } from "../layout.ts";
import { logContainer } from "./log-container.ts";
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
  if ("problem" in options) return textResponse(options.status, `{"message": ${JSON.stringify(options.problem)}}`);
  const pod = kubelet.pod(namespace, name);
  if (!pod) return textResponse(404, `pod ${JSON.stringify(name)} does not exist`);
  if (!allContainers(pod).some((one) => one.name === container))
    return textResponse(404, `container ${JSON.stringify(container)} not found in pod ${JSON.stringify(name)}`);
  const previous = isTrue(query.get("previous"));
  const newest = kubelet.container(namespace, name, container);
  // The status may be a moment behind: what runs already has a log.
  const meant = newest?.running && !previous ? newest : logContainer(pod, container, previous);
  if ("refusal" in meant) return textResponse(400, meant.refusal);
  const found = kubelet.container(namespace, name, container, { id: meant.id });
  if (!found) return textResponse(400, `unable to retrieve container logs for ${meant.id}`);
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

interface Problem {
  readonly status: number;
  readonly problem: string;
}

const undecodable: Problem = { status: 400, problem: "Unable to decode query." };
const invalid: Problem = { status: 422, problem: "Invalid request." };

/** The options, or what is wrong with them. */
function readOptions(query: URLSearchParams, now: number): LogOptions | Problem {
  const whole = (name: string): number | undefined => {
    const text = query.get(name);
    return text === null || text === "" ? undefined : /^-?\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
  };
  const tail = query.get("tailLines") === "all" ? undefined : whole("tailLines");
  const [limitBytes, sinceSeconds] = [whole("limitBytes"), whole("sinceSeconds")];
  const sinceTime = query.get("sinceTime") ?? "";
  const stream = query.get("stream") ?? "All";
  if ([tail, limitBytes, sinceSeconds].some((number) => Number.isNaN(number))) return undecodable;
  let since = sinceSeconds === undefined ? undefined : now - sinceSeconds * 1_000;
  if (sinceTime !== "") {
    if (since !== undefined) return invalid;
    try {
      since = parseTime(sinceTime);
    } catch {
      return undecodable;
    }
  }
  if ((tail ?? 0) < 0 || (limitBytes ?? 1) < 1 || (sinceSeconds ?? 1) < 1) return invalid;
  if (stream !== "All" && (tail !== undefined || (stream !== "Stdout" && stream !== "Stderr"))) return invalid;
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
