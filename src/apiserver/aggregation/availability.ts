// Whether the server behind an APIService can be reached: its Service is there and has endpoints, and it answers for its version.
import type { APIService } from "#api/apiregistration.k8s.io/api-service/api-service.ts";
import type { User } from "../request.ts";
import { userHeaders } from "./forward.ts";
import { readVersion, type Told } from "./remote-discovery.ts";
import type { Servers } from "./servers.ts";

export interface Availability {
  readonly status: "True" | "False";
  readonly reason: string;
  readonly message: string;
}

const checkMilliseconds = 5_000;
const checker: User = { name: "system:kube-aggregator", groups: ["system:masters"] };

/** `tell` hears what the server says it serves. */
export async function checkAvailability(servers: Servers, service: APIService, tell: (told: Told) => void): Promise<Availability> {
  if (!service.spec.service) return { status: "True", reason: "Local", message: "Local APIServices are always available" };
  const place = await servers.placeOf(service.spec.service);
  if ("reason" in place) return { status: "False", ...place };
  const { client, url } = servers.clientTo(place, service);
  const asked = `${url}/apis/${service.spec.group}/${service.spec.version}`;
  try {
    const told = await readVersion(service.spec, async (path) => {
      const headers = { accept: "application/json", ...userHeaders(checker) };
      const response = await client.request({ method: "GET", path, headers, timeoutMilliseconds: checkMilliseconds });
      return { status: response.status, bytes: await response.bytes() };
    });
    tell(told);
    return { status: "True", reason: "Passed", message: "all checks passed" };
  } catch (error) {
    const message = `failing or missing response from ${asked}: ${(error as Error).message}`;
    return { status: "False", reason: "FailedDiscoveryCheck", message };
  }
}
