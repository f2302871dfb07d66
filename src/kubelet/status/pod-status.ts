// The status of a Pod, from what the runtime says. Pure.
//
// Invariants:
// - A terminal phase is never left.
// - Conditions others own (readiness gates, disruption) are kept; a transition time moves with the status only.
import { isTrue, withCondition } from "#api/meta/conditions.ts";
import type { Container } from "#api/core/pod/container.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import type { ContainerState, ContainerStatus, PodCondition, PodStatus } from "#api/core/pod/pod-status.ts";
import { qualityOfService } from "#api/core/pod/quality-of-service.ts";
import { isSidecar } from "#api/core/pod/resources.ts";
import { formatTime } from "#schema/time.ts";
import type { AnyContainer } from "../layout.ts";
import type { Waiting } from "../pod-worker/decide.ts";
import { containersNamed, isAlive, type ObservedContainer, type ObservedPod } from "../pod-worker/observed.ts";
import type { ProbeState } from "../probes.ts";

export interface StatusFacts {
  readonly pod: Pod;
  readonly now: number;
  readonly observed: ObservedPod;
  readonly startTime: number;
  readonly waiting: ReadonlyMap<string, Waiting>;
  readonly starting: ReadonlySet<string>;
  readonly probe: (containerId: string) => ProbeState | undefined;
  readonly hostIPs: readonly string[];
  readonly runtimeName: string;
  /** Last words of ended containers, by id. */
  readonly messages: ReadonlyMap<string, string>;
  /** Everything is to end, or has. */
  readonly ending: boolean;
  /** Set when the Pod as a whole was found to have failed. */
  readonly failure?: { readonly reason: string; readonly message: string } | undefined;
}

type Phase = NonNullable<PodStatus["phase"]>;

/** The status that should be in the API; fields this node does not own are as they were. */
export function podStatus(facts: StatusFacts): PodStatus {
  const { pod, now, observed, failure, hostIPs } = facts;
  const before = pod.status;
  const init = statusesOf(facts, pod.spec.initContainers ?? [], before.initContainerStatuses, true);
  const main = statusesOf(facts, pod.spec.containers, before.containerStatuses, false);
  const ephemeral = statusesOf(
    facts,
    (pod.spec.ephemeralContainers ?? []) as readonly AnyContainer[],
    before.ephemeralContainerStatuses,
    false,
  );
  const phase = phaseOf(facts, init, main);
  const ips = pod.spec.hostNetwork ? hostIPs : (observed.sandbox?.ips ?? []);
  const podIPs = ips.length > 0 && (observed.sandbox || phase !== "Pending") ? ips : (before.podIPs ?? []).map(({ ip }) => ip);
  const { reason: _reason, message: _message, ...rest } = before;
  const note = failure ?? (before.phase === "Failed" ? { reason: before.reason, message: before.message } : {});
  const status: PodStatus = {
    ...rest,
    phase,
    ...(note.reason && { reason: note.reason }),
    ...(note.message && { message: note.message }),
    ...(hostIPs[0] && { hostIP: hostIPs[0], hostIPs: hostIPs.map((ip) => ({ ip })) }),
    ...(podIPs[0] && { podIP: podIPs[0], podIPs: podIPs.map((ip) => ({ ip })) }),
    startTime: before.startTime ?? formatTime(facts.startTime),
    qosClass: before.qosClass ?? qualityOfService(pod),
    ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
    ...(init.length > 0 && { initContainerStatuses: init }),
    containerStatuses: main,
    ...(ephemeral.length > 0 && { ephemeralContainerStatuses: ephemeral }),
  };
  return { ...status, conditions: conditionsOf(facts, phase, init, main, now) };
}

function phaseOf(
  { pod, failure, observed, ending }: StatusFacts,
  init: readonly ContainerStatus[],
  main: readonly ContainerStatus[],
): Phase {
  const before = pod.status.phase;
  if (before === "Succeeded" || before === "Failed") return before;
  if (failure) return observed.containers.some(isAlive) ? (before ?? "Pending") : "Failed";
  const policy = pod.spec.restartPolicy;
  let initPending = false;
  for (const [index, container] of (pod.spec.initContainers ?? []).entries()) {
    const status = init[index] as ContainerStatus;
    const ended = status.state.terminated ?? (status.state.waiting ? status.lastState.terminated : undefined);
    if (isSidecar(container)) {
      if (!status.started && !ended && !ending) initPending = true;
    } else if (ended && ended.exitCode !== 0 && policy === "Never") return "Failed";
    else if (!ended || ended.exitCode !== 0) initPending = true;
  }
  const mainBegan = main.some(({ state, lastState }) => state.running || state.terminated || lastState.terminated);
  if (initPending && !mainBegan) return ending && observed.containers.length > 0 ? (before ?? "Pending") : "Pending";
  const running = main.filter(({ state }) => state.running).length;
  const ended = main.filter(({ state, lastState }) => state.terminated || (state.waiting && lastState.terminated));
  if (running + ended.length < main.length) return "Pending";
  if (running > 0) return "Running";
  const sidecarsRun = (pod.spec.initContainers ?? []).some((container, index) => isSidecar(container) && init[index]?.state.running);
  const succeeded = ended.every(({ state, lastState }) => (state.terminated ?? lastState.terminated)?.exitCode === 0);
  const final = ended.every(({ state }) => state.terminated);
  if (ending && final) return sidecarsRun ? "Running" : succeeded ? "Succeeded" : "Failed";
  if (policy === "Always") return "Running";
  if (succeeded && final) return "Succeeded";
  return policy === "Never" ? "Failed" : "Running";
}

function statusesOf(
  facts: StatusFacts,
  containers: readonly AnyContainer[],
  before: readonly ContainerStatus[] | undefined,
  isInit: boolean,
): readonly ContainerStatus[] {
  return containers.map((container) =>
    statusOf(
      facts,
      container,
      before?.find(({ name }) => name === container.name),
      isInit,
    ),
  );
}

function statusOf(facts: StatusFacts, container: AnyContainer, before: ContainerStatus | undefined, isInit: boolean): ContainerStatus {
  const { pod, observed, waiting, starting, probe, runtimeName } = facts;
  const [current, previous] = containersNamed(observed, container.name);
  const hold = waiting.get(container.name);
  const hasInit = (pod.spec.initContainers ?? []).length > 0;
  const fallback: Waiting = { reason: hasInit ? "PodInitializing" : "ContainerCreating" };
  const probed = current && probe(current.id);
  const isRunning = current?.state === "running" && !starting.has(current.id);
  const started = isRunning && (probed?.started ?? container.startupProbe === undefined);
  const isPlainInit = isInit && !isSidecar(container as Container);
  const exitedWell = current?.state === "exited" && current.exitCode === 0;
  const ready = isPlainInit ? exitedWell : started && (probed?.ready ?? container.readinessProbe === undefined);

  // An end that was told once is told the same way again: its message may be gone from the node.
  const told = [before?.state.terminated, before?.lastState.terminated];
  const terminated = (ended: ObservedContainer): ContainerState => ({
    terminated: told.find((one) => one?.containerID === `${runtimeName}://${ended.id}`) ?? terminatedState(facts, ended),
  });
  let state: ContainerState;
  let lastState: ContainerState = previous?.state === "exited" ? terminated(previous) : (before?.lastState ?? {});
  if (!current) {
    const lost = before?.state.running && { exitCode: 137, reason: "ContainerStatusUnknown", message: lostMessage };
    if (lost && facts.ending) state = { terminated: lost };
    else if (before?.state.terminated && !hold && (facts.ending || pod.spec.restartPolicy === "Never")) state = before.state;
    else state = { waiting: waitingState(hold ?? (before?.state.waiting && !isInit ? before.state.waiting : fallback)) };
    if (lost && !facts.ending) lastState = { terminated: lost };
  } else if (isRunning) state = { running: { startedAt: formatTime(current.startedAt ?? current.createdAt) } };
  else if (current.state === "exited") {
    if (hold) {
      state = { waiting: waitingState(hold) };
      lastState = terminated(current);
    } else state = terminated(current);
  } else state = { waiting: waitingState(hold ?? fallback) };

  return {
    name: container.name,
    state,
    lastState,
    ready,
    restartCount: current?.attempt ?? before?.restartCount ?? 0,
    image: current?.image && !current.image.startsWith("sha256:") ? current.image : (container.image ?? ""),
    imageID: current?.imageRef ?? before?.imageID ?? "",
    ...(current ? { containerID: `${runtimeName}://${current.id}` } : before?.containerID ? { containerID: before.containerID } : {}),
    started,
    ...(current && Object.keys(container.resources).length > 0 && { resources: container.resources }),
    ...(current &&
      container.volumeMounts && {
        volumeMounts: container.volumeMounts.map(({ name, mountPath, readOnly }) => ({
          name,
          mountPath,
          ...(readOnly && { readOnly, recursiveReadOnly: "Disabled" }),
        })),
      }),
  };
}

const lostMessage = "The container could not be located when the pod was terminated";

function terminatedState({ messages, runtimeName }: StatusFacts, ended: ObservedContainer): NonNullable<ContainerState["terminated"]> {
  const message = messages.get(ended.id) || ended.message;
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

function waitingState({ reason, message }: { readonly reason?: string | undefined; readonly message?: string | undefined }) {
  return { ...(reason && { reason }), ...(message && { message }) };
}

function conditionsOf(
  { pod, observed }: StatusFacts,
  phase: Phase,
  init: readonly ContainerStatus[],
  main: readonly ContainerStatus[],
  now: number,
): readonly PodCondition[] {
  const time = formatTime(now);
  const generation = pod.metadata.generation;
  let conditions = pod.status.conditions ?? [];
  const set = (type: string, status: boolean, reason?: string, message?: string): void => {
    const condition = {
      type,
      status: status ? "True" : "False",
      ...(reason && { reason }),
      ...(message && { message }),
      ...(generation !== undefined && { observedGeneration: generation }),
    };
    conditions = withCondition<PodCondition>(conditions, condition, time);
  };

  const sandboxReady = observed.sandbox?.ready === true && (pod.spec.hostNetwork === true || observed.sandbox.ips.length > 0);
  set("PodReadyToStartContainers", sandboxReady);

  const ended = phase === "Succeeded";
  const incomplete = init.filter(({ ready, started }, index) => {
    const container = pod.spec.initContainers?.[index];
    return container && isSidecar(container) ? !started && phase !== "Running" : !ready;
  });
  const mainBegan = main.some(({ state }) => state.running || state.terminated);
  if (ended) set("Initialized", true, "PodCompleted");
  else if (incomplete.length > 0 && !mainBegan)
    set("Initialized", false, "ContainersNotInitialized", `containers with incomplete status: ${namesOf(incomplete)}`);
  else set("Initialized", true);

  const sidecars = init.filter((_, index) => {
    const container = pod.spec.initContainers?.[index];
    return container !== undefined && isSidecar(container);
  });
  const unready = [...sidecars, ...main].filter(({ ready }) => !ready);
  const gates = (pod.spec.readinessGates ?? []).filter(({ conditionType }) => !isTrue(conditions, conditionType));
  const tell = (type: string, alsoGates: boolean): void => {
    if (ended) set(type, false, "PodCompleted");
    else if (phase === "Failed") set(type, false, "PodFailed");
    else if (unready.length > 0) set(type, false, "ContainersNotReady", `containers with unready status: ${namesOf(unready)}`);
    else if (alsoGates && gates.length > 0) {
      const messages = gates.map(({ conditionType }) =>
        conditions.some(({ type: other }) => other === conditionType)
          ? `the status of pod readiness gate "${conditionType}" is not "True", but False`
          : `corresponding condition of pod readiness gate "${conditionType}" does not exist.`,
      );
      set(type, false, "ReadinessGatesNotReady", messages.join(", "));
    } else set(type, true);
  };
  tell("Ready", true);
  tell("ContainersReady", false);
  set("PodScheduled", true);
  return conditions;
}

function namesOf(statuses: readonly ContainerStatus[]): string {
  return `[${statuses.map(({ name }) => name).join(" ")}]`;
}
