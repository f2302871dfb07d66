// Whether the server behind an APIService can be reached: its Service is there and has endpoints, and it answers for its version.
import type { APIService } from "#api/apiregistration.k8s.io/api-service/api-service.ts";
import type { ClientResponse, HttpClient } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import type { User } from "../request.ts";
import { userHeaders } from "./forward.ts";
import { type Answered, readVersion, type Told } from "./remote-discovery.ts";
import type { Servers } from "./servers.ts";

export interface Availability {
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
}

const checkMilliseconds = 5_000;
const answerBytesMax = 8 * 1024 * 1024;
const checker: User = { name: "system:kube-aggregator", groups: ["system:masters"] };

/** `tell` hears what the server says it serves. */
export async function checkAvailability(
  world: Pick<World, "clock">,
  servers: Servers,
  service: APIService,
  tell: (told: Told) => void,
): Promise<Availability> {
  if (!service.spec.service) return { status: "True", reason: "Local", message: "Local APIServices are always available" };
  const place = await servers.placeOf(service.spec.service);
  if ("reason" in place) return { status: "False", ...place };
  const asked = `https://${place.host}:${place.port}/apis/${service.spec.group}/${service.spec.version}`;
  try {
    const { client } = servers.clientTo(place, service);
    tell(await readVersion(service.spec, (path) => ask(world, client, path)));
    return { status: "True", reason: "Passed", message: "all checks passed" };
  } catch (error) {
    const message = `failing or missing response from ${asked}: ${(error as Error).message}`;
    return { status: "False", reason: "FailedDiscoveryCheck", message };
  }
}

/** The whole answer has to be there in time: a server that stops in the middle of it would be taken for well for ever. */
async function ask({ clock }: Pick<World, "clock">, client: HttpClient, path: string): Promise<Answered> {
  const controller = new AbortController();
  const timer = clock.timer(checkMilliseconds, () => controller.abort(new Error(`no answer within ${checkMilliseconds} ms`)));
  try {
    const headers = { accept: "application/json", ...userHeaders(checker) };
    const response = await client.request({ method: "GET", path, headers, signal: controller.signal });
    return { status: response.status, bytes: await wholeOf(response) };
  } finally {
    timer.cancel();
  }
}

async function wholeOf({ body }: ClientResponse): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > answerBytesMax) throw new Error(`the answer is larger than ${answerBytesMax} bytes`);
    chunks.push(chunk);
  }
  const whole = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}
