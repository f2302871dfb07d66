// Which container of a Pod a request means.
import type { Pod } from "#api/core/pod/pod.ts";
import { badRequest } from "../errors.ts";

/** The one that is named, or the only one. Throws BadRequest. */
export function containerOf(pod: Pod, name: string): string {
  const { containers, initContainers = [], ephemeralContainers = [] } = pod.spec;
  const podName = pod.metadata.name;
  if (name !== "") {
    if ([...containers, ...initContainers, ...ephemeralContainers].some((container) => container.name === name)) return name;
    throw badRequest(`container ${name} is not valid for pod ${podName}`);
  }
  const [only] = containers;
  if (only && containers.length === 1) return only.name;
  const names = (list: readonly { readonly name: string }[]) => `[${list.map((container) => container.name).join(" ")}]`;
  const init = initContainers.length > 0 ? ` or one of the init containers: ${names(initContainers)}` : "";
  throw badRequest(`a container name must be specified for pod ${podName}, choose one of: ${names(containers)}${init}`);
}
