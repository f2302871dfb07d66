// One Pod made real, by one worker: looks, decides, does, looks again; then says what it saw.
//
// Invariants:
// - Steps of a Pod run one at a time; only stopping containers, pulling images and hooks go on beside, and wake the worker when done.
// - A worker that was told to end never starts anything again.
import { type Scope, ScopeStopped } from "#base/scope.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import type { PodStatus } from "#api/core/pod/pod-status.ts";
import type { Timer } from "#platform/clock.ts";
import type { World } from "#platform/world.ts";
import { parseTime } from "#schema/time.ts";
import { errorText } from "../images/image-puller.ts";
import { allContainers, fullName } from "../layout.ts";
import { withForeign } from "../status/ownership.ts";
import { podStatus, type StatusFacts } from "../status/pod-status.ts";
import { Announcements } from "./announcements.ts";
import { ContainerStart } from "./container-start.ts";
import { ContainerStop } from "./container-stop.ts";
import { type Decision, decide, type Situation, type Step } from "./decide.ts";
import { Exits } from "./exits.ts";
import { familyOf } from "#base/ip.ts";
import { isAlive, observe, type ObservedPod } from "./observed.ts";
import { PodWork, type PodWorkerNeeds } from "./pod-work.ts";
import { Preparation } from "./preparation.ts";
import { Resizing, resizeText } from "./resizing.ts";
import { linuxResources } from "./resources.ts";

/** After the runtime could not be asked. */
const failureMilliseconds = 2_000;
const stepsMax = 200;
/** After containers could not be given other amounts. */
const resizeRetryMilliseconds = 10_000;

/** Why a Pod as a whole has failed. */
export interface Failure {
  readonly reason: string;
  readonly message: string;
  /** How long its containers have to end; absent: as long as the Pod says. */
  readonly graceSeconds?: number | undefined;
  /** What its condition DisruptionTarget says, where it was ended for the node's sake. */
  readonly disruption?: string | undefined;
}

export class PodWorker {
  readonly uid: string;
  readonly #work: PodWork;
  readonly #preparation: Preparation;
  readonly #starts: ContainerStart;
  readonly #stops: ContainerStop;
  #own: PodStatus | undefined;
  #failure: Failure | undefined;
  #startTime: number | undefined;
  #isReleased = false;
  #woken = true;
  #busy = false;
  #wake: (() => void) | undefined;
  #timer: Timer | undefined;
  /** The last words of containers that ended, by id. */
  readonly #messages = new Map<string, string>();
  readonly #exits = new Exits();
  readonly #announcements: Announcements;
  readonly #resizing: Resizing;
  /** The Pod with the amounts it wants; the work goes by those it was given. */
  #wanted: Pod;
  #resizeAt = 0;
  #wasResizing = false;

  constructor(scope: Scope, world: World, needs: PodWorkerNeeds, pod: Pod) {
    this.uid = pod.metadata.uid;
    this.#wanted = pod;
    this.#resizing = new Resizing(pod);
    this.#work = new PodWork(scope, world, needs, this.#resizing.allocated(pod), () => this.wake());
    this.#preparation = new Preparation(this.#work);
    this.#stops = new ContainerStop(this.#work);
    this.#announcements = new Announcements(this.#work);
    this.#starts = new ContainerStart(this.#work, this.#preparation, this.#stops);
    this.reconsider();
    scope.start("work", (task) => this.#run(task));
  }

  /** The Pod with the status last computed here. */
  get pod(): Pod {
    const { pod } = this.#work;
    return this.#own ? { ...pod, status: withForeign(this.#own, pod.status) } : pod;
  }

  /** Looking or doing: containers may exist that were not seen yet. */
  get isBusy(): boolean {
    return this.#busy;
  }

  get observed(): ObservedPod {
    return this.#work.observed;
  }

  /** True when nothing of the Pod will be started again. */
  get isOver(): boolean {
    const { phase } = this.pod.status;
    return this.#work.ending !== undefined || phase === "Succeeded" || phase === "Failed";
  }

  update(pod: Pod, { wake = true } = {}): void {
    this.#wanted = pod;
    this.reconsider();
    if (wake) this.wake();
  }

  /** Room may have come for amounts that the Pod waits for, or it may want others. */
  reconsider(): void {
    if (this.isOver) return this.#take();
    const before = this.#resizing.pending;
    const isGiven = this.#resizing.consider(this.#wanted, this.#work.needs.judgeResize);
    this.#take();
    const { pending } = this.#resizing;
    if (isGiven) {
      this.#resizing.failure = undefined;
      this.#resizeAt = 0;
      this.#wasResizing = true;
      this.#work.event("Normal", "ResizeStarted", `Pod resize started: ${resizeText(this.#work.pod)}`);
      this.wake();
    } else if (pending?.message !== before?.message) {
      if (pending) {
        const text = resizeText(this.#wanted, pending.message);
        this.#work.event("Warning", `Resize${pending.reason}`, `Pod resize ${pending.reason}: ${text}`);
      }
      this.wake();
    }
  }

  /** Room for other amounts is waited for. */
  get isResizePending(): boolean {
    return this.#resizing.pending !== undefined;
  }

  #take(): void {
    this.#work.pod = this.#resizing.allocated(this.#wanted);
  }

  /** Stops the Pod; called again with less grace, it hurries. */
  end(graceSeconds: number): void {
    const before = this.#work.ending;
    if (before && before.graceSeconds <= graceSeconds) return;
    this.#work.ending = { graceSeconds };
    this.#work.needs.images.forget(this.uid);
    this.#stops.hurry(graceSeconds);
    this.wake();
  }

  /** Ends the Pod, which has failed, whatever its restartPolicy; the first failure holds. */
  fail(failure: Failure): void {
    if (this.#failure || this.isOver) return;
    this.#failure = failure;
    this.#work.needs.images.forget(this.uid);
    this.wake();
  }

  /** It failed as a whole, and may be ending still. */
  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  wake(): void {
    this.#woken = true;
    this.#wake?.();
  }

  /** Volumes' content may be old. */
  refreshVolumes(): void {
    this.#preparation.volumesAreOld();
    this.#starts.configurationChanged();
    this.wake();
  }

  owns(id: string): boolean {
    return this.#work.observed.containers.some((one) => one.id === id) || this.#work.observed.sandboxes.some((one) => one.id === id);
  }

  /** The runtime says that this container or sandbox ended. */
  changed(id: string): void {
    this.#exits.told(id);
    this.wake();
  }

  async #run(task: Scope): Promise<void> {
    task.signal.addEventListener("abort", () => this.#wake?.());
    while (!task.stopped) {
      if (!this.#woken) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
        continue;
      }
      this.#woken = false;
      this.#timer?.cancel();
      try {
        this.#busy = true;
        if (await this.#sync(task)) return this.#work.needs.finished(this.uid);
      } catch (error) {
        if (error instanceof ScopeStopped) throw error;
        // Calls that a stopping kubelet gives up end as they like.
        if (task.stopped) return;
        this.#work.world.log.warn("cannot bring a Pod forward; trying again", { pod: fullName(this.#work.pod), error: errorText(error) });
        this.#wakeAfter(failureMilliseconds);
      } finally {
        this.#busy = false;
      }
    }
  }

  /** True when the Pod has ended and nothing is left to do. */
  async #sync(task: Scope): Promise<boolean> {
    for (let count = 0; count < stepsMax && !task.stopped; count++) {
      await this.#look();
      const situation = this.#situation();
      const decision = decide(situation);
      let progress = false;
      // What may take long is preceded by a status that says what is waited for, and what takes containers away by one that shows them.
      const first = decision.steps[0]?.do;
      if (first === "noteRestart" || (!this.#own && decision.steps.some((step) => step.do === "prepare"))) this.#tell(decision);
      for (const step of decision.steps) {
        if (step.do === "finish") {
          await this.#finish(decision);
          return true;
        }
        progress = (await this.#perform(step)) || progress;
      }
      if (progress) continue;
      if (!this.isOver) await this.#preparation.refreshVolumes();
      if (!this.isOver) await this.#resize();
      const wasOver = this.isOver;
      this.#tell(decision);
      if (this.isOver && !wasOver) continue;
      await this.#release();
      const resizeAt = this.#resizing.failure === undefined ? undefined : this.#resizeAt;
      const times = [decision.wakeAt, this.#preparation.volumesDue, this.#exits.lookAt(this.#work.world.clock.now()), resizeAt].filter(
        (time) => time !== undefined,
      );
      if (times.length > 0) this.#wakeAfter(Math.max(1, Math.min(...times) - this.#work.world.clock.now()));
      return false;
    }
    this.#wakeAfter(this.#work.retryMilliseconds);
    return false;
  }

  async #look(): Promise<void> {
    const { runtime, prober } = this.#work.needs;
    const before = this.#work.observed;
    try {
      this.#work.observed = await observe(runtime, this.uid, before, familyOf(this.#work.needs.hostIPs()[0] ?? ""));
    } catch (error) {
      if (!this.#work.scope.stopped) this.#work.event("Warning", "FailedSync", `error determining status: ${errorText(error)}`);
      throw error;
    }
    const { containers, sandboxes } = this.#work.observed;
    for (const { id } of before.containers) if (!containers.some((one) => one.id === id)) prober.stop(id);
    const { startTime } = this.#work.pod.status;
    this.#startTime ??= startTime ? parseTime(startTime) : sandboxes.at(-1)?.createdAt;
    this.#exits.seen(this.#work.observed);
    this.#resizing.observe(this.#work.observed, this.#work.pod);
    const specs = new Map(allContainers(this.#work.pod).map((container) => [container.name, container]));
    const { podIP } = this.#work;
    for (const found of containers) {
      const container = specs.get(found.name);
      if (found.state === "running" && container && !this.#starts.starting.has(found.id) && !this.#stops.stopping.has(found.id)) {
        const startedAt = found.startedAt ?? found.createdAt;
        prober.start({ pod: this.#work.pod, container, containerId: found.id, startedAt, podIP, before: this.#toldOf(found.id) });
      } else if (found.state === "exited") {
        prober.stop(found.id);
        if (!this.#messages.has(found.id)) this.#messages.set(found.id, await this.#work.files.lastWords(found));
      }
    }
  }

  /** Gives running containers what was set aside: the Pod's cgroup is widened first and narrowed last. */
  async #resize(): Promise<void> {
    const { runtime, cgroups, options } = this.#work.needs;
    const { pod, world } = this.#work;
    const due = this.#resizing.due(this.#work.observed, pod).filter(({ restart }) => !restart);
    if (due.length === 0 || this.#resizeAt > world.clock.now()) return;
    try {
      await cgroups?.resize(pod).catch(() => {});
      for (const { container, observed } of due) {
        const { oomScoreAdjustment: _, ...amounts } = linuxResources(pod, container, options);
        await runtime.updateContainerResources(observed.id, amounts);
        this.#resizing.given(observed.id, container.resources);
      }
      await cgroups?.resize(pod);
      this.#resizing.failure = undefined;
    } catch (error) {
      const message = errorText(error);
      if (this.#resizing.failure !== message) this.#work.event("Warning", "ResizeError", `Pod resize error: ${resizeText(pod, message)}`);
      this.#resizing.failure = message;
      this.#resizeAt = world.clock.now() + resizeRetryMilliseconds;
    }
  }

  /** The conditions that say how far a change of amounts has got. */
  #resizeFacts(): StatusFacts["resize"] {
    const { pending, failure } = this.#resizing;
    const { observed, pod } = this.#work;
    const isUnderWay = !this.isOver && this.#resizing.due(observed, pod).length > 0;
    if (this.#wasResizing && !isUnderWay && !this.isOver)
      this.#work.event("Normal", "ResizeCompleted", `Pod resize completed: ${resizeText(pod)}`);
    this.#wasResizing = isUnderWay;
    return { actual: (id) => this.#resizing.actual(id), pending, progress: isUnderWay ? { failure } : undefined };
  }

  #toRestart(): ReadonlySet<string> {
    const due = this.#resizing.due(this.#work.observed, this.#work.pod);
    return new Set(due.flatMap(({ observed, restart }) => (restart ? [observed.id] : [])));
  }

  /** What the status says of this container. */
  #toldOf(id: string): { readonly started: boolean; readonly ready: boolean } | undefined {
    const { initContainerStatuses = [], containerStatuses = [] } = this.pod.status;
    const told = [...initContainerStatuses, ...containerStatuses].find(({ containerID }) => containerID?.endsWith(`://${id}`));
    return told && { started: told.started === true, ready: told.ready };
  }

  #situation(): Situation {
    const { prober } = this.#work.needs;
    const now = this.#work.world.clock.now();
    this.#startTime ??= now;
    const { restarts } = this.#work;
    return {
      pod: this.pod,
      now,
      observed: this.#work.observed,
      ending: this.#work.ending,
      hasFailed: this.#failure !== undefined,
      failGraceSeconds: this.#failure?.graceSeconds,
      volumesReady: this.#preparation.volumesReady,
      startTime: this.#startTime,
      probe: (id) => prober.state(id),
      stopping: this.#stops.stopping,
      starting: this.#starts.starting,
      replaced: this.#work.replaced,
      resized: this.#toRestart(),
      held: this.#starts.held,
      blockedUntil: this.#preparation.blockedUntil,
      restartBlockedUntil: (key, since) => restarts.blockedUntil(key, since),
      restartDelay: (key) => restarts.milliseconds(key),
    };
  }

  #tell({ waiting }: Decision): PodStatus {
    const { prober, hostIPs, runtimeName, report } = this.#work.needs;
    const { phase } = this.pod.status;
    // What is over and was never seen running here, or is seen no more, stays as it was said to be.
    if ((phase === "Succeeded" || phase === "Failed") && this.#work.observed.containers.length === 0) return this.pod.status;
    const status = podStatus({
      pod: this.pod,
      now: this.#work.world.clock.now(),
      observed: this.#work.observed,
      startTime: this.#startTime ?? this.#work.world.clock.now(),
      waiting,
      starting: this.#starts.starting,
      volumesReady: this.#preparation.volumesReady,
      unhooked: this.#starts.unhooked,
      probe: (id) => prober.state(id),
      hostIPs: hostIPs(),
      runtimeName: runtimeName(),
      messages: this.#messages,
      ending: this.#work.ending !== undefined || this.#failure !== undefined,
      failure: this.#failure,
      resize: this.#resizeFacts(),
    });
    this.#own = status;
    report(this.#work.pod, status);
    return status;
  }

  /** True when something may be different now. */
  async #perform(step: Step): Promise<boolean> {
    const { runtime } = this.#work.needs;
    switch (step.do) {
      case "prepare":
        if (step.sandbox) this.#announcements.sandboxChanged();
        await this.#preparation.prepare(step);
        return true;
      case "start":
        return this.#starts.start(step);
      case "stop":
        this.#stops.stop(step);
        return false;
      case "remove":
        await this.#removeContainer(step.containerId);
        return true;
      case "stopSandbox":
        await runtime.stopSandbox(step.sandboxId);
        return true;
      case "removeSandbox":
        await runtime.removeSandbox(step.sandboxId);
        return true;
      case "fail":
        this.#failure = { reason: step.reason, message: step.message };
        this.#work.event("Normal", step.reason, step.message);
        return true;
      case "noteRestart":
        this.#work.restarts.next(step.key, step.since);
        return false;
      case "backOff":
        this.#announcements.backOff(step.container.name);
        return false;
      case "finish":
        return false;
    }
  }

  async #removeContainer(id: string): Promise<void> {
    await this.#work.needs.runtime.removeContainer(id);
    this.#messages.delete(id);
    this.#work.replaced.delete(id);
    this.#starts.forget(id);
    const found = this.#work.observed.containers.find((one) => one.id === id);
    if (found) await this.#work.files.removeLog(found);
  }

  /** A Pod that is over keeps its ended containers for their logs, and nothing else. */
  async #release(): Promise<void> {
    const { containers, sandboxes } = this.#work.observed;
    if (this.#isReleased || this.#work.ending || !this.isOver || containers.some(isAlive) || sandboxes.some(({ ready }) => ready)) return;
    await this.#work.needs.volumes.unmount(this.uid);
    await this.#work.needs.cgroups?.remove(this.uid);
    this.#isReleased = true;
  }

  /** The Pod has ended: everything of it is taken away, then the API is told. */
  async #finish(decision: Decision): Promise<void> {
    const { cgroups, volumes, runtime } = this.#work.needs;
    const status = this.#tell(decision);
    await volumes.unmount(this.uid);
    await cgroups?.remove(this.uid);
    await this.#work.needs.ended(this.#work.pod, status);
    for (const { id } of this.#work.observed.sandboxes) await runtime.removeSandbox(id);
    await this.#work.files.removeLogs(this.#work.observed.containers);
  }

  #wakeAfter(milliseconds: number): void {
    this.#timer?.cancel();
    this.#timer = this.#work.world.clock.timer(milliseconds, () => this.wake());
  }
}
