// Which container's log is meant: a name has had many containers, and the Pod's status says which of them is now, and which was before.
import type { Pod } from "#api/core/pod/pod.ts";

export type LogContainer = { readonly id: string } | { readonly refusal: string };

/** The runtime's id of the container whose log is to be read, or why there is none. */
export function logContainer({ metadata, status }: Pod, name: string, previous: boolean): LogContainer {
  const of = `container ${JSON.stringify(name)} in pod ${JSON.stringify(metadata.name)}`;
  const found = [status.containerStatuses, status.initContainerStatuses, status.ephemeralContainerStatuses]
    .flatMap((statuses) => statuses ?? [])
    .find((one) => one.name === name);
  if (!found) return { refusal: `${of} is not available` };
  const { running, terminated, waiting } = found.state;
  const last = bare(found.lastState.terminated?.containerID);
  if (previous) return last === undefined ? { refusal: `previous terminated ${of} not found` } : { id: last };
  const now = running ? bare(found.containerID) : terminated ? (bare(terminated.containerID) ?? last) : last;
  if (now !== undefined) return { id: now };
  if (terminated || found.lastState.terminated) return { refusal: `${of} is terminated` };
  if (!waiting) return { refusal: `${of} is waiting to start - no logs yet` };
  return { refusal: `${of} is waiting to start: ${whatIsAwaited(waiting.reason)}` };
}

function whatIsAwaited(reason: string | undefined): string {
  if (reason === "ErrImagePull") return "image can't be pulled";
  if (reason === "ImagePullBackOff") return "trying and failing to pull image";
  return reason ?? "";
}

/** Without the runtime's name in front: "containerd://abc" is abc. */
function bare(id: string | undefined): string | undefined {
  return id?.replace(/^[a-z0-9.-]*:\/\//, "") || undefined;
}
