// The status of one container of a Pod: what it does, how it ended the last time, whether it is started and ready.
import type { Container } from "#api/core/pod/container.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import type { ContainerState, ContainerStatus } from "#api/core/pod/pod-status.ts";
import { isSidecar } from "#api/core/pod/resources.ts";
import { isRestarted } from "#api/core/pod/restarts.ts";
import { formatTime } from "#schema/time.ts";
import { annotations, type AnyContainer } from "../layout.ts";
import type { Waiting } from "../pod-worker/decide.ts";
import { containersNamed, type ObservedContainer } from "../pod-worker/observed.ts";
import type { ContainerStatuses, StatusFacts } from "./pod-status.ts";

type Terminated = NonNullable<ContainerState["terminated"]>;

/** Of one of the three lists; `before` is what was told last. */
export function containerStatuses(
  facts: StatusFacts,
  containers: readonly AnyContainer[],
  before: readonly ContainerStatus[] | undefined,
  list: "init" | "main" | "ephemeral",
): readonly ContainerStatus[] {
  return containers.map((container) => {
    const told = before?.find(({ name }) => name === container.name);
    return statusOf(facts, container, told, list === "init" && !isSidecar(container as Container));
  });
}

function statusOf(facts: StatusFacts, container: AnyContainer, before: ContainerStatus | undefined, isPlainInit: boolean): ContainerStatus {
  const { observed, starting, probe, runtimeName } = facts;
  const [current] = containersNamed(observed, container.name);
  const probed = current && probe(current.id);
  const isRunning = current?.state === "running" && !starting.has(current.id) && !facts.unhooked.has(current.id);
  const started = isRunning && (probed?.started ?? container.startupProbe === undefined);
  const { state, lastState } = statesOf(facts, container, before, isPlainInit, isRunning);
  const isReadOnlyBelow = current?.annotations[annotations.recursiveReadOnly] === "true";
  const ready = isPlainInit ? state.terminated?.exitCode === 0 : started && (probed?.ready ?? container.readinessProbe === undefined);
  return {
    name: container.name,
    state,
    lastState,
    ready,
    restartCount: Math.max(current?.attempt ?? 0, before?.restartCount ?? 0),
    image: current?.image && !current.image.startsWith("sha256:") ? current.image : (container.image ?? ""),
    imageID: current?.imageRef ?? before?.imageID ?? "",
    ...(current ? { containerID: `${runtimeName}://${current.id}` } : before?.containerID ? { containerID: before.containerID } : {}),
    started,
    ...(current && resourcesOf(facts, container, current)),
    ...(isRunning && current.user && { user: { linux: userOf(current.user) } }),
    ...(current &&
      container.volumeMounts && {
        volumeMounts: container.volumeMounts.map(({ name, mountPath, readOnly, recursiveReadOnly = "Disabled" }) => ({
          name,
          mountPath,
          ...(readOnly && { readOnly, recursiveReadOnly: isReadOnlyBelow && recursiveReadOnly !== "Disabled" ? "Enabled" : "Disabled" }),
        })),
      }),
  };
}

/** What it really has, and what was set aside for it. */
function resourcesOf({ resize }: StatusFacts, container: AnyContainer, { id }: ObservedContainer): Partial<ContainerStatus> {
  const resources = resize?.actual(id) ?? container.resources;
  const { requests = {} } = container.resources;
  return {
    ...(Object.keys(resources).length > 0 && { resources }),
    ...(Object.keys(requests).length > 0 && { allocatedResources: requests }),
  };
}

function userOf({ uid, gid, supplementalGroups }: NonNullable<ObservedContainer["user"]>) {
  return { uid, gid, ...(supplementalGroups.length > 0 && { supplementalGroups }) };
}

interface States {
  readonly state: ContainerState;
  readonly lastState: ContainerState;
}

function statesOf(
  facts: StatusFacts,
  container: AnyContainer,
  before: ContainerStatus | undefined,
  isPlainInit: boolean,
  isRunning: boolean,
): States {
  const { pod, observed, waiting, runtimeName } = facts;
  const [current, previous] = containersNamed(observed, container.name);
  const hold = waiting.get(container.name);
  // An end that was told once is told the same way again: its message may be gone from the node.
  const told = [before?.state.terminated, before?.lastState.terminated];
  const terminated = (ended: ObservedContainer): ContainerState => ({
    terminated: told.find((one) => one?.containerID === `${runtimeName}://${ended.id}`) ?? terminatedState(facts, ended),
  });
  const lastState = previous?.state === "exited" ? terminated(previous) : (before?.lastState ?? {});
  if (!current) return lostStates(facts, container, before, isPlainInit);
  if (isRunning) return { state: { running: { startedAt: formatTime(current.startedAt ?? current.createdAt) } }, lastState };
  if (current.state === "exited") {
    return hold ? { state: waitingState(hold), lastState: terminated(current) } : { state: terminated(current), lastState };
  }
  const failedHook = facts.unhooked.get(current.id);
  const why = failedHook === undefined ? hold : { reason: "PostStartHookError", message: failedHook };
  return { state: waitingState(why ?? notYet(pod.spec.initContainers)), lastState };
}

const unknownReason = "ContainerStatusUnknown";

/** Of a container that the runtime does not know: not made yet, or forgotten. */
function lostStates(facts: StatusFacts, container: AnyContainer, before: ContainerStatus | undefined, isPlainInit: boolean): States {
  const { pod, observed, waiting, ending } = facts;
  const hold = waiting.get(container.name);
  const lastState = before?.lastState ?? {};
  const ended = before?.state.terminated;
  if (before?.state.running) {
    if (ending) return { state: { terminated: { exitCode: 137, reason: unknownReason, message: gone("terminated") } }, lastState };
    const message = `${gone("deleted")}.  The container used to be Running`;
    const lost = { terminated: { exitCode: 137, reason: unknownReason, message } };
    return { state: waitingState(hold ?? notYet(pod.spec.initContainers)), lastState: lost };
  }
  if (ended && !hold) {
    const stays = ending || isPlainInit || !isRestarted(container, pod.spec, ended.exitCode);
    if (stays) return { state: { terminated: ended }, lastState };
  }
  if (isPlainInit && !hold && pod.spec.containers.some(({ name }) => containersNamed(observed, name).length > 0)) {
    const message = "Unable to get init container status from container runtime and pod has been initialized, treat it as exited normally";
    return { state: { terminated: { exitCode: 0, reason: "Completed", message } }, lastState };
  }
  const still = before?.state.waiting && !isPlainInit ? before.state.waiting : notYet(pod.spec.initContainers);
  return { state: waitingState(hold ?? still), lastState: ended ? { terminated: ended } : lastState };
}

/** The last statuses of a Pod that ended: of a container whose turn had come and that did not end by itself nobody knows how it fared. */
export function concluded({ spec }: Pod, { init, main, ephemeral }: ContainerStatuses): ContainerStatuses {
  const unknown = { terminated: { exitCode: 137, reason: unknownReason, message: gone("terminated") } };
  const conclude = (status: ContainerStatus): ContainerStatus =>
    status.state.terminated ? status : { ...status, state: unknown, ready: false, started: false };
  const isInitialized =
    main.some(hasBegun) || (spec.initContainers ?? []).every((container, index) => hasPassed(container, init[index] as ContainerStatus));
  const lastBegun = init.findLastIndex(hasBegun);
  return {
    init: init.map((status, index) => (index <= lastBegun ? conclude(status) : status)),
    main: isInitialized ? main.map(conclude) : main,
    ephemeral,
  };
}

/** It ran, now or before. */
export function hasBegun({ state, lastState }: ContainerStatus): boolean {
  return state.running !== undefined || state.terminated !== undefined || lastState.terminated !== undefined;
}

function hasPassed(container: Container, { state }: ContainerStatus): boolean {
  return isSidecar(container) ? state.running !== undefined || state.terminated !== undefined : state.terminated?.exitCode === 0;
}

const gone = (how: string): string => `The container could not be located when the pod was ${how}`;

function notYet(initContainers: readonly Container[] | undefined): Waiting {
  return { reason: (initContainers ?? []).length > 0 ? "PodInitializing" : "ContainerCreating" };
}

function terminatedState({ messages, runtimeName }: StatusFacts, ended: ObservedContainer): Terminated {
  const message = [ended.message, messages.get(ended.id)].filter((text) => text).join(": ");
  const reason = ended.reason || (ended.exitCode === 0 ? "Completed" : "Error");
  return {
    exitCode: ended.exitCode,
    reason,
    ...(message && { message }),
    startedAt: formatTime(ended.startedAt ?? 0),
    finishedAt: formatTime(ended.finishedAt ?? 0),
    containerID: `${runtimeName}://${ended.id}`,
  };
}

function waitingState({
  reason,
  message,
}: {
  readonly reason?: string | undefined;
  readonly message?: string | undefined;
}): ContainerState {
  return { waiting: { ...(reason && { reason }), ...(message && { message }) } };
}

/** What all containers of a Pod together may leave as last words. */
const messageBytesMax = 12 * 1024;

/** The statuses with each container's last words cut to its share. */
export function shortened({ init, main, ephemeral }: ContainerStatuses): ContainerStatuses {
  const count = init.length + main.length + ephemeral.length;
  const bytesMax = Math.floor(messageBytesMax / Math.max(1, count));
  const shorten = (statuses: readonly ContainerStatus[]) =>
    statuses.map((status) => ({ ...status, state: cut(status.state, bytesMax), lastState: cut(status.lastState, bytesMax) }));
  return { init: shorten(init), main: shorten(main), ephemeral };
}

function cut(state: ContainerState, bytesMax: number): ContainerState {
  const message = state.terminated?.message;
  // Characters take up to four bytes.
  if (!state.terminated || message === undefined || message.length * 4 <= bytesMax) return state;
  const bytes = new TextEncoder().encode(message);
  if (bytes.length <= bytesMax) return state;
  return { terminated: { ...state.terminated, message: wholeCharacters(bytes.subarray(0, bytesMax)) } };
}

/** The text without a character that was cut in two. */
function wholeCharacters(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes).replace(/\uFFFD$/, "");
}
