// The status of a Pod, from what the runtime says. Pure.
//
// Invariants:
// - A terminal phase is never left, and never told while a container of the Pod runs.
// - Conditions others own (readiness gates, disruption) are kept; a transition time moves with the status only.
import type { Container } from "#api/core/pod/container.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import type { ContainerStatus, PodStatus } from "#api/core/pod/pod-status.ts";
import { qualityOfService } from "#api/core/pod/quality-of-service.ts";
import { isSidecar } from "#api/core/pod/resources.ts";
import { isRestarted } from "#api/core/pod/restarts.ts";
import { formatTime } from "#schema/time.ts";
import { type AnyContainer, isStatic } from "../layout.ts";
import type { Waiting } from "../pod-worker/decide.ts";
import { isAlive, type ObservedPod } from "../pod-worker/observed.ts";
import type { ProbeState } from "../probes.ts";
import { conditionsOf } from "./conditions.ts";
import { concluded, containerStatuses, hasBegun, shortened } from "./container-status.ts";

export interface StatusFacts {
  readonly pod: Pod;
  readonly now: number;
  readonly observed: ObservedPod;
  readonly startTime: number;
  readonly waiting: ReadonlyMap<string, Waiting>;
  readonly starting: ReadonlySet<string>;
  readonly volumesReady: boolean;
  /** Why the postStart hooks of containers failed, by id. */
  readonly unhooked: ReadonlyMap<string, string>;
  readonly probe: (containerId: string) => ProbeState | undefined;
  readonly hostIPs: readonly string[];
  readonly runtimeName: string;
  /** Last words of ended containers, by id. */
  readonly messages: ReadonlyMap<string, string>;
  /** Everything is to end, or has. */
  readonly ending: boolean;
  /** Set when the Pod as a whole was found to have failed. */
  /** What containers really have, by id, and how far a change of that has got. */
  readonly resize?:
    | {
        readonly actual: (id: string) => ContainerStatus["resources"];
        readonly pending: { readonly reason: string; readonly message: string } | undefined;
        readonly progress: { readonly failure: string | undefined } | undefined;
      }
    | undefined;
  readonly failure?: { readonly reason: string; readonly message: string; readonly disruption?: string | undefined } | undefined;
}

export type Phase = NonNullable<PodStatus["phase"]>;

/** The statuses of a Pod's containers, in the order of its spec. */
export interface ContainerStatuses {
  readonly init: readonly ContainerStatus[];
  readonly main: readonly ContainerStatus[];
  readonly ephemeral: readonly ContainerStatus[];
}

/** The status that should be in the API; fields this node does not own are as they were. */
export function podStatus(facts: StatusFacts): PodStatus {
  const { pod, observed, failure, hostIPs } = facts;
  const before = pod.status;
  const ephemeralContainers = (pod.spec.ephemeralContainers ?? []) as readonly AnyContainer[];
  const found = shortened({
    init: containerStatuses(facts, pod.spec.initContainers ?? [], before.initContainerStatuses, "init"),
    main: containerStatuses(facts, pod.spec.containers, before.containerStatuses, "main"),
    ephemeral: containerStatuses(facts, ephemeralContainers, before.ephemeralContainerStatuses, "ephemeral"),
  });
  const statuses = hasGone(facts) ? concluded(pod, found) : found;
  const { init, main, ephemeral } = statuses;
  const phase = phaseOf(facts, statuses);
  const ips = pod.spec.hostNetwork ? hostIPs : (observed.sandbox?.ips ?? []);
  const podIPs = ips.length > 0 && (observed.sandbox || phase !== "Pending") ? ips : (before.podIPs ?? []).map(({ ip }) => ip);
  const { reason: _reason, message: _message, ...rest } = before;
  const failed = phase === "Failed" ? failure : undefined;
  const note = failed ?? (before.phase === "Failed" ? { reason: before.reason, message: before.message } : {});
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
  return { ...status, conditions: conditionsOf(facts, phase, statuses) };
}

/** Nothing of the Pod runs, and nothing of it will. */
function hasGone({ ending, observed }: StatusFacts): boolean {
  return ending && !observed.containers.some(isAlive) && !observed.sandboxes.some(({ ready }) => ready);
}

/** What became of the Pod; while something of it still runs, what it was before. */
function phaseOf(facts: StatusFacts, statuses: ContainerStatuses): Phase {
  const before = facts.pod.status.phase;
  if (before === "Succeeded" || before === "Failed") return before;
  const phase = facts.failure ? "Failed" : phaseByContainers(facts, statuses);
  const isOver = phase === "Succeeded" || phase === "Failed";
  if (!isOver && hasGone(facts) && !isStatic(facts.pod)) return "Failed";
  return isOver && facts.observed.containers.some(isAlive) ? (before ?? "Pending") : phase;
}

function phaseByContainers({ pod, observed, ending }: StatusFacts, { init, main }: ContainerStatuses): Phase {
  const { spec, status } = pod;
  const mainBegan = main.some(hasBegun);
  let initPending = false;
  let sidecarsRun = false;
  for (const [index, container] of (spec.initContainers ?? []).entries()) {
    const own = init[index] as ContainerStatus;
    const exit = exitOf(own);
    if (isSidecar(container)) {
      if (own.state.running) sidecarsRun = true;
      if (!own.started && exit === undefined && !ending) initPending = true;
    } else if (exit === undefined) initPending = true;
    else if (exit !== 0) {
      if (!mainBegan && !own.state.waiting && !isRestarted(container, spec, exit)) return "Failed";
      initPending = true;
    }
  }
  if (initPending && !mainBegan) return ending && observed.containers.length > 0 ? (status.phase ?? "Pending") : "Pending";
  const running = main.filter(({ state }) => state.running).length;
  const exits = main.filter(({ state }) => !state.running).map(exitOf);
  if (exits.includes(undefined)) return "Pending";
  if (running > 0 || sidecarsRun) return "Running";
  if (!ending && main.some((own, index) => isAgain(spec.containers[index] as Container, own, spec))) return "Running";
  return exits.every((exit) => exit === 0) ? "Succeeded" : "Failed";
}

/** The code a container that does not run last ended with. */
function exitOf({ state, lastState }: ContainerStatus): number | undefined {
  if (state.running) return undefined;
  return (state.terminated ?? lastState.terminated)?.exitCode;
}

function isAgain(container: Container, { state }: ContainerStatus, spec: Pod["spec"]): boolean {
  return state.waiting !== undefined || isRestarted(container, spec, state.terminated?.exitCode ?? 0);
}
