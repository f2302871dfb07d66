// What to do next for a Pod, from what it should be, what the runtime says it is, and what is under way. Pure.
//
// Invariants:
// - Containers that run and are meant to run are never touched, whoever started them.
// - Init containers run one after another; the others start when all have succeeded, or run as sidecars and are started.
// - A container of an older sandbox counts as gone, but for its exit where it is not restarted.
// - All that is to end is told so at once; sidecars wait for their turn, and everything shares one grace period.
import { isSidecar } from "#api/core/pod/resources.ts";
import { isRestarted, restartRule } from "#api/core/pod/restarts.ts";
import type { Container } from "#api/core/pod/container.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import { type AnyContainer, allContainers, annotations, containerHash, fullName } from "../layout.ts";
import type { ProbeState } from "../probes.ts";
import { isWaiting } from "./back-off.ts";
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
  /** How long its containers have to end then, if not as long as the Pod says. */
  readonly failGraceSeconds?: number | undefined;
  readonly volumesReady: boolean;
  /** Since when the Pod runs on this node. */
  readonly startTime: number;
  readonly probe: (containerId: string) => ProbeState | undefined;
  /** Containers being stopped. */
  readonly stopping: ReadonlySet<string>;
  /** Containers whose postStart hook runs. */
  readonly starting: ReadonlySet<string>;
  /** Containers that were stopped because their definition changed: they are replaced whatever their restart policy says. */
  readonly replaced: ReadonlySet<string>;
  /** Containers that are to be started anew with other amounts, by id. */
  readonly resized?: ReadonlySet<string> | undefined;
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
      readonly container: Pick<ObservedContainer, "id" | "name">;
      readonly why: string;
      readonly graceSeconds: number;
      readonly hook: boolean;
      /** Containers by name that end before this one is told to, as long as there is time. */
      readonly after?: readonly string[];
      /** The definition changed: what is stopped is started again in any case. */
      readonly replace?: true;
    }
  | { readonly do: "remove"; readonly containerId: string }
  | { readonly do: "stopSandbox"; readonly sandboxId: string }
  | { readonly do: "removeSandbox"; readonly sandboxId: string }
  | { readonly do: "fail"; readonly reason: string; readonly message: string }
  | { readonly do: "backOff"; readonly container: Container }
  | { readonly do: "noteRestart"; readonly key: string; readonly since: number }
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
  const { pod, observed, ending, now } = situation;
  if (ending || situation.hasFailed || pod.status.phase === "Succeeded" || pod.status.phase === "Failed") return decideEnd(situation);
  const deadline = pod.spec.activeDeadlineSeconds;
  const failAt = deadline === undefined ? undefined : situation.startTime + Number(deadline) * 1000;
  if (failAt !== undefined && failAt <= now) {
    const message = "Pod was active on the node longer than the specified deadline";
    return { steps: [{ do: "fail", reason: "DeadlineExceeded", message }], waiting: new Map(), wakeAt: undefined };
  }
  const trigger = restartsAll(pod, observed);
  if (trigger) return decideRestartAll(situation, trigger, failAt);
  if (hasEnded(situation)) return decideEnd(situation);
  return decideRun(situation, failAt);
}

/** Stops containers, sidecars last and in reverse, then the sandbox. */
function decideEnd({ pod, observed, ending, stopping, failGraceSeconds }: Situation): Decision {
  const graceSeconds = ending?.graceSeconds ?? failGraceSeconds ?? Number(pod.spec.terminationGracePeriodSeconds ?? 30);
  const alive = observed.containers.filter(isAlive);
  // Who waits for others comes after them, so that they are being stopped when it looks.
  const due = alive
    .filter(({ id }) => !stopping.has(id))
    .map((container) => ({ container, after: namesBefore(pod, container.name) }))
    .sort((a, b) => a.after.length - b.after.length);
  const steps: Step[] = due.map(({ container, after }) => {
    const why = `Stopping container ${container.name}`;
    return { do: "stop", container, why, graceSeconds, hook: true, ...(after.length > 0 && { after }) };
  });
  if (alive.length === 0 && stopping.size === 0) {
    for (const { id, ready } of observed.sandboxes) if (ready) steps.push({ do: "stopSandbox", sandboxId: id });
    if (steps.length === 0 && ending) steps.push({ do: "finish" });
  }
  return { steps, waiting: new Map(), wakeAt: undefined };
}

/** What ends before the container of this name: for a sidecar, the containers and the sidecars that were started after it. */
function namesBefore({ spec }: Pod, name: string): readonly string[] {
  const sidecars = (spec.initContainers ?? []).filter(isSidecar).map((container) => container.name);
  const index = sidecars.indexOf(name);
  return index < 0 ? [] : [...spec.containers.map((container) => container.name), ...sidecars.slice(index + 1)];
}

interface Trigger {
  readonly container: Container;
  readonly ended: ObservedContainer;
}

/** The container whose end starts all containers anew. */
export function restartsAll(pod: Pod, observed: ObservedPod): Trigger | undefined {
  for (const container of restartable(pod)) {
    const [ended] = containersNamed(observed, container.name);
    if (ended?.state === "exited" && restartRule(container, ended.exitCode)?.action === "RestartAllContainers") return { container, ended };
  }
  return undefined;
}

/** Everything is ended at once, without hooks, and taken away; then the Pod begins from its init containers, in the same sandbox. */
function decideRestartAll(situation: Situation, { container, ended }: Trigger, failAt: number | undefined): Decision {
  const { pod, observed, stopping, now } = situation;
  const names = new Set(restartable(pod).map(({ name }) => name));
  const concerned = observed.containers.filter(({ name }) => names.has(name));
  const waiting = new Map<string, Waiting>([...names].map((name) => [name, { reason: "RestartingAllContainers" }]));
  const alive = concerned.filter(isAlive);
  if (alive.length > 0 || stopping.size > 0) {
    const steps: Step[] = alive
      .filter(({ id }) => !stopping.has(id))
      .map((one) => ({ do: "stop", container: one, why: `Stopping container ${one.name}`, graceSeconds: 0, hook: false }));
    return { steps, waiting, wakeAt: failAt };
  }
  const key = restartKey(pod, container);
  const since = ended.finishedAt ?? ended.createdAt;
  const until = situation.restartBlockedUntil(key, since);
  if (until !== undefined && until > now) {
    waiting.set(container.name, crashLoop(situation, container, until));
    return { steps: [{ do: "backOff", container }], waiting, wakeAt: Math.min(until, failAt ?? until) };
  }
  const removals: Step[] = concerned.filter(({ id }) => id !== ended.id).map(({ id }) => ({ do: "remove", containerId: id }));
  // What sets all this off goes last: a kubelet that ends in between goes on with it.
  return { steps: [{ do: "noteRestart", key, since }, ...removals, { do: "remove", containerId: ended.id }], waiting, wakeAt: failAt };
}

function restartable({ spec }: Pod): readonly Container[] {
  return [...(spec.initContainers ?? []), ...spec.containers];
}

function decideRun(situation: Situation, failAt: number | undefined): Decision {
  const { pod, observed, now, starting, stopping, held } = situation;
  const steps: Step[] = [];
  const waiting = new Map<string, Waiting>();
  const wakes: number[] = failAt === undefined ? [] : [failAt];
  const result = (): Decision => ({ steps, waiting, wakeAt: wakes.length === 0 ? undefined : Math.min(...wakes) });

  const [newest] = observed.sandboxes;
  const sandbox = newest?.ready ? newest : undefined;
  steps.push(...cleaning(situation));

  if (!sandbox || !situation.volumesReady) {
    if (situation.blockedUntil !== undefined && isWaiting(situation.blockedUntil, now)) {
      wakes.push(situation.blockedUntil);
      return result();
    }
    const attempt = newest === undefined ? 0 : newest.metadata.attempt + 1;
    return { ...result(), steps: [...steps, { do: "prepare", attempt, sandbox: !sandbox, volumes: !situation.volumesReady }] };
  }

  const present = (name: string) => containersNamed(observed, name).find(({ sandboxId }) => sandboxId === sandbox.id);
  // Who debugs does not wait for the Pod to be initialised. Such a container runs once.
  for (const container of (pod.spec.ephemeralContainers ?? []) as readonly AnyContainer[]) {
    if (containersNamed(observed, container.name).every(({ state }) => state === "created"))
      keep(container, present(container.name), false);
  }
  const mainStarted = pod.spec.containers.some(({ name }) => present(name) !== undefined);
  for (const container of pod.spec.initContainers ?? []) {
    const current = present(container.name);
    if (isSidecar(container)) {
      keep(container, current, true);
      if (!mainStarted && (current === undefined || !situation.probe(current.id)?.started || starting.has(current.id))) return result();
      continue;
    }
    if (mainStarted || (current?.state === "exited" && current.exitCode === 0)) continue;
    keep(container, current, true);
    return result();
  }
  for (const container of pod.spec.containers) {
    const current = present(container.name);
    // It did its work in a sandbox that is gone.
    const earlier = current === undefined ? containersNamed(observed, container.name)[0] : undefined;
    if (earlier?.state === "exited" && !isRestarted(container, pod.spec, earlier.exitCode)) continue;
    keep(container, current, current !== undefined && mayRunAgain(container, current));
    // The next one waits until this one's postStart hook is done.
    const isStarting = (current && starting.has(current.id)) || steps.some((step) => step.do === "start" && step.container === container);
    if (isStarting && container.lifecycle?.postStart) return result();
  }
  return result();

  function mayRunAgain(container: Container, { id, exitCode }: ObservedContainer): boolean {
    return isRestarted(container, pod.spec, exitCode) || situation.replaced.has(id);
  }

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
        why: `${isInit(pod, container) ? "Init container" : "Container"} is in "unknown" state, try killing it before restart`,
        graceSeconds: 2,
      });
      return;
    }
    if (current?.state === "exited" && !again) return;
    const hold = held.get(container.name);
    if (hold && (hold.until === undefined || isWaiting(hold.until, now))) {
      waiting.set(container.name, hold);
      if (hold.until !== undefined) wakes.push(hold.until);
      return;
    }
    const attempt = nextAttempt(pod, observed, container.name);
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
    waiting.set(container.name, crashLoop(situation, container, until));
    wakes.push(until);
    steps.push({ do: "backOff", container });
  }

  function whyStop(container: AnyContainer, current: ObservedContainer): { why: string; graceSeconds: number; replace?: true } | undefined {
    const graceSeconds = Number(pod.spec.terminationGracePeriodSeconds ?? 30);
    const hash = current.annotations[annotations.hash];
    if (hash !== undefined && hash !== containerHash(container)) {
      return { why: `Container ${container.name} definition changed, will be restarted`, graceSeconds, replace: true };
    }
    if (situation.resized?.has(current.id))
      return { why: `Container ${container.name} resize requires restart`, graceSeconds, replace: true };
    const failed = situation.probe(current.id)?.failed;
    if (!failed) return undefined;
    const again = isRestarted(container, pod.spec, killedExitCode) ? ", will be restarted" : "";
    return { why: `Container ${container.name} failed ${failed.probe} probe${again}`, graceSeconds: failed.graceSeconds ?? graceSeconds };
  }
}

function isInit({ spec }: Pod, { name }: Container): boolean {
  return (spec.initContainers ?? []).some((container) => container.name === name);
}

/** How a container ends that was told to. */
const killedExitCode = 137;

function crashLoop({ pod, restartDelay }: Situation, container: Container, until: number): Waiting {
  const seconds = Math.round(restartDelay(restartKey(pod, container)) / 1000);
  const delay = seconds >= 60 ? `${Math.floor(seconds / 60)}m${seconds % 60}s` : `${seconds}s`;
  const message = `back-off ${delay} restarting failed container=${container.name} pod=${fullName(pod)}`;
  return { reason: "CrashLoopBackOff", message, until };
}

/** Whether nothing of the Pod is started again: an init container failed for good, or all containers ended and stay so. */
function hasEnded({ pod, observed, replaced }: Situation): boolean {
  const last = (name: string) => containersNamed(observed, name)[0];
  const isDone = (container: Container) => {
    const ended = last(container.name);
    return ended?.state === "exited" && !replaced.has(ended.id) && !isRestarted(container, pod.spec, ended.exitCode);
  };
  if (pod.spec.containers.every(isDone)) return true;
  const [newest] = observed.sandboxes;
  if (pod.spec.containers.some(({ name }) => last(name)?.sandboxId === newest?.id)) return false;
  return (pod.spec.initContainers ?? []).some(
    (container) => !isSidecar(container) && isDone(container) && last(container.name)?.exitCode !== 0,
  );
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

/** One more than the last, also where the runtime has forgotten the last: how often a container was restarted never falls. */
function nextAttempt({ status }: Pod, observed: ObservedPod, name: string): number {
  const [last] = containersNamed(observed, name);
  const told = [status.initContainerStatuses, status.containerStatuses, status.ephemeralContainerStatuses]
    .flatMap((list) => list ?? [])
    .find((one) => one.name === name && one.containerID);
  return Math.max(last === undefined ? 0 : last.attempt + 1, told === undefined ? 0 : told.restartCount + 1);
}
