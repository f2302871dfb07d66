// What to do next for a Pod, from what it should be, what the runtime says it is, and what is under way. Pure.
//
// Invariants:
// - Containers that run and are meant to run are never touched, whoever started them.
// - Init containers run one after another; the others start when all have succeeded, or run as sidecars and are started.
// - A container of an older sandbox counts as gone, but for its exit where the Pod is not restarted.
import { isSidecar } from "#api/core/pod/resources.ts";
import type { Container } from "#api/core/pod/container.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import { type AnyContainer, allContainers, annotations, containerHash, fullName } from "../layout.ts";
import type { ProbeState } from "../probes.ts";
import { containersNamed, isAlive, type ObservedContainer, type ObservedPod } from "./observed.ts";

export interface Waiting {
  readonly reason: string;
  readonly message?: string | undefined;
  /** When it is tried again; absent: when something else happens. */
  readonly until?: number | undefined;
}

export interface Situation {
  readonly pod: Pod;
  readonly now: number;
  readonly observed: ObservedPod;
  /** The Pod is to go: deleted, or no longer meant for this node. */
  readonly ending: { readonly graceSeconds: number } | undefined;
  /** The Pod as a whole has failed: it is to end and stay. */
  readonly hasFailed: boolean;
  readonly volumesReady: boolean;
  /** Since when the Pod runs on this node. */
  readonly startTime: number;
  readonly probe: (containerId: string) => ProbeState | undefined;
  /** Containers being stopped. */
  readonly stopping: ReadonlySet<string>;
  /** Containers whose postStart hook runs. */
  readonly starting: ReadonlySet<string>;
  /** Containers that could not be made or started, by name. */
  readonly held: ReadonlyMap<string, Waiting>;
  /** The sandbox or the volumes could not be made. */
  readonly blockedUntil: number | undefined;
  /** Until when a container that ended at `since` has to wait. */
  readonly restartBlockedUntil: (key: string, since: number) => number | undefined;
  readonly restartDelay: (key: string) => number;
}

export type Step =
  | { readonly do: "prepare"; readonly attempt: number; readonly sandbox: boolean; readonly volumes: boolean }
  | { readonly do: "start"; readonly container: AnyContainer; readonly attempt: number; readonly restart?: { key: string; since: number } }
  | {
      readonly do: "stop";
      readonly container: ObservedContainer;
      readonly why: string;
      readonly graceSeconds: number;
      readonly hook: boolean;
    }
  | { readonly do: "remove"; readonly containerId: string }
  | { readonly do: "stopSandbox"; readonly sandboxId: string }
  | { readonly do: "removeSandbox"; readonly sandboxId: string }
  | { readonly do: "fail"; readonly reason: string; readonly message: string }
  | { readonly do: "backOff"; readonly container: Container }
  | { readonly do: "finish" };

export interface Decision {
  readonly steps: readonly Step[];
  /** Why containers that do not run do not, by name. */
  readonly waiting: ReadonlyMap<string, Waiting>;
  /** When to look again though nothing was heard. */
  readonly wakeAt: number | undefined;
}

/** The last exit, and the one before it where the newest container is itself an exit: status and `logs --previous` need no more. */
const deadKept = 2;

/** Names a container's restarts: another image starts afresh. */
export function restartKey(pod: Pod, container: Container): string {
  return `${pod.metadata.uid}_${container.name}_${containerHash(container)}`;
}

export function decide(situation: Situation): Decision {
  const { pod, ending, now } = situation;
  if (ending || situation.hasFailed || pod.status.phase === "Succeeded" || pod.status.phase === "Failed") return decideEnd(situation);
  const deadline = pod.spec.activeDeadlineSeconds;
  const failAt = deadline === undefined ? undefined : situation.startTime + Number(deadline) * 1000;
  if (failAt !== undefined && failAt <= now) {
    const message = "Pod was active on the node longer than the specified deadline";
    return { steps: [{ do: "fail", reason: "DeadlineExceeded", message }], waiting: new Map(), wakeAt: undefined };
  }
  return decideRun(situation, failAt);
}

/** Stops containers, sidecars last and in reverse, then the sandbox. */
function decideEnd({ pod, observed, ending, stopping }: Situation): Decision {
  const graceSeconds = ending?.graceSeconds ?? Number(pod.spec.terminationGracePeriodSeconds ?? 30);
  const sidecars = (pod.spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name);
  const alive = observed.containers.filter(isAlive);
  const mains = alive.filter(({ name }) => !sidecars.includes(name));
  const lastSidecar = sidecars.findLast((name) => alive.some((container) => container.name === name));
  const due = mains.length > 0 ? mains : alive.filter(({ name }) => name === lastSidecar);
  const steps: Step[] = due
    .filter(({ id }) => !stopping.has(id))
    .map((container) => ({ do: "stop", container, why: `Stopping container ${container.name}`, graceSeconds, hook: true }));
  if (alive.length === 0 && stopping.size === 0) {
    for (const { id, ready } of observed.sandboxes) if (ready) steps.push({ do: "stopSandbox", sandboxId: id });
    if (steps.length === 0 && ending) steps.push({ do: "finish" });
  }
  return { steps, waiting: new Map(), wakeAt: undefined };
}

function decideRun(situation: Situation, failAt: number | undefined): Decision {
  const { pod, observed, now, starting, stopping, held } = situation;
  const steps: Step[] = [];
  const waiting = new Map<string, Waiting>();
  const wakes: number[] = failAt === undefined ? [] : [failAt];
  const result = (): Decision => ({ steps, waiting, wakeAt: wakes.length === 0 ? undefined : Math.min(...wakes) });

  const [newest] = observed.sandboxes;
  const sandbox = newest?.ready ? newest : undefined;
  if (!sandbox && isOver(pod, observed)) return result();
  steps.push(...cleaning(situation));

  if (!sandbox || !situation.volumesReady) {
    if (situation.blockedUntil !== undefined && situation.blockedUntil > now) {
      wakes.push(situation.blockedUntil);
      return result();
    }
    const attempt = newest === undefined ? 0 : newest.metadata.attempt + 1;
    return { ...result(), steps: [...steps, { do: "prepare", attempt, sandbox: !sandbox, volumes: !situation.volumesReady }] };
  }

  const present = (name: string) => containersNamed(observed, name).find(({ sandboxId }) => sandboxId === sandbox.id);
  const mainStarted = pod.spec.containers.some(({ name }) => present(name) !== undefined);
  for (const container of pod.spec.initContainers ?? []) {
    const current = present(container.name);
    if (isSidecar(container)) {
      keep(container, current, true);
      if (!mainStarted && (current === undefined || !situation.probe(current.id)?.started || starting.has(current.id))) return result();
      continue;
    }
    if (mainStarted) continue;
    if (current?.state === "exited" && current.exitCode === 0) continue;
    if (current?.state === "exited" && pod.spec.restartPolicy === "Never") return result();
    keep(container, current, true);
    return result();
  }
  for (const container of pod.spec.containers) {
    const current = present(container.name);
    const again =
      pod.spec.restartPolicy === "Always" ||
      (pod.spec.restartPolicy === "OnFailure" && !(current?.state === "exited" && current.exitCode === 0));
    // It did its work in a sandbox that is gone.
    const earlier = current === undefined ? containersNamed(observed, container.name)[0] : undefined;
    if (
      earlier?.state === "exited" &&
      pod.spec.restartPolicy !== "Always" &&
      (pod.spec.restartPolicy === "Never" || earlier.exitCode === 0)
    ) {
      continue;
    }
    keep(container, current, again);
    // The next one waits until this one's postStart hook is done.
    const isStarting = (current && starting.has(current.id)) || steps.some((step) => step.do === "start" && step.container === container);
    if (isStarting && container.lifecycle?.postStart) return result();
  }
  for (const container of (pod.spec.ephemeralContainers ?? []) as readonly AnyContainer[]) {
    if (present(container.name) === undefined) keep(container, undefined, false);
  }
  return result();

  /** Starts what is not there, restarts what ended if `again`, and stops what must not go on. */
  function keep(container: AnyContainer, current: ObservedContainer | undefined, again: boolean): void {
    if (current && stopping.has(current.id)) return;
    if (current?.state === "running") {
      const reason = whyStop(container, current);
      if (reason) steps.push({ do: "stop", container: current, hook: true, ...reason });
      return;
    }
    if (current?.state === "unknown") {
      steps.push({
        do: "stop",
        container: current,
        hook: false,
        why: `Container ${container.name} is in an unknown state`,
        graceSeconds: 2,
      });
      return;
    }
    if (current?.state === "exited" && !again) return;
    const hold = held.get(container.name);
    if (hold && (hold.until === undefined || hold.until > now)) {
      waiting.set(container.name, hold);
      if (hold.until !== undefined) wakes.push(hold.until);
      return;
    }
    const attempt = nextAttempt(observed, container.name);
    if (current?.state !== "exited") {
      if (current) steps.push({ do: "remove", containerId: current.id });
      steps.push({ do: "start", container, attempt });
      return;
    }
    const key = restartKey(pod, container);
    const since = current.finishedAt ?? current.createdAt;
    const until = situation.restartBlockedUntil(key, since);
    if (until === undefined) {
      steps.push({ do: "start", container, attempt, restart: { key, since } });
      return;
    }
    const seconds = Math.round(situation.restartDelay(key) / 1000);
    const delay = seconds >= 60 ? `${Math.floor(seconds / 60)}m${seconds % 60}s` : `${seconds}s`;
    const message = `back-off ${delay} restarting failed container=${container.name} pod=${fullName(pod)}`;
    waiting.set(container.name, { reason: "CrashLoopBackOff", message, until });
    wakes.push(until);
    steps.push({ do: "backOff", container });
  }

  function whyStop(container: AnyContainer, current: ObservedContainer): { why: string; graceSeconds: number } | undefined {
    const graceSeconds = Number(pod.spec.terminationGracePeriodSeconds ?? 30);
    const hash = current.annotations[annotations.hash];
    if (hash !== undefined && hash !== containerHash(container)) {
      return { why: `Container ${container.name} definition changed, will be restarted`, graceSeconds };
    }
    const failed = situation.probe(current.id)?.failed;
    if (!failed) return undefined;
    return {
      why: `Container ${container.name} failed ${failed.probe} probe, will be restarted`,
      graceSeconds: failed.graceSeconds ?? graceSeconds,
    };
  }
}

/** Whether everything ended that is not run again: no sandbox is made for it. */
function isOver(pod: Pod, observed: ObservedPod): boolean {
  if (pod.spec.restartPolicy === "Always" || observed.containers.length === 0) return false;
  const last = (name: string) => containersNamed(observed, name)[0];
  const ended = pod.spec.containers.map(({ name }) => last(name));
  if (pod.spec.restartPolicy === "Never") {
    const failedInit = (pod.spec.initContainers ?? []).some(({ name }) => {
      const container = last(name);
      return container !== undefined && container.state === "exited" && container.exitCode !== 0;
    });
    return failedInit || ended.every((container) => container !== undefined);
  }
  return ended.every((container) => container?.state === "exited" && container.exitCode === 0);
}

/** What is left from before: containers that still run in older sandboxes, ended ones that nobody asks about, empty sandboxes. */
function cleaning({ pod, observed, stopping }: Situation): readonly Step[] {
  const steps: Step[] = [];
  const [newest, ...older] = observed.sandboxes;
  for (const sandbox of older) {
    if (sandbox.ready) steps.push({ do: "stopSandbox", sandboxId: sandbox.id });
    else if (!observed.containers.some(({ sandboxId }) => sandboxId === sandbox.id))
      steps.push({ do: "removeSandbox", sandboxId: sandbox.id });
  }
  for (const { name } of allContainers(pod)) {
    const dead = containersNamed(observed, name).filter(({ state, id }) => state === "exited" && !stopping.has(id));
    for (const { id } of dead.slice(deadKept)) steps.push({ do: "remove", containerId: id });
  }
  for (const container of observed.containers) {
    if (newest?.ready === false && isAlive(container) && !stopping.has(container.id)) {
      steps.push({ do: "stop", container, hook: false, why: `Stopping container ${container.name}`, graceSeconds: 2 });
    }
  }
  return steps;
}

function nextAttempt(observed: ObservedPod, name: string): number {
  const [last] = containersNamed(observed, name);
  return last === undefined ? 0 : last.attempt + 1;
}
