// The conditions of a Pod that its node sets.
import { conditionOf, isTrue, withCondition } from "#api/meta/conditions.ts";
import type { ContainerStatus, PodCondition } from "#api/core/pod/pod-status.ts";
import { isSidecar } from "#api/core/pod/resources.ts";
import { mayRestartAll } from "#api/core/pod/restarts.ts";
import { formatTime } from "#schema/time.ts";
import { restartsAll } from "../pod-worker/decide.ts";
import type { ContainerStatuses, Phase, StatusFacts } from "./pod-status.ts";

/** Those that go when there is nothing to tell. */
export const resizeConditionTypes: readonly string[] = ["PodResizePending", "PodResizeInProgress"];

export function conditionsOf(facts: StatusFacts, phase: Phase, { init, main }: ContainerStatuses): readonly PodCondition[] {
  const { pod, observed, now } = facts;
  const { spec } = pod;
  const time = formatTime(now);
  const generation = pod.metadata.generation;
  const { pending, progress } = facts.resize ?? {};
  const isTold = (type: string) => (type === "PodResizePending" ? pending : progress) !== undefined;
  let conditions: readonly PodCondition[] = (pod.status.conditions ?? []).filter(
    ({ type }) => !resizeConditionTypes.includes(type) || isTold(type),
  );
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

  if (pending) set("PodResizePending", true, pending.reason, pending.message);
  if (progress) set("PodResizeInProgress", true, progress.failure === undefined ? undefined : "Error", progress.failure);
  const disruption = facts.failure?.disruption;
  if (disruption !== undefined) set("DisruptionTarget", true, "TerminationByKubelet", disruption);
  const hasNetwork = observed.sandbox?.ready === true && (spec.hostNetwork === true || observed.sandbox.ips.length > 0);
  // A kubelet that starts anew finds the volumes of running containers only after it has looked.
  set("PodReadyToStartContainers", hasNetwork && (facts.volumesReady || observed.containers.length > 0));

  if (phase === "Succeeded") set("Initialized", true, "PodCompleted");
  else {
    const mainBegan = main.some(({ state }) => state.running || state.terminated);
    const incomplete = mainBegan ? [] : init.filter((_, index) => !isComplete(facts, init, index));
    if (incomplete.length === 0) set("Initialized", true);
    else set("Initialized", false, "ContainersNotInitialized", `containers with incomplete status: ${namesOf(incomplete)}`);
  }

  const sidecars = init.filter((_, index) => isSidecarAt(facts, index));
  const unready = [...sidecars, ...main].filter(({ ready }) => !ready);
  const whyNot = (): readonly [reason: string, message?: string] | undefined => {
    if (phase === "Succeeded") return ["PodCompleted"];
    if (phase === "Failed") return ["PodFailed"];
    return unready.length > 0 ? ["ContainersNotReady", `containers with unready status: ${namesOf(unready)}`] : undefined;
  };
  const shut = whyShut(facts, conditions);
  const gates = shut.length > 0 ? (["ReadinessGatesNotReady", shut.join(", ")] as const) : undefined;
  const notReady = whyNot() ?? gates;
  set("Ready", notReady === undefined, ...(notReady ?? []));
  const notAllReady = whyNot();
  set("ContainersReady", notAllReady === undefined, ...(notAllReady ?? []));
  set("PodScheduled", true);

  if ([...(spec.initContainers ?? []), ...spec.containers].some(mayRestartAll)) {
    const isOver = phase === "Succeeded" || phase === "Failed";
    const trigger = isOver ? undefined : restartsAll(pod, observed);
    if (isOver) set("AllContainersRestarting", false, phase === "Succeeded" ? "PodCompleted" : "PodFailed");
    else set("AllContainersRestarting", trigger !== undefined);
  }
  return conditions;
}

function isSidecarAt({ pod }: StatusFacts, index: number): boolean {
  const container = pod.spec.initContainers?.[index];
  return container !== undefined && isSidecar(container);
}

function isComplete(facts: StatusFacts, init: readonly ContainerStatus[], index: number): boolean {
  return (isSidecarAt(facts, index) ? init[index]?.started : init[index]?.ready) === true;
}

/** What the readiness gates that are not open say. */
function whyShut({ pod }: StatusFacts, conditions: readonly PodCondition[]): readonly string[] {
  return (pod.spec.readinessGates ?? [])
    .filter(({ conditionType }) => !isTrue(conditions, conditionType))
    .map(({ conditionType }) => {
      const gate = conditionOf(conditions, conditionType);
      return gate === undefined
        ? `corresponding condition of pod readiness gate "${conditionType}" does not exist.`
        : `the status of pod readiness gate "${conditionType}" is not "True", but ${gate.status}`;
    });
}

function namesOf(statuses: readonly ContainerStatus[]): string {
  return `[${statuses.map(({ name }) => name).join(" ")}]`;
}
